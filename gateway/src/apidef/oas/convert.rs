//! From a Tyk OAS definition as written to our model: what it says of the API as a whole.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use url::Url;

use super::{
    at, authentication, cache,
    document::Document,
    events,
    file::{self, Extension, Header, TransformHeaders},
    hooks, operations,
    period::Period,
};
use crate::apidef::{
    Problems,
    model::{
        ApiDefinition, ClientAddresses, Cors, HeaderChanges, KeyLimits, RateLimit, Upstream, Version,
        VersionApis, Versioning,
    },
    reader::{Reader, WrittenHeader, WrittenNaming, unavailable, with_default_lists},
};

/// A target counts so often as its weight says; more than this in all is refused.
const MAX_WEIGHT: u32 = 1_000;

/// Gives the definition; whether it is served is for the caller to tell from `problems.refusals`.
///
/// `data` is `middleware.global.pluginConfig.data.value`.
pub(super) fn convert(
    file: &Extension,
    data: Option<Value>,
    document: &Document<'_>,
    problems: &mut Problems,
) -> Option<ApiDefinition> {
    let info = &file.info;
    if info.id.is_empty() {
        problems.refuse(at("info.id"), "is missing; every API needs an id of its own");
    }
    let gatekeeper = authentication::check(file, document, problems);
    refuse_what_comes_later(file, problems);
    warn_of_settings_without_effect(file, problems);
    let listen_path =
        Reader::listen_path(problems, &file.server.listen_path.value, &at("server.listenPath.value"));
    let upstream = upstream(&file.upstream, problems);
    let api_id: Arc<str> = info.id.as_str().into();
    let mut reader = Reader { problems, api_id: Arc::clone(&api_id) };
    let global = &file.middleware.global;
    let version = Version {
        name: "Default".to_owned(),
        expires: reader.expires(&info.expiration, &at("info.expiration")),
        override_target: None,
        request_headers: reader
            .transform(&global.transform_request_headers, &at("middleware.global.transformRequestHeaders")),
        response_headers: reader
            .transform(&global.transform_response_headers, &at("middleware.global.transformResponseHeaders")),
        size_limit: match &global.request_size_limit {
            limit if limit.enabled => u64::try_from(limit.value).unwrap_or(0),
            _ => 0,
        },
        ignore_case: global.ignore_case.enabled,
        endpoints: operations::endpoints(&mut reader, &file.middleware.operations, document),
    };
    let version_apis = version_apis(&mut reader, &info.versioning);
    let client_addresses = client_addresses(&mut reader, &file.server.ip_access_control);
    let rate_limit = rate_limit(&mut reader, &file.upstream.rate_limit, &at("upstream.rateLimit.per"));
    let lifetime = &file.server.authentication.custom_key_lifetime;
    let key_lifetime = match lifetime.enabled {
        true => reader.period(&lifetime.value, &at("server.authentication.customKeyLifetime.value")),
        false => None,
    };
    let plugins = &global.plugin_config;
    let driver = reader.driver(&plugins.driver, &at("middleware.global.pluginConfig.driver"));
    let hooks = hooks::hooks(&mut reader, file, &gatekeeper);
    let event_handlers = events::handlers(&mut reader, &file.server.event_handlers);
    let name = [info.name.as_str(), document.title().unwrap_or(""), &info.id].into_iter();
    Some(ApiDefinition {
        id: api_id,
        name: name.into_iter().find(|name| !name.is_empty()).unwrap_or("").into(),
        org_id: info.org_id.as_str().into(),
        internal: info.state.internal,
        domain: domain(&file.server.custom_domain),
        listen_path: listen_path?,
        strip_listen_path: file.server.listen_path.strip,
        upstream: upstream?,
        versioning: Versioning::Single(Box::new(version)),
        version_apis,
        config_data: plugins.data.enabled.then(|| data.unwrap_or_default()),
        cors: cors(&global.cors),
        client_addresses,
        keys: gatekeeper.keys,
        rate_limit: rate_limit.filter(|_| !global.skip_rate_limit),
        key_limits: KeyLimits {
            no_rates: global.skip_rate_limit,
            no_quotas: global.skip_quota,
            keeps_counts: global.skip_quota_reset,
            session_lifetime: key_lifetime.filter(|lifetime| !lifetime.is_zero()),
            lifetime_respects_expiration: lifetime.enabled && lifetime.respect_validity,
        },
        driver,
        script_budget: file.gatehouse.javascript.checked(&at(""), reader.problems),
        // What Tyk has as response processors is `transformResponseHeaders` here.
        response_headers: HeaderChanges::default(),
        hooks,
        event_handlers,
        batch: file.server.batch_processing.enabled,
        cache: cache::options(&mut reader, &global.cache),
        written: None,
    })
}

/// Refuses settings whose protection is not built yet: nothing protected is served open.
fn refuse_what_comes_later(file: &Extension, problems: &mut Problems) {
    let bundle = &file.middleware.global.plugin_config.bundle;
    if bundle.enabled && !bundle.path.is_empty() {
        let field = at("middleware.global.pluginConfig.bundle");
        problems.refuse(field, unavailable::bundle("set its `enabled` to false"));
    }
    let pinning = &file.upstream.certificate_pinning;
    if pinning.enabled && !pinning.domain_to_public_keys_mapping.is_empty() {
        let field = at("upstream.certificatePinning");
        problems.refuse(field, unavailable::certificate_pinning("set its `enabled` to false"));
    }
}

/// Settings that change what happens but protect nothing: served, and said so.
fn warn_of_settings_without_effect(file: &Extension, problems: &mut Problems) {
    let Extension { server, upstream, .. } = file;
    let tls = &upstream.tls_transport;
    let findings = [
        (server.port != 0, "server.port", "has no effect: every API is served on the gateway's own port"),
        (
            !matches!(server.protocol.as_str(), "" | "http" | "https"),
            "server.protocol",
            "has no effect: every API is served over HTTP",
        ),
        (
            server.custom_domain.enabled && !server.custom_domain.certificates.is_empty(),
            "server.customDomain.certificates",
            "have no effect: clients see the certificates of `http_server_options`",
        ),
        (
            tls.force_common_name_check,
            "upstream.tlsTransport.forceCommonNameCheck",
            unavailable::UPSTREAM_TLS,
        ),
        (!tls.ciphers.is_empty(), "upstream.tlsTransport.ciphers", unavailable::UPSTREAM_TLS),
        (
            !matches!(tls.min_version.as_str(), "" | "1.0" | "1.1" | "1.2"),
            "upstream.tlsTransport.minVersion",
            unavailable::UPSTREAM_TLS,
        ),
        (
            !matches!(tls.max_version.as_str(), "" | "1.3"),
            "upstream.tlsTransport.maxVersion",
            unavailable::UPSTREAM_TLS,
        ),
        (
            upstream.load_balancing.enabled && upstream.load_balancing.skip_unavailable_hosts,
            "upstream.loadBalancing.skipUnavailableHosts",
            unavailable::UPTIME,
        ),
        (
            upstream.service_discovery.enabled,
            "upstream.serviceDiscovery",
            "has no effect: requests go to `upstream.url`",
        ),
        (upstream.proxy.enabled, "upstream.proxy", unavailable::UPSTREAM_PROXY),
        (
            upstream.mutual_tls.enabled && !upstream.mutual_tls.domain_to_certificate_mapping.is_empty(),
            "upstream.mutualTLS",
            unavailable::UPSTREAM_CERTIFICATES,
        ),
    ];
    for (_, field, message) in findings.into_iter().filter(|(found, ..)| *found) {
        problems.warn(at(field), message);
    }
}

/// Versions that are APIs of their own.
fn version_apis(reader: &mut Reader<'_>, versioning: &file::Versioning) -> Option<VersionApis> {
    if !versioning.enabled {
        return None;
    }
    let naming = reader.version_naming(&WrittenNaming {
        location: &versioning.location,
        key: &versioning.key,
        strip: versioning.strip_versioning_data,
        strip_path: false,
        url_pattern: &versioning.url_versioning_pattern,
        default: &versioning.default,
        fallback: versioning.fallback_to_default,
        field: &at("info.versioning"),
        url_pattern_field: "urlVersioningPattern",
    })?;
    let apis = versioning.versions.iter().map(|version| (version.name.clone(), version.id.clone()));
    Some(VersionApis { naming, own_name: versioning.name.clone(), apis: apis.collect() })
}

fn domain(domain: &file::CustomDomain) -> Option<String> {
    let name = domain.name.trim();
    (domain.enabled && !name.is_empty()).then(|| name.to_ascii_lowercase())
}

fn upstream(upstream: &file::Upstream, problems: &mut Problems) -> Option<Upstream> {
    let balancing = &upstream.load_balancing;
    let targets: Vec<Url> = if balancing.enabled && !balancing.targets.is_empty() {
        balanced(&balancing.targets, problems)
    } else {
        Reader::target(problems, &upstream.url, &at("upstream.url")).into_iter().collect()
    };
    (!targets.is_empty()).then_some(Upstream {
        targets,
        preserve_host_header: upstream.preserve_host_header.enabled,
        keep_trailing_slash: upstream.preserve_trailing_slash.enabled,
        insecure_skip_verify: upstream.tls_transport.insecure_skip_verify,
    })
}

/// Each target as often as its weight says, in the order of the list; a weight of 0 takes one out, as in Tyk.
fn balanced(targets: &[file::Target], problems: &mut Problems) -> Vec<Url> {
    let field = at("upstream.loadBalancing.targets");
    let divisor = targets.iter().fold(0, |divisor, target| greatest_common_divisor(divisor, target.weight));
    let weight = |target: &file::Target| target.weight.checked_div(divisor).unwrap_or(0);
    let sum = targets.iter().fold(0_u32, |sum, target| sum.saturating_add(weight(target)));
    if sum == 0 || sum > MAX_WEIGHT {
        problems.refuse(
            field,
            match sum {
                0 => "has no target whose `weight` is above 0".to_owned(),
                _ => format!(
                    "has weights that cannot be written as whole numbers with a sum of at most {MAX_WEIGHT}"
                ),
            },
        );
        return Vec::new();
    }
    let mut urls = Vec::new();
    for (index, target) in targets.iter().enumerate().filter(|(_, target)| target.weight > 0) {
        if let Some(url) = Reader::target(problems, &target.url, &format!("{field}[{index}].url")) {
            urls.extend((0..weight(target)).map(|_| url.clone()));
        }
    }
    urls
}

fn greatest_common_divisor(left: u32, right: u32) -> u32 {
    if right == 0 { left } else { greatest_common_divisor(right, left % right) }
}

fn cors(cors: &file::Cors) -> Option<Cors> {
    cors.enabled.then(|| {
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

fn client_addresses(reader: &mut Reader<'_>, lists: &file::IpAccessControl) -> ClientAddresses {
    if !lists.enabled {
        return ClientAddresses::default();
    }
    ClientAddresses {
        allowed: reader.address_ranges(&lists.allow, &at("server.ipAccessControl.allow")),
        allow_list: !lists.allow.is_empty(),
        blocked: reader.address_ranges(&lists.block, &at("server.ipAccessControl.block")),
    }
}

/// A rate; `field` is where its window is written.
pub(super) fn rate_limit(reader: &mut Reader<'_>, limit: &file::RateLimit, field: &str) -> Option<RateLimit> {
    if !limit.enabled {
        return None;
    }
    let per = reader.period(&limit.per, field)?;
    Reader::rate_limit(limit.rate, (!per.is_zero()).then_some(per))
}

impl Reader<'_> {
    /// A time; `None` when it is not one, which is a refusal.
    pub(super) fn period(&mut self, period: &Period, field: &str) -> Option<Duration> {
        let duration = period.duration();
        if duration.is_none() {
            let text = period.text();
            let message =
                format!("`{text}` is not a time such as `10s`, `1m30s` or `1h`, or a number of seconds");
            self.problems.refuse(field, message);
        }
        duration
    }

    /// Header changes at `field`; none when they are off.
    pub(super) fn transform(&mut self, changes: &TransformHeaders, field: &str) -> HeaderChanges {
        if !changes.enabled {
            return HeaderChanges::default();
        }
        let removed = changes.remove.iter().enumerate();
        let remove = removed.filter_map(|(i, name)| self.header_name(name, &format!("{field}.remove[{i}]")));
        let remove = remove.collect();
        let set = written_headers(&changes.add, &format!("{field}.add")).filter_map(|header| {
            let name = self.header_name(header.name, &header.name_field)?;
            Some((name, self.header_template(header.value, &header.value_field)?))
        });
        let set = set.collect();
        HeaderChanges { remove, set }
    }
}

/// A list of headers with the places of their halves.
pub(super) fn written_headers<'a>(
    headers: &'a [Header],
    field: &str,
) -> impl Iterator<Item = WrittenHeader<'a>> + use<'a> {
    let field = field.to_owned();
    headers.iter().enumerate().map(move |(index, header)| WrittenHeader {
        name: &header.name,
        name_field: format!("{field}[{index}].name"),
        value: &header.value,
        value_field: format!("{field}[{index}].value"),
    })
}
