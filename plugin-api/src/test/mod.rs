//! Calls plugin functions without a gateway, so that `cargo test` in a plugin's crate is all it takes.
//!
//! ```
//! use gatehouse_plugin::{prelude::*, test};
//!
//! #[endpoint]
//! fn greet(request: &mut Request, context: &Context) -> Response {
//!     context.info("greeting");
//!     Response::text(format!("hello, {}", request.header("x-name").unwrap_or("stranger")))
//! }
//!
//! let done = test::call(test::request("GET", "/greet").header("x-name", "Ada"), greet);
//! assert_eq!(done.response().unwrap().body_bytes(), b"hello, Ada");
//! assert_eq!(done.logs().len(), 1);
//! ```
//!
//! The function is called through the same tables as by a gateway. What a gateway would do with the result, such as
//! calling an upstream, is not done.

mod context;
mod done;
mod request;

use serde_json::Value;

use self::context::TestContext;
pub use self::{
    context::{SentCall, TestMetric},
    done::Done,
    request::TestRequest,
};
use crate::{
    Context, IntoOutcome, IntoResult, IntoVerdict, Record, Request, Response, UpstreamResponse,
    analytics::{record, record_async},
    block_on,
    expanded::WRONG_KIND,
    ffi::{
        entry::{Arguments, run_here},
        function::{Message, Status},
        panics::install_hook,
    },
    outcome::{Decision, from_outcome, from_result, from_verdict},
};

/// A request to call a function with. What it comes with, such as a session or configuration, is added to it.
///
/// ```
/// let request = gatehouse_plugin::test::request("POST", "/orders?dry=1").header("host", "a.example").body("{}");
/// assert_eq!(request.target(), "/orders?dry=1");
/// ```
pub fn request(method: &str, target: &str) -> TestRequest {
    TestRequest::new(method, target)
}

/// Calls an endpoint or request hook that is not async.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// let done = test::call(test::request("GET", "/"), |_: &mut Request, _: &Context| Response::new(204));
/// assert_eq!(done.response().unwrap().status(), 204);
/// ```
pub fn call<O: IntoOutcome>(
    request: TestRequest,
    function: impl FnOnce(&mut Request, &Context) -> O,
) -> Done {
    run(request, None, |arguments| {
        let request = arguments.request.ok_or(WRONG_KIND)?;
        from_outcome(function(request, arguments.context))
    })
}

/// Calls an async endpoint or request hook, and waits for it.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// #[endpoint]
/// async fn relay(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
///     let answer = context.send(OutboundRequest::get("http://internal/item")).await?;
///     Ok(Response::new(answer.status()))
/// }
///
/// let request = test::request("GET", "/").upstream(|call| {
///     assert_eq!(call.url, "http://internal/item");
///     Ok(Response::new(204))
/// });
/// assert_eq!(test::call_async(request, relay).response().unwrap().status(), 204);
/// ```
pub fn call_async<O: IntoOutcome>(
    request: TestRequest,
    function: impl AsyncFnOnce(&mut Request, &Context) -> O,
) -> Done {
    run(request, None, |arguments| {
        let request = arguments.request.ok_or(WRONG_KIND)?;
        from_outcome(block_on(function(request, arguments.context)))
    })
}

/// Calls an `#[auth]` function that is not async.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// let nobody = |_: &mut Request, _: &Context| Verdict::Deny(Denied::forbidden("nobody"));
/// let done = test::authenticate(test::request("GET", "/"), nobody);
/// assert_eq!(done.denied().unwrap().status(), 403);
/// ```
pub fn authenticate<V: IntoVerdict>(
    request: TestRequest,
    function: impl FnOnce(&mut Request, &Context) -> V,
) -> Done {
    run(request, None, |arguments| {
        let request = arguments.request.ok_or(WRONG_KIND)?;
        from_verdict(function(request, arguments.context))
    })
}

/// Calls an async `#[auth]` function, and waits for it.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// let everybody = async |_: &mut Request, _: &Context| Verdict::Allow(Session::new("somebody"));
/// assert!(test::authenticate_async(test::request("GET", "/"), everybody).allowed());
/// ```
pub fn authenticate_async<V: IntoVerdict>(
    request: TestRequest,
    function: impl AsyncFnOnce(&mut Request, &Context) -> V,
) -> Done {
    run(request, None, |arguments| {
        let request = arguments.request.ok_or(WRONG_KIND)?;
        from_verdict(block_on(function(request, arguments.context)))
    })
}

/// Calls a `#[response_hook]` that is not async, with an answer of the upstream.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// #[response_hook]
/// fn gone(response: &mut UpstreamResponse, _: &Request, _: &Context) -> gatehouse_plugin::Result<()> {
///     response.set_status(410)
/// }
///
/// let done = test::respond(test::request("GET", "/"), Response::new(404), gone);
/// assert_eq!(done.response().unwrap().status(), 410);
/// ```
pub fn respond<T: IntoResult>(
    request: TestRequest,
    response: Response,
    function: impl FnOnce(&mut UpstreamResponse, &Request, &Context) -> T,
) -> Done {
    run(request, Some(response), |arguments| {
        let request = arguments.request.ok_or(WRONG_KIND)?;
        let response = arguments.response.ok_or(WRONG_KIND)?;
        from_result(function(response, request, arguments.context))
    })
}

/// Calls an async `#[response_hook]`, and waits for it.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// let hook = async |response: &mut UpstreamResponse, _: &Request, _: &Context| response.set_status(410);
/// let done = test::respond_async(test::request("GET", "/"), Response::new(404), hook);
/// assert_eq!(done.response().unwrap().status(), 410);
/// ```
pub fn respond_async<T: IntoResult>(
    request: TestRequest,
    response: Response,
    function: impl AsyncFnOnce(&mut UpstreamResponse, &Request, &Context) -> T,
) -> Done {
    run(request, Some(response), |arguments| {
        let request = arguments.request.ok_or(WRONG_KIND)?;
        let response = arguments.response.ok_or(WRONG_KIND)?;
        from_result(block_on(function(response, request, arguments.context)))
    })
}

/// Calls an `#[analytics]` function that is not async, with a record.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// #[analytics]
/// fn no_path(record: &mut Record, _: &Context) {
///     record.remove("path");
/// }
///
/// let done = test::analyse(serde_json::json!({"path": "/secret", "method": "GET"}), no_path);
/// assert_eq!(done.record(), Some(&serde_json::json!({"method": "GET"})));
/// ```
pub fn analyse<T: IntoResult>(fields: Value, function: impl FnOnce(&mut Record, &Context) -> T) -> Done {
    run(request("GET", "/").record(fields), None, |arguments| {
        let context = arguments.context;
        record(context, |record| function(record, context)).and_then(from_result)
    })
}

/// Calls an async `#[analytics]` function with a record, and waits for it.
///
/// ```
/// use gatehouse_plugin::{prelude::*, test};
///
/// let hook = async |record: &mut Record, _: &Context| record.set("alias", "masked");
/// let done = test::analyse_async(serde_json::json!({"alias": "ada"}), hook);
/// assert_eq!(done.record(), Some(&serde_json::json!({"alias": "masked"})));
/// ```
pub fn analyse_async<T: IntoResult>(
    fields: Value,
    function: impl AsyncFnOnce(&mut Record, &Context) -> T,
) -> Done {
    run(request("GET", "/").record(fields), None, |arguments| {
        let context = arguments.context;
        block_on(record_async(context, async move |record: &mut Record| function(record, context).await))
            .and_then(from_result)
    })
}

fn run(
    mut request: TestRequest,
    response: Option<Response>,
    function: impl FnOnce(Arguments<'_>) -> Result<Decision, String>,
) -> Done {
    install_hook();
    let context = TestContext::new(&mut request);
    let mut response = response.map(request::TestResponse::new);
    let mut message = Message::new(&context, request.state).request(&mut request);
    if let Some(response) = &mut response {
        message = message.response(response);
    }
    let status: Status = run_here(message, function);
    Done::new(status, request, response.map(request::TestResponse::into_response), context)
}
