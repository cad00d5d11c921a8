//! The methods of [`UpstreamResponse`].

use gatehouse_plugin_abi::numbers::header;

use crate::{
    Body, UpstreamResponse,
    error::{Error, Result},
};

impl UpstreamResponse {
    /// Status.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::respond(test::request("GET", "/"), Response::new(404), |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// assert_eq!(response.status(), 404);
    /// # });
    /// ```
    pub fn status(&self) -> u16 {
        self.raw_status()
    }

    /// Changes the status.
    ///
    /// # Errors
    /// When it is not between 100 and 999.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::respond(test::request("GET", "/"), Response::new(404), |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// response.set_status(204)
    /// # });
    /// # assert_eq!(done.response().unwrap().status(), 204);
    /// ```
    pub fn set_status(&mut self, status: u16) -> Result<()> {
        self.change_status(status)
    }

    /// First value of a header, when it is text.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let answer = Response::new(200).header("server", "x");
    /// # test::respond(test::request("GET", "/"), answer, |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// assert_eq!(response.header("server"), Some("x"));
    /// # });
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.raw_header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All headers; names are in lower case, repeated ones come several times.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let answer = Response::new(200).header("server", "x");
    /// # test::respond(test::request("GET", "/"), answer, |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// assert_eq!(response.headers().count(), 1);
    /// # });
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.raw_headers()
    }

    /// Sets a header, replacing all its values.
    ///
    /// # Errors
    /// When name or value is not allowed.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::respond(test::request("GET", "/"), Response::new(200), |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// response.set_header("cache-control", "no-store")
    /// # });
    /// # assert_eq!(done.response().unwrap().header_value("cache-control"), Some("no-store"));
    /// ```
    pub fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        self.change_header(header::SET, name, value.as_ref())
    }

    /// Adds a header next to those there.
    ///
    /// # Errors
    /// When name or value is not allowed.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::respond(test::request("GET", "/"), Response::new(200), |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// response.append_header("vary", "accept")
    /// # });
    /// # assert_eq!(done.response().unwrap().header_value("vary"), Some("accept"));
    /// ```
    pub fn append_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        self.change_header(header::APPEND, name, value.as_ref())
    }

    /// Takes all values of a header out.
    ///
    /// # Errors
    /// When the name is not allowed.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let answer = Response::new(200).header("server", "x");
    /// # let done = test::respond(test::request("GET", "/"), answer, |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// response.remove_header("server")
    /// # });
    /// # assert_eq!(done.response().unwrap().header_value("server"), None);
    /// ```
    pub fn remove_header(&mut self, name: &str) -> Result<()> {
        self.change_header(header::REMOVE, name, &[])
    }

    /// The whole body.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let answer = Response::text("hello");
    /// # test::respond(test::request("GET", "/"), answer, |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// assert_eq!(response.body(), b"hello");
    /// # });
    /// ```
    pub fn body(&self) -> &[u8] {
        self.raw_body()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// When it is not JSON of that form.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let answer = Response::text("[1, 2]");
    /// # test::respond(test::request("GET", "/"), answer, |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// let numbers: Vec<u32> = response.json()?;
    /// assert_eq!(numbers, [1, 2]);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # });
    /// ```
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(self.body()).map_err(|error| Error::Json("the upstream's answer", error))
    }

    /// Changes the body, and its length with it. The content type stays as it is.
    ///
    /// # Errors
    /// When the gateway fails.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::respond(test::request("GET", "/"), Response::text("a"), |response: &mut UpstreamResponse, _: &Request, _: &Context| {
    /// response.set_body("b")
    /// # });
    /// # assert_eq!(done.response().unwrap().body_bytes(), b"b");
    /// ```
    pub fn set_body(&mut self, body: impl Into<Body>) -> Result<()> {
        self.change_body(body.into().into_foreign())
    }
}
