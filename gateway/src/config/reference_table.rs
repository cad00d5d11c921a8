//! Every key of `tyk.conf` that means something here: range, default and meaning. Data only.
//!
//! The meaning of a key that [`super::refused`] guards says what Tyk does with it.

use super::{
    reference::{Kind, Setting},
    settings::{
        DriverName, Isolation,
        script_ranges::{CALLS, MEMORY_BYTES, RESPONSE_BYTES},
    },
};

const TEXT: Kind = Kind::Text;
const FLAG: Kind = Kind::Flag;
const LIST: Kind = Kind::List;
const PORT: Kind = Kind::Whole { noun: "a port", min: 0, max: 65_535 };
const TLS_VERSION: Kind = Kind::Whole { noun: "a TLS version (771 is 1.2, 772 is 1.3)", min: 0, max: 772 };
const LEVEL: Kind = Kind::Word(&["trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"]);
/// [`DriverName::DEFAULT`] as JSON.
const DEFAULT_DRIVER: &str = if cfg!(feature = "quickjs") { "\"quickjs\"" } else { "\"boa\"" };
const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

const fn count(min: u64, max: u64) -> Kind {
    Kind::Whole { noun: "a whole number", min, max }
}

const fn bytes(min: u64, max: u64) -> Kind {
    Kind::Whole { noun: "a number of bytes", min, max }
}

const fn seconds(max: u64) -> Kind {
    Kind::Whole { noun: "a whole number of seconds", min: 0, max }
}

/// At most a day.
const fn milliseconds(min: u64) -> Kind {
    Kind::Whole { noun: "a number of milliseconds", min, max: 86_400_000 }
}

const fn row(key: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Setting {
    Setting { key, kind, default, zero_is_default: false, meaning, special_variable: "" }
}

/// As [`row`], and 0 means the default, as in Go.
const fn tyk(key: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Setting {
    Setting { zero_is_default: true, ..row(key, kind, default, meaning) }
}

// One row, one setting: rustfmt would make it a column of fragments.
#[rustfmt::skip]
pub(super) const SETTINGS: &[Setting] = &[
    row("listen_address", TEXT, "", "IP address to listen on; empty is 0.0.0.0, all IPv4 interfaces (`::` adds IPv6)."),
    row("listen_port", PORT, "8080", "Port to listen on; 0 lets the system choose a free one."),
    row("control_api_port", PORT, "", "Port of the admin API, which is then absent from the main one; 0 keeps it there."),
    row("secret", Kind::Secret, "", "Shared secret of the admin API; empty turns that API off. Where the API can be reached from other machines, the start ends without one of your own."),
    row("secrets", Kind::Map(&Kind::Secret), "", "Values for `secrets://NAME`."),
    row("app_path", TEXT, "\"apps\"", "Folder with the API definitions; must exist."),
    row("middleware_path", TEXT, "\"middleware\"", "Folder with folders of hooks for APIs, and with unpacked bundles."),
    row("policies.policy_source", Kind::Word(&["file", "service", "rpc"]), "\"file\"",
        "Where policies come from; only `file` is supported."),
    row("policies.policy_record_name", TEXT, "", "JSON file with the policies."),
    row("policies.policy_path", TEXT, "", "Folder with policies in JSON files; wins over `policy_record_name`."),
    row("enable_jsvm", FLAG, "", "Runs virtual endpoints and JavaScript hooks; without it requests are proxied."),
    tyk("jsvm_timeout", seconds(3_600), "5", "Wall time of one call of a script, host calls included."),
    row("disable_virtual_path_blobs", FLAG, "", "Virtual endpoints whose source is in the definition are not loaded."),
    row("tyk_js_path", TEXT, "", "JavaScript file that is loaded before each API's own sources."),
    row("template_path", TEXT, "\"templates\"", "Folder whose `default_webhook.json`, if it is there, is the body of web hooks without a template of their own."),
    row("enable_bundle_downloader", FLAG, "", "Bundles that definitions name are fetched when they are not there."),
    row("bundle_base_url", TEXT, "", "URL that names of bundles are put behind: http, https or file."),
    row("bundle_insecure_skip_verify", FLAG, "", "Certificates of the bundles' server are not checked."),
    row("public_key_path", TEXT, "", "File of an RSA public key in PEM form. A bundle counts only if its manifest has a \
        `signature` made with the private key that belongs to it."),
    row("storage.type", Kind::Word(&["redis"]), "",
        "Kind of store: `redis` is Redis or Valkey, for several gateways. Without this section, keys are in a file of this gateway's."),
    row("storage.host", TEXT, "", "Host of Redis."),
    row("storage.port", PORT, "6379", "Port of Redis."),
    row("storage.addrs", LIST, "", "Addresses of a cluster's members or of sentinels, `host:port` each; wins over `hosts` and `host`."),
    row("storage.hosts", Kind::Map(&TEXT), "", "The same in its older form: host to port."),
    row("storage.username", TEXT, "", "User name for Redis."),
    row("storage.password", Kind::Secret, "", "Password for Redis."),
    row("storage.database", count(0, 65_535), "", "Number of the database in Redis."),
    row("storage.enable_cluster", FLAG, "", "The addresses are members of a Redis Cluster."),
    row("storage.master_name", TEXT, "", "The addresses are sentinels, which are asked for the master of this name."),
    row("storage.sentinel_password", Kind::Secret, "", "Password for the sentinels."),
    row("storage.use_ssl", FLAG, "", "Connects to Redis with TLS."),
    row("storage.ssl_insecure_skip_verify", FLAG, "", "The certificate of Redis is not checked."),
    row("storage.ca_file", TEXT, "", "PEM file with the authorities that may sign the certificate of Redis; empty is the system's."),
    row("storage.cert_file", TEXT, "", "PEM file with the gateway's own certificate for Redis."),
    row("storage.key_file", TEXT, "", "PEM file with its key."),
    row("local_session_cache.disable_cached_session_state", FLAG, "", "Every request asks the store for its session; see `gatehouse.storage.session_cache_ms`."),
    row("hash_keys", FLAG, "", "Keys are stored as hashes only."),
    row("hash_key_function", Kind::Word(&["murmur32", "murmur64", "murmur128", "sha256"]), "",
        "Hash for `hash_keys`; absent is murmur32 over Tyk's older form of keys (organisation and id)."),
    row("enable_hashed_keys_listing", FLAG, "", "The admin API lists keys although they are hashed."),
    row("session_lifetime_respects_key_expiration", FLAG, "", "The record of a key is not removed before the key ends, whatever `session_lifetime` says."),
    row("force_global_session_lifetime", FLAG, "", "Every record of a key is kept for `global_session_lifetime` after it is written, whatever the key or its APIs say."),
    row("global_session_lifetime", seconds(u32::MAX as u64), "", "Seconds for `force_global_session_lifetime`; 0 is for ever."),
    Setting {
        special_variable: "TYK_GW_MAXIDLECONNSPERHOST",
        ..tyk("max_idle_connections_per_host", count(0, 100_000), "500", "Idle connections kept for each upstream host.")
    },
    row("allow_master_keys", FLAG, "", "The admin API makes keys without access rights, too, which open every API that takes keys."),
    row("close_connections", FLAG, "", "Answers every request with `Connection: close`."),
    tyk("proxy_default_timeout", Kind::Seconds { max: 86_400.0 }, "30", "Time to the first byte of an upstream's answer."),
    row("proxy_ssl_insecure_skip_verify", FLAG, "", "Certificates of upstreams are not checked."),
    row("health_check_endpoint_name", TEXT, "\"hello\"", "Name of the health check endpoint, without its slash."),
    tyk("http_server_options.read_timeout", seconds(86_400), "120", "Time between two reads of a request body."),
    tyk("http_server_options.write_timeout", seconds(86_400), "120", "Time for one write to the client."),
    row("http_server_options.use_ssl", FLAG, "", "Serves TLS; needs certificates."),
    row("http_server_options.certificates", Kind::Records, "", "Certificates; the first is the default, the others are \
        picked by the name the client asks for."),
    row("http_server_options.certificates[].domain_name", TEXT, "", "Host name the certificate is for; empty for any."),
    row("http_server_options.certificates[].cert_file", TEXT, "", "PEM file with the certificate chain."),
    row("http_server_options.certificates[].key_file", TEXT, "", "PEM file with the private key."),
    row("http_server_options.ssl_certificates", LIST, "", "PEM files that hold a chain and its key each. Ids of a \
        certificate store are not supported."),
    row("http_server_options.min_version", TLS_VERSION, "", "Oldest TLS version; anything below 1.2 is 1.2."),
    row("http_server_options.server_name", TEXT, "", "Accepted; has no effect on a listener."),
    row("http_server_options.max_request_body_size", bytes(0, TIB), "",
        "Largest request body of any API, more is a 413; 0 is no bound for bodies that are streamed through."),
    row("http_server_options.enable_path_prefix_matching", FLAG, "",
        "An endpoint pattern that begins with a slash is anchored at the start of the path."),
    row("http_server_options.enable_path_suffix_matching", FLAG, "",
        "An endpoint pattern is anchored at the end of the path."),
    row("http_server_options.enable_strict_routes", FLAG, "",
        "A listen path ends at a path segment: `/api` does not take `/apis`."),
    row("enable_custom_domains", FLAG, "", "Definitions with a domain are served only for that host."),
    row("ignore_endpoint_case", FLAG, "", "Endpoint patterns match without regard to case."),
    row("log_level", LEVEL, "\"info\"", "Least severe level that is written; `TYK_LOGLEVEL` works too."),
    row("log_format", Kind::Word(&["text", "default", "json"]), "\"text\"",
        "Lines for people or one JSON object on each; `TYK_LOGFORMAT` works too."),
    // Guarded by `refused`.
    row("hostname", TEXT, "", "The gateway answers for this host name only."),
    row("control_api_hostname", TEXT, "", "The admin API answers for this host name only."),
    row("security.control_api_use_mutual_tls", FLAG, "", "The admin API asks for client certificates."),
    row("security.pinned_public_keys", Kind::Map(&TEXT), "", "Upstreams must show a certificate with one of these keys."),
    row("auth_override.force_auth_provider", FLAG, "", "All APIs authenticate with another provider."),
    row("auth_override.force_session_provider", FLAG, "", "All APIs take sessions from another provider."),
    row("min_token_length", count(0, 4_096), "", "Keys that are not longer than this are refused; up to 3 is accepted here."),
    row("http_server_options.use_ssl_le", FLAG, "", "TLS with certificates from Let's Encrypt."),
    row("http_server_options.xff_depth", count(0, 1_000), "",
        "Which address of X-Forwarded-For IP lists and limits believe."),
    row("http_server_options.max_response_body_size", bytes(0, TIB), "", "Larger answers of upstreams are refused."),
    row("proxy_ssl_min_version", TLS_VERSION, "", "Oldest TLS version to upstreams; up to 771 (1.2) is accepted here."),
    row("ssl_force_common_name_check", FLAG, "",
        "With `proxy_ssl_insecure_skip_verify`, the host name in an upstream's certificate is checked all the same."),
    row("slave_options.use_rpc", FLAG, "", "Definitions and keys come from MDCB."),
    row("use_db_app_configs", FLAG, "", "Definitions come from Tyk Dashboard."),
    // Ours.
    row("gatehouse.server_header", TEXT, "\"gatehouse\"", "`Server` header of answers that the gateway itself makes; \
        empty leaves it out."),
    row("gatehouse.workers", count(1, 1_024), "", "Async worker threads; absent is one for each core."),
    row("gatehouse.supervisor", FLAG, "true", "A small parent process holds the listener and starts the worker again when native code crashes it; false serves in the first process."),
    row("gatehouse.admin.enabled", FLAG, "true", "false: there is no admin API, whatever `secret` says."),
    row("gatehouse.admin.listen_address", TEXT, "", "IP address of `control_api_port`; empty is `listen_address`."),
    row("gatehouse.admin.max_body_bytes", bytes(KIB, GIB), "10485760", "Largest body of a request to the admin API; more is a 413."),
    row("gatehouse.access_log", FLAG, "", "Writes one line for each request."),
    row("gatehouse.log_targets", Kind::Map(&LEVEL), "", "Levels of single modules, by module path."),
    row("gatehouse.limits.max_header_bytes", bytes(8 * KIB, 16 << 20), "65536", "Largest request head; more is a 431."),
    row("gatehouse.limits.max_headers", count(1, 4_096), "100", "Most header fields of a request; more is a 431."),
    row("gatehouse.limits.max_buffered_body_bytes", bytes(KIB, GIB), "10485760",
        "Largest body that a step may hold in memory; more is a 413."),
    row("gatehouse.limits.max_bundle_bytes", bytes(KIB, GIB), "16777216",
        "Largest bundle: the zip file, and all its files together when they are unpacked."),
    row("gatehouse.limits.header_timeout_ms", milliseconds(1), "10000", "Time for a whole request head, then 408."),
    row("gatehouse.limits.idle_timeout_ms", milliseconds(1), "75000", "Time a connection may wait for its next request."),
    row("gatehouse.limits.max_in_flight", count(1, 10_000_000), "10000",
        "Requests in flight; more is a 503 with `Retry-After`."),
    row("gatehouse.limits.max_connections", count(1, 10_000_000), "20000",
        "Open client connections; further ones wait in the backlog."),
    row("gatehouse.limits.drain_timeout_ms", milliseconds(0), "30000", "Time that requests in flight get at a stop."),
    row("gatehouse.limits.max_counters", count(1_000, 1_000_000_000), "1000000",
        "Callers, APIs and endpoints whose rates and quotas are counted in memory at a time; a request that needs another one is a 503."),
    row("gatehouse.limits.quota_write_ms", milliseconds(10), "1000",
        "Time between two writes of used quotas to the embedded store."),
    row("gatehouse.limits.max_throttle_ms", milliseconds(0), "30000",
        "Longest time that a request over its rate waits for the further tries of its `throttle_retry_limit`."),
    row("gatehouse.upstream.idle_timeout_ms", milliseconds(0), "30000", "Time an idle upstream connection is kept."),
    row("gatehouse.upstream.connect_timeout_ms", milliseconds(1), "5000", "Time to connect to an upstream."),
    row("gatehouse.javascript.driver", Kind::Word(DriverName::WORDS), DEFAULT_DRIVER,
        "Engine of definitions that do not name one."),
    row("gatehouse.javascript.threads", count(1, 1_024), "",
        "Scripts that run at the same time, not counting those that wait for a host call; absent is one for each core."),
    row("gatehouse.javascript.max_threads", count(1, 65_536), "2048", "Threads in all, with those that wait."),
    row("gatehouse.javascript.queue", count(0, 1_000_000), "4096", "Calls that may wait for a thread; more is a 503."),
    row("gatehouse.javascript.isolation", Kind::Word(Isolation::WORDS), "",
        "Where scripts run: `thread` of the gateway, or `process` of their own, which can be ended and whose memory the \
         system bounds; absent is `process` for `boa` and `thread` for `quickjs`."),
    row("gatehouse.javascript.max_processes", count(1, 4_096), "64",
        "Processes in which scripts run, each with one call at a time; further calls wait for one."),
    row("gatehouse.javascript.max_memory_bytes", bytes(MEMORY_BYTES.0, MEMORY_BYTES.1), "33554432",
        "Memory that one call may take; not bounded under `boa` on threads."),
    row("gatehouse.javascript.max_outbound_calls", count(CALLS.0, CALLS.1), "64", "Outbound calls that one call may make."),
    row("gatehouse.javascript.batch_parallel", count(1, 10_000), "16",
        "Calls of one `TykBatchRequest` that are under way at the same time."),
    row("gatehouse.javascript.max_response_bytes", bytes(RESPONSE_BYTES.0, RESPONSE_BYTES.1), "16777216", "Largest value that a script returns."),
    row("gatehouse.javascript.max_outbound_body_bytes", bytes(KIB, GIB), "16777216",
        "Largest outbound answer that a script reads."),
    row("gatehouse.plugins.cache_path", TEXT, "", "Folder for copies of plugins, from which they are loaded; empty is a \
        folder of the gateway's user in the system's folder for temporary files."),
    row("gatehouse.plugins.timeout_ms", milliseconds(1), "30000",
        "Time for one call of a plugin where the definition sets none; a sync function cannot be stopped."),
    row("gatehouse.plugins.outbound_timeout_ms", milliseconds(1), "30000", "Time for one outbound call of a plugin."),
    row("gatehouse.plugins.max_outbound_body_bytes", bytes(KIB, GIB), "16777216",
        "Largest outbound answer that a plugin reads."),
    row("gatehouse.plugins.max_analytics_in_flight", count(1, 1_000_000), "1024",
        "Records that are in analytics hooks at a time; further ones are left out, which is logged."),
    row("gatehouse.batch.max_requests", count(1, 100_000), "100", "Requests of one batch; more is a 400."),
    row("gatehouse.batch.parallel", count(1, 10_000), "16", "Requests of one batch that are under way at the same time."),
    row("gatehouse.batch.max_answer_bytes", bytes(KIB, GIB), "16777216",
        "Bodies of all answers of one batch together; more is a 502."),
    row("gatehouse.batch.timeout_ms", milliseconds(1), "30000", "Time for one request of a batch with its whole answer; then its code is 504."),
    row("gatehouse.cache.max_bytes", bytes(KIB, TIB), "67108864",
        "Memory for kept answers; what is used least goes first."),
    row("gatehouse.cache.max_entry_bytes", bytes(KIB, GIB), "1048576", "Largest answer that is kept; a larger one is passed through."),
    row("gatehouse.cache.fill_timeout_ms", milliseconds(1), "2000",
        "Time in which an answer must have come whole to be kept; a slower one is passed through."),
    row("gatehouse.events.queue", count(1, 1_000_000), "1024",
        "Event handlers that run or wait at a time; further events are left out, which is counted and logged."),
    row("gatehouse.events.parallel", count(1, 65_536), "64", "Event handlers that run at the same time."),
    row("gatehouse.events.timeout_ms", milliseconds(1), "30000", "Time for one event handler."),
    row("gatehouse.metrics.listen", TEXT, "", "Address and port, such as `127.0.0.1:9100`, at which `/metrics` is published for \
        Prometheus; empty is nowhere, port 0 lets the system choose."),
    row("gatehouse.storage.path", TEXT, "\"gatehouse.redb\"", "File with the keys when there is no Redis, for this gateway alone; made when it is first needed."),
    row("gatehouse.storage.timeout_ms", milliseconds(1), "5000", "Time for one operation of the store; a write to the file waits for the disk."),
    row("gatehouse.storage.connect_timeout_ms", milliseconds(1), "2000", "Time to connect to Redis."),
    row("gatehouse.storage.session_cache_ms", milliseconds(0), "1000",
        "How long a session is remembered without asking the store; a change by a gateway of the same store is seen at once."),
    row("gatehouse.storage.max_cached_sessions", count(0, 100_000_000), "100000", "Sessions that are remembered at a time."),
    row("gatehouse.watch", FLAG, "", "Loads changed definitions, scripts and plugins at once; for development."),
];
