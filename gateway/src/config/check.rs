//! From [`TykConf`] to [`Settings`]: units, defaults that depend on something, and what must exist on disk.

mod storage;

use std::{
    fs::{self, File},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    admin,
    file::{Cache, HttpServerOptions, JavaScript, Metrics, Plugins, Policies, TykConf},
    problem::Complaint,
    report::Report,
    settings::{
        BatchSettings, BundleSettings, CacheSettings, CertificateFiles, DriverName, EventSettings,
        IgnoredKey, IgnoredVariable, JavaScriptSettings, KeySettings, Limits, LogFormat, LogLevel,
        LogSettings, MatchingSettings, MetricsSettings, PluginSettings, PoliciesSettings, ServerSettings,
        Settings, TlsSettings, TlsVersion, UpstreamSettings,
    },
};

/// What settings need besides the file.
pub(super) struct Surroundings<'a> {
    pub(super) environment: &'a [(String, String)],
    pub(super) ignored_keys: Vec<IgnoredKey>,
    pub(super) ignored_variables: Vec<IgnoredVariable>,
}

/// Makes the settings. They are of use only if `report` is still empty afterwards.
pub(super) fn settings(conf: TykConf, surroundings: Surroundings<'_>, report: &mut Report<'_>) -> Settings {
    check_folder("app_path", &conf.app_path, report);
    let options = &conf.http_server_options;
    let limits = &conf.gatehouse.limits;
    let server = server(&conf, report);
    let control = admin::control_address(&conf, server.listen, report);
    Settings {
        matching: MatchingSettings {
            prefix: options.enable_path_prefix_matching,
            suffix: options.enable_path_suffix_matching,
            strict_routes: options.enable_strict_routes,
            ignore_case: conf.ignore_endpoint_case,
        },
        limits: Limits {
            header_bytes: limits.max_header_bytes,
            headers: limits.max_headers,
            request_body_bytes: options.max_request_body_size,
            buffered_body_bytes: limits.max_buffered_body_bytes,
            header_timeout: Duration::from_millis(limits.header_timeout_ms),
            body_timeout: Duration::from_secs(options.read_timeout),
            write_timeout: Duration::from_secs(options.write_timeout),
            idle_timeout: Duration::from_millis(limits.idle_timeout_ms),
            in_flight: limits.max_in_flight,
            connections: limits.max_connections,
            drain_timeout: Duration::from_millis(limits.drain_timeout_ms),
            counters: limits.max_counters,
            quota_write_interval: Duration::from_millis(limits.quota_write_ms),
            throttle: Duration::from_millis(limits.max_throttle_ms),
        },
        upstream: UpstreamSettings {
            idle_per_host: conf.max_idle_connections_per_host,
            idle_timeout: Duration::from_millis(conf.gatehouse.upstream.idle_timeout_ms),
            timeout: Duration::try_from_secs_f64(conf.proxy_default_timeout).unwrap_or_default(),
            connect_timeout: Duration::from_millis(conf.gatehouse.upstream.connect_timeout_ms),
            insecure_skip_verify: conf.proxy_ssl_insecure_skip_verify,
        },
        javascript: javascript(&conf, &conf.gatehouse.javascript, report),
        plugins: plugins(&conf.gatehouse.plugins),
        batch: BatchSettings {
            max_requests: conf.gatehouse.batch.max_requests,
            parallel: conf.gatehouse.batch.parallel,
            max_answer_bytes: conf.gatehouse.batch.max_answer_bytes,
            timeout: Duration::from_millis(conf.gatehouse.batch.timeout_ms),
        },
        cache: cache(&conf.gatehouse.cache, report),
        events: EventSettings {
            queue: conf.gatehouse.events.queue,
            parallel: conf.gatehouse.events.parallel,
            timeout: Duration::from_millis(conf.gatehouse.events.timeout_ms),
        },
        metrics: metrics(&conf.gatehouse.metrics, report),
        watch: conf.gatehouse.watch,
        bundles: bundles(&conf, report),
        policies: policies(&conf.policies, report),
        storage: storage::settings(&conf, report),
        keys: KeySettings {
            hashed: conf.hash_keys,
            function: conf.hash_key_function,
            list_hashed: conf.enable_hashed_keys_listing,
            forced_lifetime: conf
                .force_global_session_lifetime
                .then(|| Duration::from_secs(conf.global_session_lifetime)),
            lifetime_respects_expiration: conf.session_lifetime_respects_key_expiration,
        },
        // After the others, because it complains only where nothing else is wrong.
        admin: admin::settings(&conf, control.unwrap_or(server.listen), surroundings.environment, report),
        control,
        server,
        log: LogSettings {
            level: conf.log_level.unwrap_or(LogLevel::Info),
            format: conf.log_format.unwrap_or(LogFormat::Text),
            access_log: conf.gatehouse.access_log,
            targets: conf.gatehouse.log_targets,
        },
        app_path: conf.app_path,
        middleware_path: conf.middleware_path,
        template_path: conf.template_path,
        ignored_keys: surroundings.ignored_keys,
        ignored_variables: surroundings.ignored_variables,
    }
}

fn bundles(conf: &TykConf, report: &mut Report<'_>) -> BundleSettings {
    let written = conf.bundle_base_url.trim();
    let base_url = match url::Url::parse(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "file") => Some(url),
        _ if written.is_empty() => None,
        _ => {
            let wanted = "a URL with http, https or file";
            report.complain("bundle_base_url", value(wanted, quoted(written)), None);
            None
        }
    };
    BundleSettings {
        download: conf.enable_bundle_downloader,
        base_url,
        insecure_skip_verify: conf.bundle_insecure_skip_verify,
        public_key: Some(conf.public_key_path.trim()).filter(|path| !path.is_empty()).map(Into::into),
        max_bytes: conf.gatehouse.limits.max_bundle_bytes,
    }
}

fn server(conf: &TykConf, report: &mut Report<'_>) -> ServerSettings {
    let header = &conf.gatehouse.server_header;
    if !header.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()) {
        report.complain(
            "gatehouse.server_header",
            value("a header value in plain ASCII", quoted(header)),
            None,
        );
    }
    let name = conf.health_check_endpoint_name.trim_matches('/');
    if name.is_empty() || name.contains(['?', '#', ' ']) {
        let found = quoted(&conf.health_check_endpoint_name);
        report.complain("health_check_endpoint_name", value("a path such as \"hello\"", found), None);
    }
    let options = &conf.http_server_options;
    ServerSettings {
        listen: SocketAddr::new(address(&conf.listen_address, report), conf.listen_port),
        health_check_name: name.to_owned(),
        tls: options.use_ssl.then(|| tls(options, report)),
        close_connections: conf.close_connections,
        server_header: header.clone(),
        custom_domains: conf.enable_custom_domains,
        workers: conf.gatehouse.workers,
        supervisor: conf.gatehouse.supervisor,
    }
}

/// Empty is every IPv4 interface: where dual-stack `[::]` works differs from system to system, so it must be asked for.
pub(super) fn address(written: &str, report: &mut Report<'_>) -> IpAddr {
    // Tyk joins address and port, so there an IPv6 address has to be in brackets.
    let bare = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(written);
    match bare {
        "" => Ipv4Addr::UNSPECIFIED.into(),
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        _ => bare.parse().unwrap_or_else(|_| {
            report.complain("listen_address", value("an IP address, or \"\" for all", quoted(written)), None);
            Ipv4Addr::UNSPECIFIED.into()
        }),
    }
}

fn tls(options: &HttpServerOptions, report: &mut Report<'_>) -> TlsSettings {
    let mut certificates = Vec::new();
    for (index, entry) in options.certificates.iter().enumerate() {
        for (name, path) in [("cert_file", &entry.cert_file), ("key_file", &entry.key_file)] {
            check_pem(&format!("http_server_options.certificates[{index}].{name}"), path, report);
        }
        certificates.push(CertificateFiles {
            domain: entry.domain_name.clone(),
            certificate: entry.cert_file.clone(),
            key: entry.key_file.clone(),
        });
    }
    for (index, path) in options.ssl_certificates.iter().enumerate() {
        check_pem(&format!("http_server_options.ssl_certificates[{index}]"), path, report);
        certificates.push(CertificateFiles {
            domain: String::new(),
            certificate: path.clone(),
            key: path.clone(),
        });
    }
    if certificates.is_empty() {
        let because = "`use_ssl` needs at least one certificate".into();
        let advice = "add { \"domain_name\": \"\", \"cert_file\": FILE, \"key_file\": FILE }".into();
        report.complain("http_server_options.certificates", Complaint::Required { because }, Some(advice));
    }
    // 772 is TLS 1.3 on the wire.
    let oldest = if options.min_version == 772 { TlsVersion::V1_3 } else { TlsVersion::V1_2 };
    TlsSettings { certificates, oldest }
}

fn javascript(conf: &TykConf, ours: &JavaScript, report: &mut Report<'_>) -> JavaScriptSettings {
    if let Some(threads) = ours.threads.filter(|threads| *threads > ours.max_threads) {
        let expected = format!("no more than `max_threads` ({})", ours.max_threads);
        report.complain("gatehouse.javascript.threads", value(&expected, threads.to_string()), None);
    }
    JavaScriptSettings {
        enabled: conf.enable_jsvm,
        blobs_disabled: conf.disable_virtual_path_blobs,
        timeout: Duration::from_secs(conf.jsvm_timeout),
        extra_source: Some(&conf.tyk_js_path).filter(|path| !path.is_empty()).map(PathBuf::from),
        driver: ours.driver.unwrap_or(DriverName::DEFAULT),
        threads: ours.threads,
        max_threads: ours.max_threads,
        queue: ours.queue,
        isolation: ours.isolation,
        max_processes: ours.max_processes,
        memory_bytes: ours.max_memory_bytes,
        outbound_calls: ours.max_outbound_calls,
        batch_parallel: ours.batch_parallel,
        response_bytes: ours.max_response_bytes,
        outbound_body_bytes: ours.max_outbound_body_bytes,
    }
}

fn plugins(ours: &Plugins) -> PluginSettings {
    PluginSettings {
        cache: Some(&ours.cache_path).filter(|path| !is_empty(path)).cloned(),
        timeout: Duration::from_millis(ours.timeout_ms),
        outbound_timeout: Duration::from_millis(ours.outbound_timeout_ms),
        outbound_body_bytes: ours.max_outbound_body_bytes,
        analytics_in_flight: ours.max_analytics_in_flight,
    }
}

fn cache(ours: &Cache, report: &mut Report<'_>) -> CacheSettings {
    if ours.max_entry_bytes as u64 > ours.max_bytes {
        let expected = format!("no more than `max_bytes` ({})", ours.max_bytes);
        report.complain(
            "gatehouse.cache.max_entry_bytes",
            value(&expected, ours.max_entry_bytes.to_string()),
            None,
        );
    }
    CacheSettings {
        max_bytes: ours.max_bytes,
        max_entry_bytes: ours.max_entry_bytes,
        fill_timeout: Duration::from_millis(ours.fill_timeout_ms),
    }
}

fn metrics(ours: &Metrics, report: &mut Report<'_>) -> MetricsSettings {
    if ours.listen.is_empty() {
        return MetricsSettings { listen: None };
    }
    let numeric = match ours.listen.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => ours.listen.clone(),
    };
    let listen = numeric.parse().ok();
    if listen.is_none() {
        let expected = "an IP address with a port such as \"127.0.0.1:9100\", or \"\" for none";
        report.complain("gatehouse.metrics.listen", value(expected, quoted(&ours.listen)), None);
    }
    MetricsSettings { listen }
}

fn policies(written: &Policies, report: &mut Report<'_>) -> Option<PoliciesSettings> {
    if !matches!(written.policy_source.as_str(), "" | "file") {
        let asks_for = format!("policies from a {}", quoted(&written.policy_source));
        let advice = "set it to \"file\", with the file in `policy_record_name`".into();
        report.complain("policies.policy_source", Complaint::Unsupported { asks_for }, Some(advice));
    }
    let path =
        [&written.policy_path, &written.policy_record_name].into_iter().find(|path| !is_empty(path))?;
    Some(PoliciesSettings { path: path.clone() })
}

fn check_folder(key: &str, path: &Path, report: &mut Report<'_>) {
    let fault = match fs::read_dir(path) {
        Ok(_) => return,
        Err(error) => cause(&error),
    };
    report.complain(
        key,
        value("an existing folder", format!("{} ({fault})", shown(path))),
        where_paths_begin(path),
    );
}

fn check_pem(key: &str, path: &Path, report: &mut Report<'_>) {
    if is_empty(path) {
        let because = "each certificate needs its chain and its key".into();
        report.complain(key, Complaint::Required { because }, None);
        return;
    }
    let fault = match File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => return,
        Ok(_) => "not a file".into(),
        Err(error) => cause(&error),
    };
    report.complain(
        key,
        value("a readable PEM file", format!("{} ({fault})", shown(path))),
        where_paths_begin(path),
    );
}

/// The system's words without its number.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn where_paths_begin(path: &Path) -> Option<String> {
    let folder = std::env::current_dir().ok().filter(|_| path.is_relative())?;
    Some(format!("a relative path begins at the working directory, {}", folder.display()))
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

pub(super) fn value(expected: &str, found: String) -> Complaint {
    Complaint::Value { expected: expected.to_owned(), found }
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(check: impl FnOnce(&mut Report<'_>)) -> Vec<String> {
        let mut report = Report::new(Path::new("tyk.conf"), "{}");
        check(&mut report);
        report.into_problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reads_addresses() {
        for (written, expected) in [
            ("", "0.0.0.0"),
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "127.0.0.1"),
            ("::", "::"),
            ("[::1]", "::1"),
        ] {
            let problems = reported(|report| assert_eq!(address(written, report).to_string(), expected));
            assert_eq!(problems, Vec::<String>::new());
        }
        assert_eq!(
            reported(|report| assert!(address("example.com", report).is_unspecified())),
            ["tyk.conf:1:1: listen_address: expected an IP address, or \"\" for all, found \"example.com\""]
        );
    }

    #[test]
    fn certificates_must_be_readable() {
        let folder = tempfile::tempdir().unwrap();
        let pem = folder.path().join("both.pem");
        fs::write(&pem, "").unwrap();
        let options =
            HttpServerOptions { ssl_certificates: vec![pem.clone()], min_version: 772, ..Default::default() };
        let problems = reported(|report| {
            let tls = tls(&options, report);
            assert_eq!((&tls.certificates[0].certificate, &tls.certificates[0].key), (&pem, &pem));
            assert_eq!(tls.oldest, TlsVersion::V1_3);
        });
        assert_eq!(problems, Vec::<String>::new());

        let folder_path = folder.path().to_owned();
        let options = HttpServerOptions { ssl_certificates: vec![folder_path.clone()], ..Default::default() };
        assert_eq!(
            reported(|report| drop(tls(&options, report))),
            [format!(
                "tyk.conf:1:1: http_server_options.ssl_certificates[0]: expected a readable PEM file, found {} (not a file)",
                shown(&folder_path)
            )]
        );
    }

    #[test]
    fn metrics_are_published_at_an_address_or_nowhere() {
        for (written, expected) in [
            ("", None),
            ("127.0.0.1:9100", Some("127.0.0.1:9100")),
            ("localhost:0", Some("127.0.0.1:0")),
            ("[::1]:9100", Some("[::1]:9100")),
        ] {
            let problems = reported(|report| {
                let settings = metrics(&Metrics { listen: written.to_owned() }, report);
                assert_eq!(settings.listen, expected.map(|address| address.parse().unwrap()));
            });
            assert_eq!(problems, Vec::<String>::new());
        }
        for written in ["9100", ":9100", "127.0.0.1", "example.com:9100"] {
            let problems = reported(|report| {
                assert!(metrics(&Metrics { listen: written.to_owned() }, report).listen.is_none())
            });
            assert_eq!(
                problems,
                [format!(
                    "tyk.conf:1:1: gatehouse.metrics.listen: expected an IP address with a port such as \
                     \"127.0.0.1:9100\", or \"\" for none, found \"{written}\""
                )]
            );
        }
    }

    #[test]
    fn policies_prefer_the_folder() {
        let written = Policies {
            policy_record_name: "p.json".into(),
            policy_path: "folder".into(),
            ..Default::default()
        };
        let problems = reported(|report| {
            assert_eq!(policies(&written, report), Some(PoliciesSettings { path: "folder".into() }));
            assert_eq!(policies(&Policies::default(), report), None);
        });
        assert_eq!(problems, Vec::<String>::new());
    }
}
