//! Keys that ask for a protection, or a source of definitions, which Gatehouse does not have: the start ends.
//!
//! What Tyk does with each is the meaning of its row in [`super::reference_table`]. Left out on purpose, although they
//! restrict something in Tyk: `enforce_org_quotas` (there are no organisation sessions to enforce), `ssl_ciphers`
//! (rustls has no weak ones), `allow_insecure_configs` (it only loosens), client certificates of APIs (asked for by definitions, which are refused).

use super::{file::TykConf, problem::Complaint, reference, report::Report};

struct Refusal {
    key: &'static str,
    asked: fn(&TykConf) -> bool,
    /// What to do instead; empty if there is only leaving it out.
    instead: &'static str,
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        key: "use_db_app_configs",
        asked: |conf| conf.use_db_app_configs,
        instead: "put the definitions into `app_path` and set this to false; there is no dashboard here",
    },
    Refusal {
        key: "slave_options.use_rpc",
        asked: |conf| conf.slave_options.use_rpc,
        instead: "put the definitions into `app_path` and set this to false",
    },
    Refusal {
        key: "hostname",
        asked: |conf| !conf.hostname.is_empty(),
        instead: "remove it; `enable_custom_domains` and a `domain` in each definition do the same",
    },
    Refusal {
        key: "control_api_hostname",
        asked: |conf| !conf.control_api_hostname.is_empty(),
        instead: "remove it; `control_api_port` keeps the admin API away from clients",
    },
    Refusal {
        key: "security.control_api_use_mutual_tls",
        asked: |conf| conf.security.control_api_use_mutual_tls,
        instead: "set it to false; `control_api_port` keeps the admin API away from clients",
    },
    Refusal {
        key: "security.pinned_public_keys",
        asked: |conf| !conf.security.pinned_public_keys.is_empty(),
        instead: "",
    },
    Refusal {
        key: "auth_override.force_auth_provider",
        asked: |conf| conf.auth_override.force_auth_provider,
        instead: "",
    },
    Refusal {
        key: "auth_override.force_session_provider",
        asked: |conf| conf.auth_override.force_session_provider,
        instead: "",
    },
    // Up to 3 is what Tyk does without the key.
    Refusal { key: "min_token_length", asked: |conf| conf.min_token_length > 3, instead: "" },
    Refusal {
        key: "http_server_options.use_ssl_le",
        asked: |conf| conf.http_server_options.use_ssl_le,
        instead: "set it to false, and `use_ssl` with `certificates`",
    },
    Refusal {
        key: "http_server_options.xff_depth",
        asked: |conf| conf.http_server_options.xff_depth > 0,
        instead: "",
    },
    Refusal {
        key: "http_server_options.max_response_body_size",
        asked: |conf| conf.http_server_options.max_response_body_size > 0,
        instead: "",
    },
    // 771 is TLS 1.2, the oldest that is spoken anyway.
    Refusal { key: "proxy_ssl_min_version", asked: |conf| conf.proxy_ssl_min_version > 771, instead: "" },
    Refusal {
        key: "ssl_force_common_name_check",
        asked: |conf| conf.ssl_force_common_name_check && conf.proxy_ssl_insecure_skip_verify,
        instead: "set `proxy_ssl_insecure_skip_verify` to false: host names are always checked then",
    },
];

/// Reports every key that asks for what cannot be had.
pub(super) fn refuse(conf: &TykConf, report: &mut Report<'_>) {
    for refusal in REFUSALS.iter().filter(|refusal| (refusal.asked)(conf)) {
        let meaning = reference::setting(refusal.key).map_or("", |setting| setting.meaning);
        let asks_for = meaning.trim_end_matches('.').to_owned();
        let instead =
            if refusal.instead.is_empty() { "remove it if you can do without" } else { refusal.instead };
        report.complain(refusal.key, Complaint::Unsupported { asks_for }, Some(instead.to_owned()));
    }
}

/// Whether the page lists the key among those that end the start.
pub(super) fn is_refused(key: &str) -> bool {
    REFUSALS.iter().any(|refusal| refusal.key == key)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_refusal_has_its_row_and_defaults_pass() {
        assert!(REFUSALS.iter().all(|refusal| reference::setting(refusal.key).is_some()));
        assert!(!REFUSALS.iter().any(|refusal| (refusal.asked)(&TykConf::default())));
    }

    #[test]
    fn every_refusal_is_reported() {
        let text = r#"{
            "use_db_app_configs": true, "slave_options": {"use_rpc": true}, "hostname": "a", "control_api_hostname": "b",
            "security": {"control_api_use_mutual_tls": true, "pinned_public_keys": {"x": "y"}},
            "auth_override": {"force_auth_provider": true, "force_session_provider": true},
            "min_token_length": 20, "proxy_ssl_min_version": 772,
            "http_server_options": {"use_ssl_le": true, "xff_depth": 1, "max_response_body_size": 5},
            "ssl_force_common_name_check": true, "proxy_ssl_insecure_skip_verify": true
        }"#;
        let conf: TykConf = serde_json::from_str(text).unwrap();
        let mut report = Report::new(Path::new("tyk.conf"), text);
        refuse(&conf, &mut report);
        let problems = report.into_problems();
        assert_eq!(problems.len(), REFUSALS.len());
        assert_eq!(
            problems[0].to_string(),
            "tyk.conf:2:35: use_db_app_configs: not supported by this version: Definitions come from Tyk Dashboard\n    \
             put the definitions into `app_path` and set this to false; there is no dashboard here"
        );
    }
}
