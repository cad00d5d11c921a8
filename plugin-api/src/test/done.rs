//! What a call came to.

use serde_json::Value;

use super::{
    context::{Log, SentCall, TestContext, TestMetric},
    request::TestRequest,
};
use crate::{Denied, Level, Response, ffi::function::Status};

/// A call that is over: what the function decided, changed, logged and sent.
pub struct Done {
    status: Status,
    request: TestRequest,
    log: Log,
}

impl Done {
    pub(super) fn new(
        status: Status,
        request: TestRequest,
        upstream: Option<Response>,
        context: TestContext,
    ) -> Self {
        let mut log = context.into_log();
        if log.response.is_none() {
            log.response = upstream;
        }
        Self { status, request, log }
    }

    /// Whether the request would go on.
    pub fn continued(&self) -> bool {
        self.status == Status::Continue
    }

    /// Whether an `#[auth]` function let the caller in; [`session`](Self::session) tells with what.
    pub fn allowed(&self) -> bool {
        self.status == Status::Allowed
    }

    /// The function's answer; of a response hook, the upstream's answer as it is now.
    pub fn response(&self) -> Option<&Response> {
        self.log.response.as_ref()
    }

    /// How an `#[auth]` function refused the caller.
    pub fn denied(&self) -> Option<&Denied> {
        self.log.denied.as_ref()
    }

    /// The error that the function gave, as the gateway would log it.
    pub fn error(&self) -> Option<&str> {
        self.log.error.as_deref()
    }

    /// Message of the function's panic.
    pub fn panic(&self) -> Option<&str> {
        self.log.panic.as_ref().map(|(_, message)| message.as_str())
    }

    /// The request, with the function's changes.
    pub fn request(&self) -> &TestRequest {
        &self.request
    }

    /// The session, with the function's changes.
    pub fn session(&self) -> Option<&Value> {
        self.log.session.as_ref()
    }

    /// A value of the session's metadata.
    pub fn metadata(&self, key: &str) -> Option<Value> {
        self.session()?.get("meta_data")?.get(key).cloned()
    }

    /// The analytics record, with the function's changes.
    pub fn record(&self) -> Option<&Value> {
        self.log.record.as_ref()
    }

    /// A header that was added to whatever answer goes out.
    pub fn response_header(&self, name: &str) -> Option<&str> {
        let headers = &self.log.response_headers;
        let value = &headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1;
        std::str::from_utf8(value).ok()
    }

    /// Lines that were logged.
    pub fn logs(&self) -> &[(Level, String)] {
        &self.log.lines
    }

    /// Metrics that were counted.
    pub fn metrics(&self) -> &[TestMetric] {
        &self.log.metrics
    }

    /// Outbound calls that were made.
    pub fn sent(&self) -> &[SentCall] {
        &self.log.sent
    }
}
