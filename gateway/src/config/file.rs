//! `tyk.conf` as written: Tyk's names and units, nothing checked beyond the type.
//!
//! Only keys that change something here; all others are ignored and listed. Each field has its row, with default,
//! range and meaning, in [`super::reference_table`], and a test keeps the two alike. [`super::check`] reads it.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::settings::{DriverName, HashFunction, Isolation, LogFormat, LogLevel};

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TykConf {
    pub(super) listen_address: String,
    pub(super) listen_port: u16,
    pub(super) control_api_port: u16,
    pub(super) secret: String,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) app_path: PathBuf,
    pub(super) middleware_path: PathBuf,
    pub(super) policies: Policies,
    pub(super) enable_jsvm: bool,
    pub(super) jsvm_timeout: u64,
    pub(super) disable_virtual_path_blobs: bool,
    pub(super) tyk_js_path: String,
    pub(super) enable_bundle_downloader: bool,
    pub(super) bundle_base_url: String,
    pub(super) bundle_insecure_skip_verify: bool,
    pub(super) public_key_path: String,
    pub(super) template_path: PathBuf,
    pub(super) storage: Storage,
    pub(super) local_session_cache: LocalSessionCache,
    pub(super) hash_keys: bool,
    pub(super) hash_key_function: Option<HashFunction>,
    pub(super) enable_hashed_keys_listing: bool,
    pub(super) session_lifetime_respects_key_expiration: bool,
    pub(super) force_global_session_lifetime: bool,
    pub(super) global_session_lifetime: u64,
    pub(super) allow_master_keys: bool,
    pub(super) max_idle_connections_per_host: usize,
    pub(super) close_connections: bool,
    pub(super) proxy_default_timeout: f64,
    pub(super) proxy_ssl_insecure_skip_verify: bool,
    pub(super) health_check_endpoint_name: String,
    pub(super) http_server_options: HttpServerOptions,
    pub(super) enable_custom_domains: bool,
    pub(super) ignore_endpoint_case: bool,
    pub(super) log_level: Option<LogLevel>,
    pub(super) log_format: Option<LogFormat>,
    // Refused when they ask for something; see `refused`.
    pub(super) hostname: String,
    pub(super) control_api_hostname: String,
    pub(super) use_db_app_configs: bool,
    pub(super) slave_options: SlaveOptions,
    pub(super) security: Security,
    pub(super) auth_override: AuthOverride,
    pub(super) min_token_length: u64,
    pub(super) proxy_ssl_min_version: u64,
    pub(super) ssl_force_common_name_check: bool,
    pub(super) gatehouse: Gatehouse,
}

/// `http_server_options`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HttpServerOptions {
    pub(super) read_timeout: u64,
    pub(super) write_timeout: u64,
    pub(super) use_ssl: bool,
    pub(super) certificates: Vec<Certificate>,
    pub(super) ssl_certificates: Vec<PathBuf>,
    pub(super) min_version: u64,
    /// Accepted, without effect: on a listener it has none in Tyk either.
    pub(super) server_name: String,
    pub(super) max_request_body_size: u64,
    pub(super) enable_path_prefix_matching: bool,
    pub(super) enable_path_suffix_matching: bool,
    pub(super) enable_strict_routes: bool,
    pub(super) use_ssl_le: bool,
    pub(super) xff_depth: u64,
    pub(super) max_response_body_size: u64,
}

/// An entry of `http_server_options.certificates`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Certificate {
    pub(super) domain_name: String,
    pub(super) cert_file: PathBuf,
    pub(super) key_file: PathBuf,
}

/// `policies`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Policies {
    pub(super) policy_source: String,
    pub(super) policy_record_name: PathBuf,
    pub(super) policy_path: PathBuf,
}

/// `storage`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Storage {
    pub(super) r#type: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) addrs: Vec<String>,
    pub(super) hosts: BTreeMap<String, String>,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) database: u32,
    pub(super) enable_cluster: bool,
    pub(super) master_name: String,
    pub(super) sentinel_password: String,
    pub(super) use_ssl: bool,
    pub(super) ssl_insecure_skip_verify: bool,
    pub(super) ca_file: PathBuf,
    pub(super) cert_file: PathBuf,
    pub(super) key_file: PathBuf,
}

/// `local_session_cache`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LocalSessionCache {
    pub(super) disable_cached_session_state: bool,
}

/// `gatehouse.storage`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OurStorage {
    pub(super) path: PathBuf,
    pub(super) timeout_ms: u64,
    pub(super) connect_timeout_ms: u64,
    pub(super) session_cache_ms: u64,
    pub(super) max_cached_sessions: usize,
}

/// `slave_options`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SlaveOptions {
    pub(super) use_rpc: bool,
}

/// `security`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Security {
    pub(super) control_api_use_mutual_tls: bool,
    pub(super) pinned_public_keys: BTreeMap<String, String>,
}

/// `auth_override`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AuthOverride {
    pub(super) force_auth_provider: bool,
    pub(super) force_session_provider: bool,
}

/// `gatehouse`: our own keys, where an unknown one is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Gatehouse {
    pub(super) server_header: String,
    pub(super) workers: Option<usize>,
    pub(super) supervisor: bool,
    pub(super) admin: Admin,
    pub(super) access_log: bool,
    pub(super) log_targets: BTreeMap<String, LogLevel>,
    pub(super) limits: Limits,
    pub(super) upstream: Upstream,
    pub(super) javascript: JavaScript,
    pub(super) plugins: Plugins,
    pub(super) batch: Batch,
    pub(super) cache: Cache,
    pub(super) events: Events,
    pub(super) metrics: Metrics,
    pub(super) storage: OurStorage,
    pub(super) watch: bool,
}

/// `gatehouse.admin`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Admin {
    pub(super) enabled: bool,
    pub(super) listen_address: String,
    pub(super) max_body_bytes: usize,
}

/// `gatehouse.metrics`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metrics {
    pub(super) listen: String,
}

/// `gatehouse.batch`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Batch {
    pub(super) max_requests: usize,
    pub(super) parallel: usize,
    pub(super) max_answer_bytes: usize,
    pub(super) timeout_ms: u64,
}

/// `gatehouse.cache`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cache {
    pub(super) max_bytes: u64,
    pub(super) max_entry_bytes: usize,
    pub(super) fill_timeout_ms: u64,
}

/// `gatehouse.events`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Events {
    pub(super) queue: u32,
    pub(super) parallel: u32,
    pub(super) timeout_ms: u64,
}

/// `gatehouse.plugins`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Plugins {
    pub(super) cache_path: PathBuf,
    pub(super) timeout_ms: u64,
    pub(super) outbound_timeout_ms: u64,
    pub(super) max_outbound_body_bytes: usize,
    pub(super) max_analytics_in_flight: usize,
}

/// `gatehouse.limits`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Limits {
    pub(super) max_header_bytes: usize,
    pub(super) max_headers: usize,
    pub(super) max_buffered_body_bytes: usize,
    pub(super) max_bundle_bytes: usize,
    pub(super) header_timeout_ms: u64,
    pub(super) idle_timeout_ms: u64,
    pub(super) max_in_flight: usize,
    pub(super) max_connections: usize,
    pub(super) drain_timeout_ms: u64,
    pub(super) max_counters: usize,
    pub(super) quota_write_ms: u64,
    pub(super) max_throttle_ms: u64,
}

/// `gatehouse.upstream`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Upstream {
    pub(super) idle_timeout_ms: u64,
    pub(super) connect_timeout_ms: u64,
}

/// `gatehouse.javascript`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JavaScript {
    pub(super) driver: Option<DriverName>,
    pub(super) threads: Option<usize>,
    pub(super) max_threads: usize,
    pub(super) queue: usize,
    pub(super) isolation: Option<Isolation>,
    pub(super) max_processes: usize,
    pub(super) max_memory_bytes: usize,
    pub(super) max_outbound_calls: u32,
    pub(super) batch_parallel: usize,
    pub(super) max_response_bytes: usize,
    pub(super) max_outbound_body_bytes: usize,
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor, value};

    use super::{
        super::{reference::Kind, reference_table::SETTINGS},
        *,
    };

    /// Answers every question of serde with something small, and writes down the keys it was asked for: what the
    /// types above really read, which no list by hand could promise.
    #[derive(Clone)]
    struct Recorder<'a> {
        key: String,
        leaves: &'a RefCell<BTreeSet<String>>,
        words: &'a RefCell<Vec<(String, &'static [&'static str])>>,
    }

    impl Recorder<'_> {
        fn below(&self, name: &str) -> Self {
            let dot = if self.key.is_empty() || name.starts_with('[') { "" } else { "." };
            Self { key: format!("{}{dot}{name}", self.key), ..self.clone() }
        }

        fn leaf(&self) {
            // The elements of a list of texts have no row of their own.
            if !self.key.ends_with(']') && !self.key.ends_with(".*") {
                self.leaves.borrow_mut().insert(self.key.clone());
            }
        }
    }

    macro_rules! leaves {
        ($($method:ident => $visit:ident($value:expr)),* $(,)?) => {$(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
                self.leaf();
                visitor.$visit($value)
            }
        )*};
    }

    impl<'de> Deserializer<'de> for Recorder<'_> {
        type Error = value::Error;

        leaves! {
            deserialize_bool => visit_bool(true), deserialize_u16 => visit_u16(1), deserialize_u32 => visit_u32(1),
            deserialize_u64 => visit_u64(1), deserialize_f64 => visit_f64(1.0),
            deserialize_string => visit_str("x"), deserialize_str => visit_str("x"),
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            panic!("{}: a type the recorder does not know", self.key)
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            visitor.visit_some(self)
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            visitor.visit_newtype_struct(self)
        }

        fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.leaf();
            visitor.visit_seq(Members { of: self.below("[]"), names: vec!["[]"] })
        }

        fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.leaf();
            visitor.visit_map(Members { of: self, names: vec!["*"] })
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            visitor.visit_map(Members { of: self, names: fields.to_vec() })
        }

        fn deserialize_enum<V: Visitor<'de>>(
            self,
            _: &'static str,
            variants: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.leaf();
            self.words.borrow_mut().push((self.key, variants));
            visitor.visit_enum(value::StrDeserializer::new(variants[0]))
        }

        serde::forward_to_deserialize_any! {
            i8 i16 i32 i64 i128 u8 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
        }
    }

    struct Members<'a> {
        of: Recorder<'a>,
        names: Vec<&'static str>,
    }

    impl<'de> MapAccess<'de> for Members<'_> {
        type Error = value::Error;

        fn next_key_seed<K: DeserializeSeed<'de>>(
            &mut self,
            seed: K,
        ) -> Result<Option<K::Value>, Self::Error> {
            self.names.last().map(|name| seed.deserialize(value::StrDeserializer::new(name))).transpose()
        }

        fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
            let name = self.names.pop().expect("a key came first");
            seed.deserialize(self.of.below(name))
        }
    }

    impl<'de> SeqAccess<'de> for Members<'_> {
        type Error = value::Error;

        fn next_element_seed<T: DeserializeSeed<'de>>(
            &mut self,
            seed: T,
        ) -> Result<Option<T::Value>, Self::Error> {
            self.names.pop().map(|_| seed.deserialize(self.of.clone())).transpose()
        }
    }

    #[test]
    fn the_reference_has_exactly_these_keys() {
        let (leaves, words) = (RefCell::default(), RefCell::default());
        TykConf::deserialize(Recorder { key: String::new(), leaves: &leaves, words: &words }).unwrap();
        let rows: BTreeSet<String> = SETTINGS.iter().map(|row| row.key.to_owned()).collect();
        let read = leaves.into_inner();
        assert_eq!(
            rows.difference(&read).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "documented, never read"
        );
        assert_eq!(read.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "read, not documented");

        // The words of an enum are those of its row; aliases are not in `variants`, hence only one way.
        for (key, variants) in words.into_inner() {
            let key = key.trim_end_matches(".*");
            let kind = SETTINGS.iter().find(|row| row.key == key).map(|row| row.kind);
            let words = match kind {
                Some(Kind::Word(words) | Kind::Map(&Kind::Word(words))) => words,
                _ => panic!("{key}: {kind:?}"),
            };
            assert!(variants.iter().all(|variant| words.contains(variant)), "{key}");
        }
    }

    /// The other way: every documented word can be read, and every default.
    #[test]
    fn documented_words_can_be_read() {
        for row in SETTINGS {
            let words = match row.kind {
                Kind::Word(words) => words.iter().map(|word| serde_json::Value::from(*word)).collect(),
                _ => Vec::from_iter(row.default_value()),
            };
            for word in words {
                let tree = row.key.rsplit('.').fold(word, |inner, name| serde_json::json!({ name: inner }));
                TykConf::deserialize(&tree).unwrap_or_else(|error| panic!("{tree}: {error}"));
            }
        }
    }
}
