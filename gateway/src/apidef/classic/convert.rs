//! From a Classic definition as written to our model, with every check on the way.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use url::Url;

use super::{
    endpoints,
    file::{self, ClassicFile},
};
use crate::apidef::{
    Problems,
    model::{
        ApiDefinition, ClientAddresses, Cors, HeaderChanges, KeyLimits, RateLimit, Upstream, Version,
        VersionApis, Versioning,
    },
    reader::{Reader, WrittenNaming, unavailable, with_default_lists},
};

/// Gives the definition; whether it is served is for the caller to tell from `problems.refusals`.
pub(super) fn convert(file: ClassicFile, problems: &mut Problems) -> Option<ApiDefinition> {
    if file.api_id.is_empty() {
        problems.refuse("api_id", "is missing; every API needs an id of its own");
    }
    refuse_what_comes_later(&file, problems);
    warn_of_settings_without_effect(&file, problems);
    let listen_path = Reader::listen_path(problems, &file.proxy.listen_path, "proxy.listen_path")?;
    let upstream = upstream(&file, problems);
    let api_id: Arc<str> = file.api_id.as_str().into();
    let mut reader = Reader { problems, api_id: Arc::clone(&api_id) };
    let versioning = reader.versioning(&file);
    let version_apis = reader.version_apis(&file.definition);
    let cors = reader.cors(&file.cors);
    let client_addresses = reader.client_addresses(&file);
    let rate_limit = reader.global_rate_limit(&file.global_rate_limit).filter(|_| !file.disable_rate_limit);
    let response_headers = reader.response_processors(&file.response_processors);
    let driver = reader.driver(&file.custom_middleware.driver, "custom_middleware.driver");
    let keys = reader.keys(&file);
    let hooks = reader.hooks(&file);
    let cache = reader.cache_options(&file.cache_options);
    let event_handlers = reader.event_handlers(&file.event_handlers);
    let script_budget = file.gatehouse.javascript.checked("", problems);
    Some(ApiDefinition {
        id: api_id,
        name: if file.name.is_empty() { file.api_id.as_str().into() } else { file.name.as_str().into() },
        org_id: file.org_id.as_str().into(),
        internal: file.internal,
        domain: domain(&file),
        listen_path,
        strip_listen_path: file.proxy.strip_listen_path,
        upstream: upstream?,
        versioning: versioning?,
        version_apis,
        config_data: (!file.config_data_disabled).then(|| file.config_data.unwrap_or_default()),
        cors,
        client_addresses,
        keys,
        rate_limit,
        key_limits: KeyLimits {
            no_rates: file.disable_rate_limit,
            no_quotas: file.disable_quota,
            keeps_counts: file.dont_set_quota_on_create,
            session_lifetime: u64::try_from(file.session_lifetime)
                .ok()
                .filter(|seconds| *seconds > 0)
                .map(std::time::Duration::from_secs),
            lifetime_respects_expiration: file.session_lifetime_respects_key_expiration,
        },
        driver,
        script_budget,
        response_headers,
        hooks,
        event_handlers,
        batch: file.enable_batch_request_support,
        cache,
        written: None,
    })
}

/// Refuses settings whose protection is not built yet: nothing protected is served open.
fn refuse_what_comes_later(file: &ClassicFile, problems: &mut Problems) {
    if !file.custom_middleware_bundle.is_empty() && !file.custom_middleware_bundle_disabled {
        problems.refuse(
            "custom_middleware_bundle",
            unavailable::bundle("set `custom_middleware_bundle_disabled`"),
        );
    }
    if !file.pinned_public_keys.is_empty() && !file.certificate_pinning_disabled {
        problems.refuse(
            "pinned_public_keys",
            unavailable::certificate_pinning("set `certificate_pinning_disabled`"),
        );
    }
}

/// Go's numbers of versions of TLS.
const TLS_1_2: u64 = 0x303;
const TLS_1_3: u64 = 0x304;

/// Settings that change what happens but protect nothing: served, and said so.
fn warn_of_settings_without_effect(file: &ClassicFile, problems: &mut Problems) {
    if file.proxy.service_discovery.use_discovery_service {
        problems.warn("proxy.service_discovery", "has no effect: requests go to `target_url`");
    }
    if !file.proxy.transport.proxy_url.is_empty() {
        problems.warn("proxy.transport.proxy_url", unavailable::UPSTREAM_PROXY);
    }
    let transport = &file.proxy.transport;
    let tls = [
        (transport.ssl_force_common_name_check, "ssl_force_common_name_check"),
        (!transport.ssl_ciphers.is_empty(), "ssl_ciphers"),
        (transport.ssl_min_version > TLS_1_2, "ssl_min_version"),
        ((1..TLS_1_3).contains(&transport.ssl_max_version), "ssl_max_version"),
    ];
    for (_, name) in tls.into_iter().filter(|(on, _)| *on) {
        problems.warn(format!("proxy.transport.{name}"), unavailable::UPSTREAM_TLS);
    }
    if file.proxy.check_host_against_uptime_tests {
        problems.warn("proxy.check_host_against_uptime_tests", unavailable::UPTIME);
    }
    if !file.upstream_certificates.is_empty() {
        problems.warn("upstream_certificates", unavailable::UPSTREAM_CERTIFICATES);
    }
}

fn written_naming<'a>(definition: &'a file::VersionDefinition, default: &'a str) -> WrittenNaming<'a> {
    WrittenNaming {
        location: &definition.location,
        key: &definition.key,
        strip: definition.strip_versioning_data,
        strip_path: definition.strip_path,
        url_pattern: &definition.url_versioning_pattern,
        default,
        fallback: definition.fallback_to_default,
        field: "definition",
        url_pattern_field: "url_versioning_pattern",
    }
}

fn domain(file: &ClassicFile) -> Option<String> {
    let domain = file.domain.trim();
    (!domain.is_empty() && !file.domain_disabled).then(|| domain.to_ascii_lowercase())
}

fn upstream(file: &ClassicFile, problems: &mut Problems) -> Option<Upstream> {
    let proxy = &file.proxy;
    let balanced = proxy.enable_load_balancing && !proxy.target_list.is_empty();
    let targets: Vec<Url> = if balanced {
        let parse = |(index, target): (usize, &String)| {
            Reader::target(problems, target, &format!("proxy.target_list[{index}]"))
        };
        proxy.target_list.iter().enumerate().filter_map(parse).collect()
    } else {
        Reader::target(problems, &proxy.target_url, "proxy.target_url").into_iter().collect()
    };
    (!targets.is_empty()).then_some(Upstream {
        targets,
        preserve_host_header: proxy.preserve_host_header,
        keep_trailing_slash: proxy.disable_strip_slash,
        insecure_skip_verify: proxy.transport.ssl_insecure_skip_verify,
    })
}

impl Reader<'_> {
    fn versioning(&mut self, file: &ClassicFile) -> Option<Versioning> {
        let data = &file.version_data;
        if data.not_versioned || data.versions.is_empty() {
            // Tyk uses the version named Default, and any other one when there is no such name.
            let (name, version) =
                match data.versions.get_key_value("Default").or_else(|| data.versions.iter().next()) {
                    Some((name, version)) => (name.as_str(), self.version(name, version)),
                    None => ("Default", Version::default()),
                };
            let name = if version.name.is_empty() { name.to_owned() } else { version.name.clone() };
            return Some(Versioning::Single(Box::new(Version { name, expires: None, ..version })));
        }
        let default =
            [&data.default_version, &file.definition.default].into_iter().find(|name| !name.is_empty());
        let naming =
            self.version_naming(&written_naming(&file.definition, default.map_or("", |name| name)))?;
        let versions = data.versions.iter().map(|(name, version)| self.version(name, version)).collect();
        Some(Versioning::Many { naming, versions })
    }

    /// Versions that are APIs of their own.
    fn version_apis(&mut self, definition: &file::VersionDefinition) -> Option<VersionApis> {
        if !definition.enabled {
            return None;
        }
        Some(VersionApis {
            naming: self.version_naming(&written_naming(definition, &definition.default))?,
            own_name: definition.name.clone(),
            apis: definition.versions.clone(),
        })
    }

    fn version(&mut self, name: &str, version: &file::Version) -> Version {
        let field = format!("version_data.versions.{name}");
        let changes = |set: &BTreeMap<String, String>, set_off: bool, remove: &[String]| {
            (if set_off { BTreeMap::new() } else { set.clone() }, remove.to_vec())
        };
        let (set, remove) =
            changes(&version.global_headers, version.global_headers_disabled, &version.global_headers_remove);
        let request_headers = self.header_changes(&set, &remove, &format!("{field}.global_headers"));
        let (set, remove) = changes(
            &version.global_response_headers,
            version.global_response_headers_disabled,
            &version.global_response_headers_remove,
        );
        let response_headers =
            self.header_changes(&set, &remove, &format!("{field}.global_response_headers"));
        let override_target = match version.override_target.trim() {
            "" => None,
            target => Self::target(self.problems, target, &format!("{field}.override_target")),
        };
        let size_limit = if version.global_size_limit_disabled { 0 } else { version.global_size_limit };
        Version {
            name: name.to_owned(),
            expires: self.expires(&version.expires, &format!("{field}.expires")),
            override_target,
            request_headers,
            response_headers,
            size_limit: u64::try_from(size_limit).unwrap_or(0),
            ignore_case: version.ignore_endpoint_case,
            endpoints: if version.use_extended_paths {
                self.extended(&version.extended_paths, &format!("{field}.extended_paths"))
            } else {
                endpoints::simple_paths(&version.paths)
            },
        }
    }

    pub(super) fn header_changes(
        &mut self,
        set: &BTreeMap<String, String>,
        remove: &[String],
        field: &str,
    ) -> HeaderChanges {
        let remove = remove.iter().filter_map(|name| self.header_name(name, field)).collect();
        let set = set.iter().filter_map(|(name, text)| {
            let field = format!("{field}.{name}");
            Some((self.header_name(name, &field)?, self.header_template(text, &field)?))
        });
        let set = set.collect();
        HeaderChanges { remove, set }
    }

    fn cors(&mut self, cors: &file::Cors) -> Option<Cors> {
        cors.enable.then(|| {
            with_default_lists(Cors {
                allowed_origins: cors.allowed_origins.clone(),
                allowed_methods: cors.allowed_methods.clone(),
                allowed_headers: cors.allowed_headers.clone(),
                exposed_headers: cors.exposed_headers.clone(),
                allow_credentials: cors.allow_credentials,
                max_age: u64::try_from(cors.max_age).unwrap_or(0),
                options_passthrough: cors.options_passthrough,
            })
        })
    }

    fn client_addresses(&mut self, file: &ClassicFile) -> ClientAddresses {
        let mut ranges = |on: bool, list: &[String], field: &str| {
            if on { self.address_ranges(list, field) } else { Vec::new() }
        };
        let allow_list = file.enable_ip_whitelisting && !file.allowed_ips.is_empty();
        ClientAddresses {
            allowed: ranges(allow_list, &file.allowed_ips, "allowed_ips"),
            allow_list,
            blocked: ranges(file.enable_ip_blacklisting, &file.blacklisted_ips, "blacklisted_ips"),
        }
    }

    fn global_rate_limit(&mut self, limit: &file::RateLimit) -> Option<RateLimit> {
        if limit.disabled || limit.per <= 0.0 {
            return None;
        }
        let per = self.seconds(limit.per, "global_rate_limit.per");
        Self::rate_limit(limit.rate, per)
    }

    fn response_processors(&mut self, processors: &[file::ResponseProcessor]) -> HeaderChanges {
        let mut changes = HeaderChanges::default();
        for (index, processor) in processors.iter().enumerate() {
            let field = format!("response_processors[{index}]");
            match processor.name.as_str() {
                "header_injector" => {
                    let texts = |name: &str| -> BTreeMap<String, String> {
                        let object = processor.options.get(name).and_then(Value::as_object);
                        let pairs = object
                            .into_iter()
                            .flatten()
                            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
                        pairs.collect()
                    };
                    let removed = processor.options.get("remove_headers").and_then(Value::as_array);
                    let removed: Vec<String> = removed
                        .into_iter()
                        .flatten()
                        .filter_map(|name| Some(name.as_str()?.to_owned()))
                        .collect();
                    let read =
                        self.header_changes(&texts("add_headers"), &removed, &format!("{field}.options"));
                    changes.remove.extend(read.remove);
                    changes.set.extend(read.set);
                }
                "" => {}
                other => self.problems.warn(
                    format!("{field}.name"),
                    format!("`{other}` is not available: answers are not changed by it"),
                ),
            }
        }
        changes
    }
}
