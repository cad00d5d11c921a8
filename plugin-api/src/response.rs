//! Answers that a plugin gives.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    error::{Error, Result},
    ffi::view::ForeignBytes,
};

/// A name or value of a header. Static text is not copied on its way to the client.
pub(crate) type HeaderText = Cow<'static, str>;

/// The bytes of a body. Static bytes are not copied on their way, and a vector is moved.
///
/// ```
/// use gatehouse_plugin::Body;
///
/// let bodies: [Body; 4] = ["text".into(), String::from("text").into(), b"bytes".into(), vec![1, 2].into()];
/// assert_eq!(bodies[3].as_ref(), [1, 2]);
/// ```
#[derive(Debug)]
pub struct Body(ForeignBytes);

impl Body {
    pub(crate) fn into_foreign(self) -> ForeignBytes {
        self.0
    }

    pub(crate) const EMPTY: Self = Self(ForeignBytes::from_static(b""));

    /// The bytes of anything that owns some, without a copy.
    ///
    /// ```
    /// let shared: std::sync::Arc<[u8]> = vec![1, 2, 3].into();
    /// let body = gatehouse_plugin::Body::from_owner(shared);
    /// assert_eq!(body.as_ref(), [1, 2, 3]);
    /// ```
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self(ForeignBytes::from_owner(owner))
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self(ForeignBytes::from_static(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self(ForeignBytes::from_static(bytes))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Body {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self(ForeignBytes::from_static(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(ForeignBytes::from(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(ForeignBytes::from(bytes))
    }
}

/// An answer for the client. Returning one ends the chain: no upstream is called.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint]
/// fn teapot(_: &mut Request, _: &Context) -> Response {
///     Response::new(418).header("cache-control", "no-store").body("short and stout\n")
/// }
/// ```
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(HeaderText, HeaderText)>,
    body: Body,
}

impl Response {
    /// An answer without headers and body. A status outside of 200 to 999 makes the call fail.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Response::new(204).status(), 204);
    /// ```
    pub const fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::EMPTY }
    }

    /// Status 200 and plain text.
    ///
    /// ```
    /// let response = gatehouse_plugin::Response::text("hello");
    /// assert_eq!(response.header_value("content-type"), Some("text/plain; charset=utf-8"));
    /// ```
    pub fn text(body: impl Into<Body>) -> Self {
        Self::new(200).header("content-type", "text/plain; charset=utf-8").body(body)
    }

    /// An answer whose body is `value` as JSON.
    ///
    /// # Errors
    /// When the value cannot be written as JSON, such as a map with keys that are no text.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[endpoint]
    /// fn version(_: &mut Request, _: &Context) -> gatehouse_plugin::Result<Response> {
    ///     Response::json(200, &serde_json::json!({ "version": 3 }))
    /// }
    /// ```
    pub fn json(status: u16, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|error| Error::Json("the response", error))?;
        Ok(Self::new(status).header("content-type", "application/json").body(body))
    }

    /// Adds a header; one that is there already stays. A name or value that HTTP does not allow makes the call fail.
    ///
    /// ```
    /// let response = gatehouse_plugin::Response::new(200).header("set-cookie", "a=1").header("set-cookie", "b=2");
    /// assert_eq!(response.headers().count(), 2);
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        self.push((name.into(), value.into()));
        self
    }

    /// Keeps [`header`](Self::header) small, which is part of whatever calls it: answers have several headers.
    fn push(&mut self, header: (HeaderText, HeaderText)) {
        if self.headers.capacity() == 0 {
            self.headers.reserve(4);
        }
        self.headers.push(header);
    }

    /// Sets the body. The gateway writes its length.
    ///
    /// ```
    /// let response = gatehouse_plugin::Response::new(200).body("hello");
    /// assert_eq!(response.body_bytes(), b"hello");
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Response::new(204).status(), 204);
    /// ```
    pub fn status(&self) -> u16 {
        self.status
    }

    /// First value of a header.
    ///
    /// ```
    /// let response = gatehouse_plugin::Response::new(200).header("x-a", "1");
    /// assert_eq!(response.header_value("X-A"), Some("1"));
    /// ```
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers in order.
    ///
    /// ```
    /// let response = gatehouse_plugin::Response::new(200).header("x-a", "1");
    /// assert!(response.headers().eq([("x-a", "1")]));
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The bytes of the body.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Response::text("hello").body_bytes(), b"hello");
    /// ```
    pub fn body_bytes(&self) -> &[u8] {
        self.body.as_ref()
    }

    pub(crate) fn into_parts(self) -> (u16, Vec<(HeaderText, HeaderText)>, ForeignBytes) {
        (self.status, self.headers, self.body.0)
    }
}
