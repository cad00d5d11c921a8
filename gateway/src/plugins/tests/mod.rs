//! Tests over the libraries of `example-plugins/`, loaded as a gateway loads them.

mod calls;
mod files;
mod local;
mod mutations;
mod provoked;
mod speed;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::runtime::Handle;

use super::{
    Kept, Kind, PluginFunction, PluginRegistry,
    metrics::PluginMetrics,
    site::{ApiFacts, PluginServices, PluginSite},
};
use crate::{
    config::settings::UpstreamSettings,
    crash::CallSite,
    exchange::{Arrived, Exchange, RequestBody},
    proxy::{direct::HostPools, hosts::Hosts},
    telemetry::request_id::RequestId,
};

/// The library of an example, which cargo builds next to the tests because it is a dev-dependency.
pub(super) fn library(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let library = test.with_file_name(format!("lib{name}.so"));
    assert!(library.is_file(), "{} is not there: cargo build -p example-{name}", library.display());
    library
}

/// One registry for all tests: libraries stay loaded anyway.
pub(super) fn registry() -> &'static PluginRegistry {
    static REGISTRY: OnceLock<(tempfile::TempDir, PluginRegistry)> = OnceLock::new();
    let (_, registry) = REGISTRY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let registry = PluginRegistry::new(folder.path().join("plugins"));
        (folder, registry)
    });
    registry
}

pub(super) fn load(library_name: &str, function: &str, kind: Kind) -> Arc<PluginFunction> {
    registry().load(&library(library_name), function, kind).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn exchange(method: Method, target: &str, body: &'static str) -> Exchange {
    Exchange::from(Arrived {
        method,
        uri: target.parse().unwrap(),
        version: Version::HTTP_11,
        headers: HeaderMap::new(),
        body: RequestBody::Full(Bytes::from_static(body.as_bytes())),
        client: "192.0.2.7:4711".parse().unwrap(),
        scheme: "http",
        request_id: RequestId::next(),
    })
}

/// A place with this configuration and time-out; inside a runtime.
pub(super) fn site(config: Option<&str>, timeout: Option<Duration>) -> Arc<PluginSite> {
    let tls = crate::proxy::tls::client_config(true).unwrap();
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    let seconds = Duration::from_secs(5);
    let pools = HostPools::new(&UpstreamSettings {
        idle_per_host: 8,
        idle_timeout: seconds,
        timeout: seconds,
        connect_timeout: seconds,
        insecure_skip_verify: true,
    });
    let services = PluginServices {
        hosts: Arc::new(Hosts::new(Arc::new(pools))),
        client: Client::builder(TokioExecutor::new()).build(connector),
        handle: Handle::current(),
        outbound_timeout: Duration::from_secs(5),
        outbound_body_bytes: 1 << 20,
        buffered_body_bytes: 1 << 20,
        metrics: Arc::new(PluginMetrics::default()),
        storage: None,
        rehearsal: None,
    };
    let api = ApiFacts {
        id: "shop".into(),
        name: "Shop".into(),
        listen_path: "/shop/".into(),
        config_data: r#"{"redact":["email"]}"#.into(),
        ..ApiFacts::default()
    };
    Arc::new(PluginSite {
        services: Arc::new(services),
        api: Arc::new(api),
        config: config.map(Into::into),
        crash_site: Box::leak(Box::new(CallSite::new("shop", "GET", "/", "test.so", "test"))),
        timeout,
        kept: Kept::default(),
    })
}
