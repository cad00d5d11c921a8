//! The methods of [`Request`].

use std::borrow::Cow;

use gatehouse_plugin_abi::numbers::header;

use crate::{
    Body, Request,
    error::{Error, Result},
    form,
    message::message_methods,
};

impl Request {
    /// Method, in the form that came: `GET`.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/a"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.method(), "GET");
    /// # }).unwrap();
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
    /// # }).unwrap();
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
    /// # }).unwrap();
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
    /// # }).unwrap();
    /// # assert_eq!(done.request().target(), "/api/v2/items?q=1");
    /// ```
    pub fn set_path(&mut self, path: &str) -> Result<()> {
        if path.contains(['?', '#']) {
            return Err(Error::BadValue(format!("a path: {path}")));
        }
        match self.query() {
            Some(query) => self.set_target(&format!("{path}?{query}")),
            None => self.set_target(path),
        }
    }

    /// Query without its question mark, as the client escaped it.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/a?q=1"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.query(), Some("q=1"));
    /// # }).unwrap();
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
    /// # }).unwrap();
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
    /// # }).unwrap();
    /// # assert_eq!(done.request().target(), "/b?r=2");
    /// ```
    pub fn set_target(&mut self, path_and_query: &str) -> Result<()> {
        if !path_and_query.starts_with('/') {
            return Err(Error::BadValue(format!("a path: {path_and_query}")));
        }
        self.change_target(path_and_query)
    }

    /// Sends the request to another upstream than the API's: an absolute URL with `http`, `https`, `h2c`, or `tyk` for
    /// another API of the gateway (`tyk://NAME/path`). What [`path`](Self::path) says does not change.
    ///
    /// # Errors
    /// When it is not such a URL.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/orders"), |request: &mut Request, _: &Context| {
    /// request.send_to("http://orders-eu.internal:8080/orders?dry=1")
    /// # }).unwrap();
    /// # assert_eq!(done.request().sent_to(), Some("http://orders-eu.internal:8080/orders?dry=1"));
    /// ```
    pub fn send_to(&mut self, url: &str) -> Result<()> {
        if !url.contains("://") {
            return Err(Error::BadValue(format!("an absolute URL: {url}")));
        }
        self.change_target(url)
    }

    /// The query's fields, decoded, in order. A field without `=` has an empty value.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/search?q=caf%C3%A9+au+lait&page=2"), |request: &mut Request, _: &Context| {
    /// let fields: Vec<_> = request.query_fields().collect();
    /// assert_eq!(fields[0], ("q".into(), "café au lait".into()));
    /// # }).unwrap();
    /// ```
    pub fn query_fields(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form::fields(self.query().unwrap_or_default())
    }

    /// First value of a field of the query, decoded.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/search?page=2"), |request: &mut Request, _: &Context| {
    /// assert_eq!(request.query_field("page").as_deref(), Some("2"));
    /// assert_eq!(request.query_field("q"), None);
    /// # }).unwrap();
    /// ```
    pub fn query_field(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_fields().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The fields of a body that is a form (`application/x-www-form-urlencoded`), decoded, in order; none when it is not
    /// text.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("POST", "/login").body("user=ada&password=a%26b");
    /// # test::call(request, |request: &mut Request, _: &Context| {
    /// let password = request.form_fields().find(|(name, _)| name == "password").map(|(_, value)| value);
    /// assert_eq!(password.as_deref(), Some("a&b"));
    /// # }).unwrap();
    /// ```
    pub fn form_fields(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form::fields(std::str::from_utf8(self.body()).unwrap_or_default())
    }

    /// Value of a cookie, as the client sent it.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").header("cookie", "theme=dark; session=s-1");
    /// # test::call(request, |request: &mut Request, _: &Context| {
    /// assert_eq!(request.cookie("session"), Some("s-1"));
    /// # }).unwrap();
    /// ```
    pub fn cookie<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let cookies = self.header_values("cookie").flat_map(|cookies| cookies.split(';'));
        let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

message_methods!(
    Request,
    "the request's body",
    r##"# use gatehouse_plugin::{test, prelude::*};
# let request = test::request("POST", "/").header("server", "x").body("[1, 2]");
# test::call(request, |message: &mut Request, _: &Context| {"##
);
