//! What a call came to.

use serde_json::Value;

use super::{
    context::{Log, SentCall, TestContext, TestMetric},
    request::TestRequest,
};
use crate::{Denied, Level, Response, ffi::function::Status};

/// A call that is over: what the function decided, changed, logged and sent.
///
/// ```
/// use gatehouse_plugin::{Level, prelude::*, test};
///
/// #[endpoint]
/// fn orders(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Option<Response>> {
///     context.info("counting");
///     context.count("orders_total", &[], 1.0);
///     context.set_metadata("seen", true)?;
///     context.set_response_header("x-plugin", "orders")?;
///     request.set_header("x-checked", "1")?;
///     match request.query_field("fail").as_deref() {
///         Some("panic") => panic!("as asked"),
///         Some(_) => Err("as asked".into()),
///         None => Ok(request.query_field("answer").map(|_| Response::new(204))),
///     }
/// }
///
/// let call = |target| test::call(test::request("GET", target).metadata("plan", "gold"), orders);
/// let done = call("/");
/// assert!(done.continued());
/// assert_eq!(done.logs(), [(Level::Info, "counting".to_owned())]);
/// assert_eq!((done.metrics()[0].name.as_str(), done.metrics()[0].value), ("orders_total", 1.0));
/// assert_eq!(done.request().header_value("x-checked"), Some("1"));
/// assert_eq!(done.response_header("X-Plugin"), Some("orders"));
/// assert_eq!(done.metadata("seen"), Some(true.into()));
/// assert_eq!(done.session().unwrap()["meta_data"]["plan"], "gold");
/// assert!(done.sent().is_empty());
/// assert_eq!(call("/?answer").response().unwrap().status(), 204);
/// assert_eq!(call("/?fail=error").error(), Some("as asked"));
/// assert_eq!(call("/?fail=panic").panic(), Some("as asked"));
/// ```
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

    /// Itself, when the function ended as it should: for tests whose checks stand in the function that they call.
    ///
    /// # Panics
    /// With the message, when the function gave an error or panicked.
    ///
    /// ```
    /// use gatehouse_plugin::{prelude::*, test};
    ///
    /// let done = test::call(test::request("GET", "/a"), |request: &mut Request, _: &Context| {
    ///     assert_eq!(request.path(), "/a");
    /// });
    /// done.unwrap();
    /// ```
    #[track_caller]
    #[allow(clippy::panic, reason = "it is for tests")]
    pub fn unwrap(self) -> Self {
        match self.status {
            Status::Panicked => panic!("the function panicked: {}", self.panic().unwrap_or_default()),
            Status::Failed => panic!("the function gave an error: {}", self.error().unwrap_or_default()),
            _ => self,
        }
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

    /// What the store holds under a name, after the call.
    pub fn stored(&self, key: &str) -> Option<&[u8]> {
        self.log.store.get(key).map(Vec::as_slice)
    }
}
