//! From a Classic definition as written to our model, with every check on the way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};
use url::Url;

use super::{
    file::{self, ClassicFile},
    plugins,
};
use crate::{
    apidef::{
        Problems,
        model::{
            AddressRange, ApiDefinition, ClientAddresses, Cors, Endpoint, Endpoints, FixedAnswer,
            HeaderChanges, HeaderTemplate, KeyLimits, MethodActions, RateLimit, RewriteTrigger, ScriptSource,
            TriggerMatch, Upstream, UrlRewrite, Version, VersionLocation, Versioning, VirtualEndpoint,
        },
    },
    config::settings::DriverName,
};

/// Gives the definition; whether it is served is for the caller to tell from `problems.refusals`.
pub(super) fn convert(file: ClassicFile, problems: &mut Problems) -> Option<ApiDefinition> {
    if file.api_id.is_empty() {
        problems.refuse("api_id", "is missing; every API needs an id of its own");
    }
    refuse_what_comes_later(&file, problems);
    warn_of_settings_without_effect(&file, problems);
    let listen_path = listen_path(&file, problems)?;
    let upstream = upstream(&file, problems);
    let api_id: Arc<str> = file.api_id.as_str().into();
    let mut reader = Reader { problems, api_id: Arc::clone(&api_id) };
    let versioning = reader.versioning(&file);
    let cors = reader.cors(&file.cors);
    let client_addresses = reader.client_addresses(&file);
    let rate_limit = rate_limit(&file.global_rate_limit).filter(|_| !file.disable_rate_limit);
    let response_headers = reader.response_processors(&file.response_processors);
    let driver = reader.driver(&file.custom_middleware.driver);
    let keys = reader.keys(&file);
    let hooks = reader.hooks(&file);
    let event_handlers = reader.event_handlers(&file.event_handlers);
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
        config_data: match file.config_data {
            Some(data) if !file.config_data_disabled && !data.is_null() => data,
            _ => Value::Object(serde_json::Map::new()),
        },
        cors,
        client_addresses,
        keys,
        rate_limit,
        key_limits: KeyLimits {
            no_rates: file.disable_rate_limit,
            no_quotas: file.disable_quota,
            session_lifetime: u64::try_from(file.session_lifetime)
                .ok()
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        },
        driver,
        response_headers,
        hooks,
        event_handlers,
        written: None,
    })
}

/// Refuses settings whose protection is not built yet: nothing protected is served open.
fn refuse_what_comes_later(file: &ClassicFile, problems: &mut Problems) {
    if !file.custom_middleware_bundle.is_empty() && !file.custom_middleware_bundle_disabled {
        problems.refuse(
            "custom_middleware_bundle",
            "names a bundle, which this version of Gatehouse does not load yet; set \
             `custom_middleware_bundle_disabled` to serve the API without it",
        );
    }
    if !file.pinned_public_keys.is_empty() && !file.certificate_pinning_disabled {
        problems.refuse(
            "pinned_public_keys",
            "certificate pinning is not available; set `certificate_pinning_disabled`",
        );
    }
}

/// Settings that change what happens but protect nothing: served, and said so.
fn warn_of_settings_without_effect(file: &ClassicFile, problems: &mut Problems) {
    if file.cache_options.enable_cache {
        problems
            .warn("cache_options.enable_cache", "there is no response cache yet: every request goes through");
    }
    if file.enable_batch_request_support {
        problems.warn("enable_batch_request_support", "the batch endpoint is not there yet");
    }
    if file.proxy.service_discovery.use_discovery_service {
        problems.warn("proxy.service_discovery", "has no effect: requests go to `target_url`");
    }
    if !file.proxy.transport.proxy_url.is_empty() {
        problems.warn("proxy.transport.proxy_url", "has no effect: upstreams are called directly");
    }
    if !file.upstream_certificates.is_empty() {
        problems.warn("upstream_certificates", "have no effect: upstreams see no client certificate");
    }
}

fn listen_path(file: &ClassicFile, problems: &mut Problems) -> Option<String> {
    let path = file.proxy.listen_path.trim();
    if path.is_empty() {
        problems.refuse(
            "proxy.listen_path",
            "is missing; it is the prefix of the paths that the API serves, such as `/users/`",
        );
        return None;
    }
    if path.contains(['?', '#', ' ']) {
        problems.refuse(
            "proxy.listen_path",
            format!("`{path}` is not a path: it may not hold `?`, `#` or spaces"),
        );
        return None;
    }
    Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
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
            parse_target(target, &format!("proxy.target_list[{index}]"), problems)
        };
        proxy.target_list.iter().enumerate().filter_map(parse).collect()
    } else {
        parse_target(&proxy.target_url, "proxy.target_url", problems).into_iter().collect()
    };
    (!targets.is_empty()).then_some(Upstream {
        targets,
        preserve_host_header: proxy.preserve_host_header,
        keep_trailing_slash: proxy.disable_strip_slash,
        insecure_skip_verify: proxy.transport.ssl_insecure_skip_verify,
    })
}

fn parse_target(text: &str, field: &str, problems: &mut Problems) -> Option<Url> {
    let text = text.trim();
    if text.is_empty() {
        problems.refuse(field, "is missing; it is where requests go, such as `http://localhost:3000/`");
        return None;
    }
    // As in Tyk, a target without a scheme means plain HTTP.
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    match Url::parse(&with_scheme) {
        Ok(url) if !matches!(url.scheme(), "http" | "https" | "h2c" | "ws" | "wss" | "tyk") => {
            problems.refuse(field, format!("`{text}`: the scheme must be http, https, h2c, ws, wss or tyk"));
            None
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => {
            problems.refuse(field, format!("`{text}` names no host"));
            None
        }
        Ok(url) => Some(url),
        Err(error) => {
            problems.refuse(field, format!("`{text}` is not a URL: {error}"));
            None
        }
    }
}

/// Reads the parts that have many checks; a field rather than an argument keeps the calls short.
pub(super) struct Reader<'a> {
    pub(super) problems: &'a mut Problems,
    api_id: Arc<str>,
}

impl Reader<'_> {
    fn versioning(&mut self, file: &ClassicFile) -> Option<Versioning> {
        let data = &file.version_data;
        if file.definition.enabled {
            self.problems
                .refuse("definition.enabled", "versions that are APIs of their own are not available yet");
            return None;
        }
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
        let location = match file.definition.location.as_str() {
            "header" => VersionLocation::Header(self.header_name(&file.definition.key, "definition.key")?),
            "url-param" => VersionLocation::Parameter(file.definition.key.clone()),
            "url" => VersionLocation::Url,
            other => {
                self.problems.refuse(
                    "definition.location",
                    format!("`{other}` is not one of header, url-param, url; it says where a request names its version"),
                );
                return None;
            }
        };
        let default =
            [&data.default_version, &file.definition.default].into_iter().find(|name| !name.is_empty());
        let versions = data.versions.iter().map(|(name, version)| self.version(name, version)).collect();
        Some(Versioning::Many {
            location,
            strip: file.definition.strip_path || file.definition.strip_versioning_data,
            default: default.cloned(),
            versions,
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
            target => parse_target(target, &format!("{field}.override_target"), self.problems),
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
                simple_paths(&version.paths)
            },
        }
    }

    fn expires(&mut self, text: &str, field: &str) -> Option<OffsetDateTime> {
        if matches!(text.trim(), "" | "-1") {
            return None;
        }
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
        match PrimitiveDateTime::parse(text.trim(), format) {
            Ok(when) => Some(when.assume_utc()),
            Err(_) => {
                // As in Tyk, an expiry that cannot be read refuses the version rather than keeping it open.
                self.problems.warn(
                    field,
                    format!("`{text}` is not of the form `2006-01-02 15:04`: the version counts as expired"),
                );
                Some(OffsetDateTime::UNIX_EPOCH)
            }
        }
    }

    fn extended(&mut self, paths: &file::ExtendedPaths, field: &str) -> Endpoints {
        let protecting =
            [("validate_json", &paths.validate_json), ("validate_request", &paths.validate_request)];
        for (name, entries) in protecting {
            if entries.iter().any(is_enabled) {
                self.problems.refuse(
                    format!("{field}.{name}"),
                    "is not available in this version of Gatehouse; the API is not served because its endpoints \
                     would be unprotected. Set `disabled` on the entries to serve it without them",
                );
            }
        }
        for (name, entries) in
            [("cache", &paths.cache), ("advance_cache_config", &paths.advance_cache_config)]
        {
            if !entries.is_empty() {
                self.problems.warn(
                    format!("{field}.{name}"),
                    "there is no response cache yet: every request goes through",
                );
            }
        }
        Endpoints {
            ignored: self.access(&paths.ignored, &format!("{field}.ignored")),
            allowed: self.access(&paths.white_list, &format!("{field}.white_list")),
            blocked: self.access(&paths.black_list, &format!("{field}.black_list")),
            internal: self.list(&paths.internal, &format!("{field}.internal"), |_, _, _| Some(())),
            virtual_endpoints: self.list(
                &paths.virtual_endpoints,
                &format!("{field}.virtual"),
                Self::virtual_endpoint,
            ),
            plugins: {
                // Two names for one list, Tyk's first.
                let mut plugins =
                    self.list(&paths.go_plugin, &format!("{field}.go_plugin"), Self::endpoint_plugin);
                plugins.extend(self.list(
                    &paths.rust_plugin,
                    &format!("{field}.rust_plugin"),
                    Self::endpoint_plugin,
                ));
                plugins
            },
            request_headers: self.list(
                &paths.transform_headers,
                &format!("{field}.transform_headers"),
                |reader, entry, field| {
                    Some(reader.header_changes(&entry.add_headers, &entry.delete_headers, field))
                },
            ),
            response_headers: self.list(
                &paths.transform_response_headers,
                &format!("{field}.transform_response_headers"),
                |reader, entry, field| {
                    Some(reader.header_changes(&entry.add_headers, &entry.delete_headers, field))
                },
            ),
            timeouts: self.list(
                &paths.hard_timeouts,
                &format!("{field}.hard_timeouts"),
                |reader, entry, field| reader.seconds(entry.timeout, &format!("{field}.timeout")),
            ),
            rate_limits: self.list(&paths.rate_limit, &format!("{field}.rate_limit"), |_, entry, _| {
                RateLimit::new(entry.rate, entry.per)
            }),
            size_limits: self.list(&paths.size_limits, &format!("{field}.size_limits"), |_, entry, _| {
                u64::try_from(entry.size_limit).ok().filter(|limit| *limit > 0)
            }),
            methods: self.list(
                &paths.method_transforms,
                &format!("{field}.method_transforms"),
                |reader, entry, field| reader.method(&entry.to_method, &format!("{field}.to_method")),
            ),
            rewrites: self.list(&paths.url_rewrites, &format!("{field}.url_rewrites"), Self::rewrite),
            mocks: self.list(
                &paths.mock_response,
                &format!("{field}.mock_response"),
                |reader, entry, field| reader.fixed_answer(entry.code, &entry.body, &entry.headers, field),
            ),
        }
    }

    /// Reads a list of entries: the disabled ones are left out, a bad one is a refusal.
    fn list<E: Entry, T>(
        &mut self,
        entries: &[E],
        field: &str,
        rule: impl Fn(&mut Self, &E, &str) -> Option<T>,
    ) -> Vec<Endpoint<T>> {
        let mut list = Vec::new();
        for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.disabled()) {
            let field = format!("{field}[{index}]");
            self.check_pattern(entry.path(), &format!("{field}.path"));
            // An entry without a method never matches in Tyk; here it is for every method, which is what was meant.
            let method = match entry.method() {
                "" => None,
                method => self.method(method, &format!("{field}.method")),
            };
            if let Some(rule) = rule(self, entry, &field) {
                list.push(Endpoint { path: entry.path().to_owned(), method, rule });
            }
        }
        list
    }

    fn check_pattern(&mut self, path: &str, field: &str) {
        if path.is_empty() {
            self.problems
                .refuse(field, "is missing; it is a path such as `/users/{id}` or a regular expression");
        } else if let Err(error) = crate::router::pattern::Pattern::compile(path, Default::default()) {
            self.problems.refuse(field, error.to_string());
        }
    }

    fn access(&mut self, entries: &[file::AccessEntry], field: &str) -> Vec<Endpoint<MethodActions>> {
        self.list(entries, field, |reader, entry, field| {
            let mut by_method = Vec::new();
            for (method, action) in &entry.method_actions {
                let field = format!("{field}.method_actions.{method}");
                let Some(method) = reader.method(method, &field) else { continue };
                let answer = match action.action.as_str() {
                    "reply" => {
                        Some(reader.fixed_answer(action.code, &action.data, &action.headers, &field)?)
                    }
                    "" | "no_action" => None,
                    other => {
                        reader.problems.refuse(
                            format!("{field}.action"),
                            format!("`{other}` is not one of no_action, reply"),
                        );
                        return None;
                    }
                };
                by_method.push((method, answer));
            }
            Some(MethodActions { by_method })
        })
    }

    fn virtual_endpoint(&mut self, entry: &file::VirtualEntry, field: &str) -> Option<VirtualEndpoint> {
        if entry.response_function_name.trim().is_empty() {
            self.problems.refuse(
                format!("{field}.response_function_name"),
                "is missing; it names the function that answers",
            );
        }
        let source = match entry.function_source_type.as_str() {
            "file" => ScriptSource::File(entry.function_source_uri.as_str().into()),
            "blob" => {
                let packed: String = entry.function_source_uri.split_whitespace().collect();
                let bytes = match STANDARD.decode(packed) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        self.problems.refuse(
                            format!("{field}.function_source_uri"),
                            format!("is not base64 ({error}); `function_source_type` is `blob`, so it holds the source itself"),
                        );
                        return None;
                    }
                };
                let method = if entry.method.is_empty() { "ANY" } else { &entry.method };
                ScriptSource::Inline {
                    text: String::from_utf8_lossy(&bytes).into(),
                    name: format!("{} {method} {} (inline)", self.api_id, entry.path).into(),
                }
            }
            other => {
                self.problems.refuse(
                    format!("{field}.function_source_type"),
                    format!("`{other}` is not one of file, blob"),
                );
                return None;
            }
        };
        Some(VirtualEndpoint {
            function: entry.response_function_name.trim().into(),
            source,
            use_session: entry.use_session,
            proxy_on_error: entry.proxy_on_error,
        })
    }

    fn rewrite(&mut self, entry: &file::RewriteEntry, field: &str) -> Option<UrlRewrite> {
        self.check_regex(&entry.match_pattern, &format!("{field}.match_pattern"));
        let triggers = entry.triggers.iter().enumerate().map(|(index, trigger)| {
            let field = format!("{field}.triggers[{index}]");
            let options = &trigger.options;
            if !options.session_meta_matches.is_empty() || !options.request_context_matches.is_empty() {
                self.problems.refuse(
                    format!("{field}.options"),
                    "session_meta_matches and request_context_matches are not available yet",
                );
            }
            let mut matches = |entries: &BTreeMap<String, file::Match>, name: &str| {
                let convert = |(key, condition): (&String, &file::Match)| {
                    self.check_regex(&condition.match_rx, &format!("{field}.options.{name}.{key}.match_rx"));
                    TriggerMatch {
                        name: key.clone(),
                        pattern: condition.match_rx.clone(),
                        reverse: condition.reverse,
                    }
                };
                entries.iter().map(convert).collect::<Vec<_>>()
            };
            let headers = matches(&options.header_matches, "header_matches");
            let query = matches(&options.query_val_matches, "query_val_matches");
            let path_parts = matches(&options.path_part_matches, "path_part_matches");
            let payload = (!options.payload_matches.match_rx.is_empty()).then(|| TriggerMatch {
                name: "payload".to_owned(),
                pattern: options.payload_matches.match_rx.clone(),
                reverse: options.payload_matches.reverse,
            });
            if let Some(payload) = &payload {
                self.check_regex(&payload.pattern, &format!("{field}.options.payload_matches.match_rx"));
            }
            RewriteTrigger {
                any: trigger.on == "any",
                rewrite_to: trigger.rewrite_to.clone(),
                headers,
                query,
                path_parts,
                payload,
            }
        });
        let triggers = triggers.collect();
        Some(UrlRewrite {
            pattern: entry.match_pattern.clone(),
            rewrite_to: entry.rewrite_to.clone(),
            triggers,
        })
    }

    fn check_regex(&mut self, pattern: &str, field: &str) {
        if let Err(error) = regex::Regex::new(pattern) {
            self.problems.refuse(field, format!("`{pattern}` is not a regular expression: {error}"));
        }
    }

    fn fixed_answer(
        &mut self,
        code: i64,
        body: &str,
        headers: &BTreeMap<String, String>,
        field: &str,
    ) -> Option<FixedAnswer> {
        let code = if code == 0 { 200 } else { code };
        let status =
            u16::try_from(code).ok().filter(|code| (200..=999).contains(code)).map(StatusCode::from_u16);
        let Some(Ok(status)) = status else {
            self.problems
                .refuse(format!("{field}.code"), format!("{code} is not a status between 200 and 999"));
            return None;
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = self.header_name(name, &format!("{field}.headers"))?;
            let value = self.header_value(value, &format!("{field}.headers.{name}"))?;
            map.append(name, value);
        }
        Some(FixedAnswer { status, headers: map, body: bytes::Bytes::copy_from_slice(body.as_bytes()) })
    }

    fn header_changes(
        &mut self,
        set: &BTreeMap<String, String>,
        remove: &[String],
        field: &str,
    ) -> HeaderChanges {
        let remove = remove.iter().filter_map(|name| self.header_name(name, field)).collect();
        let set = set.iter().filter_map(|(name, text)| {
            let field = format!("{field}.{name}");
            let name = self.header_name(name, &field)?;
            let value = if text.contains("$tyk_") {
                if text.contains("$tyk_meta.") {
                    self.problems.refuse(&field, "`$tyk_meta.` needs a session, which is not available yet");
                }
                HeaderTemplate::Template(text.clone())
            } else {
                HeaderTemplate::Fixed(self.header_value(text, &field)?)
            };
            Some((name, value))
        });
        let set = set.collect();
        HeaderChanges { remove, set }
    }

    pub(super) fn header_name(&mut self, name: &str, field: &str) -> Option<HeaderName> {
        match HeaderName::from_bytes(name.trim().as_bytes()) {
            Ok(name) => Some(name),
            Err(_) => {
                self.problems.refuse(field, format!("`{name}` is not a header name"));
                None
            }
        }
    }

    fn header_value(&mut self, value: &str, field: &str) -> Option<HeaderValue> {
        match HeaderValue::from_str(value) {
            Ok(value) => Some(value),
            Err(_) => {
                self.problems.refuse(field, "the value holds characters that a header may not have");
                None
            }
        }
    }

    fn method(&mut self, method: &str, field: &str) -> Option<Method> {
        match Method::from_bytes(method.trim().to_ascii_uppercase().as_bytes()) {
            Ok(method) => Some(method),
            Err(_) => {
                self.problems.refuse(field, format!("`{method}` is not an HTTP method"));
                None
            }
        }
    }

    pub(super) fn seconds(&mut self, seconds: f64, field: &str) -> Option<Duration> {
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if duration.is_zero() => None,
            Ok(duration) => Some(duration),
            Err(_) => {
                self.problems.refuse(field, format!("{seconds} is not a number of seconds"));
                None
            }
        }
    }

    fn cors(&mut self, cors: &file::Cors) -> Option<Cors> {
        let or_default = |list: &[String], default: &[&str]| -> Vec<String> {
            if list.is_empty() {
                default.iter().map(|item| (*item).to_owned()).collect()
            } else {
                list.to_vec()
            }
        };
        cors.enable.then(|| Cors {
            allowed_origins: or_default(&cors.allowed_origins, &["*"]),
            allowed_methods: or_default(&cors.allowed_methods, &["GET", "POST", "HEAD"]),
            allowed_headers: or_default(
                &cors.allowed_headers,
                &["origin", "accept", "content-type", "x-requested-with"],
            )
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect(),
            exposed_headers: cors.exposed_headers.clone(),
            allow_credentials: cors.allow_credentials,
            max_age: u64::try_from(cors.max_age).unwrap_or(0),
            options_passthrough: cors.options_passthrough,
        })
    }

    fn client_addresses(&mut self, file: &ClassicFile) -> ClientAddresses {
        let mut ranges = |on: bool, list: &[String], field: &str| -> Vec<AddressRange> {
            let parse = |(index, text): (usize, &String)| {
                let range = AddressRange::parse(text);
                if range.is_none() && on {
                    self.problems.refuse(
                        format!("{field}[{index}]"),
                        format!("`{text}` is not an IP address or a network such as 10.0.0.0/8"),
                    );
                }
                range
            };
            if on { list.iter().enumerate().filter_map(parse).collect() } else { Vec::new() }
        };
        let allow_list = file.enable_ip_whitelisting && !file.allowed_ips.is_empty();
        ClientAddresses {
            allowed: ranges(allow_list, &file.allowed_ips, "allowed_ips"),
            allow_list,
            blocked: ranges(file.enable_ip_blacklisting, &file.blacklisted_ips, "blacklisted_ips"),
        }
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

    fn driver(&mut self, name: &str) -> Option<DriverName> {
        match name {
            #[cfg(feature = "quickjs")]
            "quickjs" => Some(DriverName::QuickJs),
            #[cfg(feature = "boa")]
            "boa" => Some(DriverName::Boa),
            "" | "otto" | "javascript" => None,
            // The driver of hooks; virtual endpoints of the same API are in JavaScript all the same.
            driver if plugins::is_plugin_driver(driver) => None,
            // Tyk runs its default engine for a name it does not know, and so do we, but not in silence.
            other => {
                self.problems.warn(
                    "custom_middleware.driver",
                    format!("`{other}` is not a JavaScript driver: the default one is used"),
                );
                None
            }
        }
    }
}

/// The simple `paths` lists are for every method.
fn simple_paths(paths: &file::Paths) -> Endpoints {
    let list = |paths: &[String]| -> Vec<Endpoint<MethodActions>> {
        paths
            .iter()
            .map(|path| Endpoint { path: path.clone(), method: None, rule: MethodActions::default() })
            .collect()
    };
    Endpoints {
        ignored: list(&paths.ignored),
        allowed: list(&paths.white_list),
        blocked: list(&paths.black_list),
        ..Endpoints::default()
    }
}

fn rate_limit(limit: &file::RateLimit) -> Option<RateLimit> {
    RateLimit::new(limit.rate, limit.per).filter(|_| !limit.disabled)
}

fn is_enabled(entry: &Value) -> bool {
    entry.get("disabled").and_then(Value::as_bool) != Some(true)
        && entry.get("enabled").and_then(Value::as_bool) != Some(false)
}

/// What all entries of `extended_paths` have.
trait Entry {
    fn disabled(&self) -> bool;
    fn path(&self) -> &str;
    fn method(&self) -> &str;
}

macro_rules! entries {
    ($($entry:ty),+) => { $(impl Entry for $entry {
        fn disabled(&self) -> bool { self.disabled }
        fn path(&self) -> &str { &self.path }
        fn method(&self) -> &str { &self.method }
    })+ };
}
impl Entry for file::RateLimitEntry {
    fn disabled(&self) -> bool {
        self.disabled || self.enabled == Some(false)
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn method(&self) -> &str {
        &self.method
    }
}

entries!(
    file::AccessEntry,
    file::VirtualEntry,
    file::PluginEntry,
    file::HeaderEntry,
    file::TimeoutEntry,
    file::SizeEntry,
    file::MethodEntry,
    file::RewriteEntry,
    file::MockEntry,
    file::InternalEntry
);
