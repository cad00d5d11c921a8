//! HTTP calls that a plugin makes through the gateway's pooled client.

use std::{
    borrow::Cow,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    Body, Response,
    error::{Error, Result},
    ffi::guest::{RawAnswer, RawSend},
};

/// A call to make; [`Context::send`](crate::Context::send) makes it.
///
/// ```
/// use gatehouse_plugin::OutboundRequest;
/// use std::time::Duration;
///
/// let request = OutboundRequest::post("https://audit.internal/events")
///     .header("x-source", "gateway")
///     .json(&serde_json::json!({ "event": "login" }))?
///     .timeout(Duration::from_millis(300));
/// # Ok::<(), gatehouse_plugin::Error>(())
/// ```
#[derive(Debug)]
pub struct OutboundRequest {
    pub(crate) method: Cow<'static, str>,
    pub(crate) url: String,
    pub(crate) headers: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: BodyBytes,
    pub(crate) timeout: Option<Duration>,
}

/// The body in the form that crosses.
pub(crate) type BodyBytes = crate::ffi::view::ForeignBytes;

impl OutboundRequest {
    /// A call with any method to an absolute `http` or `https` address.
    ///
    /// ```
    /// gatehouse_plugin::OutboundRequest::new("PATCH", "http://users.internal/7");
    /// ```
    pub fn new(method: impl Into<Cow<'static, str>>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Body::EMPTY.into_foreign(),
            timeout: None,
        }
    }

    /// A `GET`.
    ///
    /// ```
    /// gatehouse_plugin::OutboundRequest::get("http://users.internal/7");
    /// ```
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST`.
    ///
    /// ```
    /// gatehouse_plugin::OutboundRequest::post("http://users.internal").body("name=Ada");
    /// ```
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header.
    ///
    /// ```
    /// use gatehouse_plugin::OutboundRequest;
    ///
    /// OutboundRequest::get("http://users.internal/7").header("accept", "application/json");
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    ///
    /// ```
    /// use gatehouse_plugin::OutboundRequest;
    ///
    /// OutboundRequest::new("PUT", "http://users.internal/7").body(r#"{"name":"Ada"}"#);
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into().into_foreign();
        self
    }

    /// Sets the body to `value` as JSON, and the content type.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    ///
    /// ```
    /// use gatehouse_plugin::OutboundRequest;
    ///
    /// let user = serde_json::json!({ "name": "Ada" });
    /// OutboundRequest::new("PUT", "http://users.internal/7").json(&user)?;
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// ```
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|error| Error::Json("the outbound body", error))?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// Bounds the whole call. It is never longer than the gateway's own bound, nor than the call of the plugin itself.
    ///
    /// ```
    /// use gatehouse_plugin::OutboundRequest;
    /// use std::time::Duration;
    ///
    /// OutboundRequest::get("http://users.internal/7").timeout(Duration::from_millis(200));
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// The answer to a call.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint]
/// async fn user_name(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
///     #[derive(serde::Deserialize)]
///     struct User<'a> {
///         name: &'a str,
///     }
///     let answer = context.send(OutboundRequest::get("http://users.internal/7")).await?;
///     let user: User = answer.json()?;
///     Ok(Response::text(user.name.to_owned()))
/// }
/// ```
pub struct OutboundResponse(RawAnswer);

impl OutboundResponse {
    /// Status.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").upstream(|_| Ok(Response::text("[1, 2]")));
    /// # let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    /// let answer = context.send(OutboundRequest::get("http://users.internal")).await?;
    /// assert_eq!(answer.status(), 200);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub fn status(&self) -> u16 {
        self.0.status()
    }

    /// First value of a header, when it is text.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").upstream(|_| Ok(Response::text("[1, 2]")));
    /// # let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    /// let answer = context.send(OutboundRequest::get("http://users.internal")).await?;
    /// assert_eq!(answer.header("Content-Type"), Some("text/plain; charset=utf-8"));
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1;
        std::str::from_utf8(value).ok()
    }

    /// All headers, repeated ones several times.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").upstream(|_| Ok(Response::text("[1, 2]")));
    /// # let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    /// let answer = context.send(OutboundRequest::get("http://users.internal")).await?;
    /// assert_eq!(answer.headers().count(), 1);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.headers()
    }

    /// The whole body.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").upstream(|_| Ok(Response::text("[1, 2]")));
    /// # let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    /// let answer = context.send(OutboundRequest::get("http://users.internal")).await?;
    /// assert_eq!(answer.body(), b"[1, 2]");
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub fn body(&self) -> &[u8] {
        self.0.body()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// When it is not JSON of that form.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").upstream(|_| Ok(Response::text("[1, 2]")));
    /// # let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    /// let answer = context.send(OutboundRequest::get("http://users.internal")).await?;
    /// let ids: Vec<u32> = answer.json()?;
    /// assert_eq!(ids, [1, 2]);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(self.body()).map_err(|error| Error::Json("the outbound answer", error))
    }
}

impl AsRef<[u8]> for OutboundResponse {
    fn as_ref(&self) -> &[u8] {
        self.body()
    }
}

impl From<OutboundResponse> for Body {
    /// Passes the body on without a copy.
    fn from(answer: OutboundResponse) -> Self {
        Self::from_owner(answer)
    }
}

impl From<OutboundResponse> for Response {
    /// Passes the answer on: status, body, and the headers that are text and not of the connection.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[endpoint]
    /// async fn relay(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    ///     let url = format!("http://other.internal{}", request.path());
    ///     Ok(context.send(OutboundRequest::get(url)).await?.into())
    /// }
    /// ```
    fn from(answer: OutboundResponse) -> Self {
        let mut response = Self::new(answer.status());
        for (name, value) in answer.headers().filter(|(name, _)| !OF_THE_CONNECTION.contains(name)) {
            if let Ok(value) = std::str::from_utf8(value) {
                response = response.header(name.to_owned(), value.to_owned());
            }
        }
        response.body(answer)
    }
}

/// Headers that are about one connection, and the length, which the gateway writes.
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl std::fmt::Debug for OutboundResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundResponse").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// A call under way; from [`Context::send`](crate::Context::send). It borrows nothing and may be awaited anywhere. Dropping
/// it cancels the call.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint]
/// async fn fastest(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
///     let sending: gatehouse_plugin::Sending = context.send(OutboundRequest::get("http://users.internal"));
///     context.debug("asked");
///     Ok(sending.await?.into())
/// }
/// ```
#[must_use = "a call is made when it is awaited"]
pub struct Sending(pub(crate) RawSend);

impl Future for Sending {
    type Output = Result<OutboundResponse>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(context)).ok_or(Error::Gateway)?;
        Poll::Ready(match answer.status() {
            0 => Err(Error::Outbound(String::from_utf8_lossy(answer.body()).into_owned())),
            _ => Ok(OutboundResponse(answer)),
        })
    }
}
