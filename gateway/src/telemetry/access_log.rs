//! One line for each request, when the access log is on.

use std::time::Instant;

use http::{Method, StatusCode, Uri};

use super::request_id::RequestId;

/// Target of access log lines, so that they can be filtered.
pub const TARGET: &str = "gatehouse::access";

/// What is known of a request before it is served.
#[derive(Debug)]
pub struct AccessEntry {
    method: Method,
    uri: Uri,
    client: std::net::SocketAddr,
    request_id: RequestId,
    start: Instant,
}

impl AccessEntry {
    /// Notes a request that began at `start`; cheap, because method and URI share their text.
    pub fn new(
        method: &Method,
        uri: &Uri,
        client: std::net::SocketAddr,
        request_id: RequestId,
        start: Instant,
    ) -> Self {
        Self { method: method.clone(), uri: uri.clone(), client, request_id, start }
    }

    /// Shows no more of the path than that it is the admin API's: there are keys in it.
    pub fn hide_path(&mut self) {
        self.uri = Uri::from_static("/tyk/");
    }

    /// Writes the line.
    pub fn write(&self, status: StatusCode, api_id: Option<&str>) {
        tracing::info!(
            target: TARGET,
            method = %self.method,
            path = self.uri.path(),
            status = status.as_u16(),
            api_id = api_id.unwrap_or("-"),
            client = %self.client.ip(),
            request_id = %self.request_id,
            duration_us = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
