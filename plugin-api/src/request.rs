//! The methods of [`Request`].

use gatehouse_plugin_abi::numbers::header;

use crate::{
    Body, Request,
    error::{Error, Result},
};

impl Request {
    /// Method, in the form that came: `GET`.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/a"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.method(), "GET");
    /// # });
    /// ```
    pub fn method(&self) -> &str {
        self.raw_method()
    }

    /// Changes the method.
    ///
    /// # Errors
    /// When it is not one that HTTP allows.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/a"), |request: &mut Request, _: &Context| {
    /// request.set_method("PATCH")
    /// # });
    /// # assert_eq!(done.request().method(), "PATCH");
    /// ```
    pub fn set_method(&mut self, method: &str) -> Result<()> {
        self.change_method(method)
    }

    /// Path as the client escaped it, listen path included.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/my%20api/items?q=1"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.path(), "/my%20api/items");
    /// # });
    /// ```
    pub fn path(&self) -> &str {
        self.raw_path()
    }

    /// Changes the path and keeps the query. The path is written as it goes out: escaped, with its leading slash and
    /// with the API's listen path, if the API strips it.
    ///
    /// # Errors
    /// When it is not a path.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/api/items?q=1"), |request: &mut Request, _: &Context| {
    /// request.set_path("/api/v2/items")
    /// # });
    /// # assert_eq!(done.request().target(), "/api/v2/items?q=1");
    /// ```
    pub fn set_path(&mut self, path: &str) -> Result<()> {
        if path.contains(['?', '#']) {
            return Err(Error::BadValue(format!("a path: {path}")));
        }
        match self.query() {
            Some(query) => self.change_target(&format!("{path}?{query}")),
            None => self.change_target(path),
        }
    }

    /// Query without its question mark, as the client escaped it.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/a?q=1"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.query(), Some("q=1"));
    /// # });
    /// ```
    pub fn query(&self) -> Option<&str> {
        self.raw_query()
    }

    /// Changes the query, or takes it out.
    ///
    /// # Errors
    /// When it is not a query.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/a?q=1"), |request: &mut Request, _: &Context| {
    /// request.set_query(Some("q=2"))
    /// # });
    /// # assert_eq!(done.request().target(), "/a?q=2");
    /// ```
    pub fn set_query(&mut self, query: Option<&str>) -> Result<()> {
        let target = match query {
            Some(query) => format!("{}?{query}", self.path()),
            None => self.path().to_owned(),
        };
        self.change_target(&target)
    }

    /// Changes path and query at once.
    ///
    /// # Errors
    /// When it is not a path, with or without a query.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/a?q=1"), |request: &mut Request, _: &Context| {
    /// request.set_target("/b?r=2")
    /// # });
    /// # assert_eq!(done.request().target(), "/b?r=2");
    /// ```
    pub fn set_target(&mut self, path_and_query: &str) -> Result<()> {
        self.change_target(path_and_query)
    }

    /// First value of a header, when it is text.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/").header("Host", "a.example"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.header("host"), Some("a.example"));
    /// assert_eq!(request.header("x-none"), None);
    /// # });
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// First value of a header, whatever its bytes.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/").header("x-name", "Zoë"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.header_bytes("x-name"), Some("Zoë".as_bytes()));
    /// # });
    /// ```
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.raw_header(name)
    }

    /// All headers; names are in lower case, repeated ones come several times.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").header("accept", "a").header("accept", "b");
    /// # test::call(request, |request: &mut Request, _: &Context| {
    /// let accepted: Vec<_> = request.headers().filter(|(name, _)| *name == "accept").collect();
    /// assert_eq!(accepted.len(), 2);
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
    /// # let done = test::call(test::request("GET", "/"), |request: &mut Request, _: &Context| {
    /// request.set_header("x-tenant", "acme")
    /// # });
    /// # assert_eq!(done.request().header_value("x-tenant"), Some("acme"));
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
    /// # let done = test::call(test::request("GET", "/"), |request: &mut Request, _: &Context| {
    /// request.append_header("via", "1.1 my-plugin")
    /// # });
    /// # assert_eq!(done.request().header_value("via"), Some("1.1 my-plugin"));
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
    /// # let request = test::request("GET", "/").header("cookie", "a=1");
    /// # let done = test::call(request, |request: &mut Request, _: &Context| {
    /// request.remove_header("cookie")
    /// # });
    /// # assert_eq!(done.request().header_value("cookie"), None);
    /// ```
    pub fn remove_header(&mut self, name: &str) -> Result<()> {
        self.change_header(header::REMOVE, name, &[])
    }

    /// The body; empty in a function marked `no_body`, which leaves it streaming.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("POST", "/").body("a=1"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.body(), b"a=1");
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
    /// # test::call(test::request("POST", "/").body(r#"{"id": 7}"#), |request: &mut Request, _: &Context| {
    /// #[derive(serde::Deserialize)]
    /// struct Order {
    ///     id: u64,
    /// }
    /// let order: Order = request.json()?;
    /// assert_eq!(order.id, 7);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # });
    /// ```
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(self.body()).map_err(|error| Error::Json("the request's body", error))
    }

    /// Changes the body, and its length with it. The content type stays as it is.
    ///
    /// # Errors
    /// When the body cannot be changed here, as in a response hook.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("POST", "/"), |request: &mut Request, _: &Context| {
    /// request.set_body(r#"{"id": 8}"#)
    /// # });
    /// # assert_eq!(done.request().body_bytes(), br#"{"id": 8}"#);
    /// ```
    pub fn set_body(&mut self, body: impl Into<Body>) -> Result<()> {
        self.change_body(body.into().into_foreign())
    }
}
