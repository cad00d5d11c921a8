//! The request of a test, and what it comes with.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::context::{SentCall, Upstream};
use crate::{
    Body, Response,
    ffi::{
        function::State,
        host::{ForeignBytes, HeaderChange, Headers, Refusal, RequestFacts, RequestSide, ResponseSide},
    },
};

/// A request, and everything that a gateway would know when it calls a function with it.
pub struct TestRequest {
    method: String,
    path: String,
    query: Option<String>,
    sent_to: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: ForeignBytes,
    pub(super) state: State,
    pub(super) given: Given,
}

/// What a request comes with.
pub(super) struct Given {
    pub(super) client: String,
    pub(super) scheme: String,
    pub(super) api_id: String,
    pub(super) api_name: String,
    pub(super) organisation: String,
    pub(super) listen_path: String,
    pub(super) config: Option<String>,
    pub(super) config_data: String,
    pub(super) definition: Option<String>,
    pub(super) session: Option<Value>,
    pub(super) record: Option<Value>,
    pub(super) upstream: Option<Arc<Upstream>>,
    /// What the store holds; none is a gateway without one.
    pub(super) store: Option<HashMap<String, Vec<u8>>>,
    pub(super) time_left: Option<Duration>,
    pub(super) cancelled: bool,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            client: "127.0.0.1:50000".to_owned(),
            scheme: "http".to_owned(),
            api_id: "test".to_owned(),
            api_name: "Test".to_owned(),
            organisation: "test-organisation".to_owned(),
            listen_path: "/".to_owned(),
            config: None,
            config_data: "{}".to_owned(),
            definition: None,
            session: None,
            record: None,
            upstream: None,
            store: None,
            time_left: None,
            cancelled: false,
        }
    }
}

impl TestRequest {
    pub(super) fn new(method: &str, target: &str) -> Self {
        let (path, query) = split(target);
        Self {
            method: method.to_owned(),
            path,
            query,
            sent_to: None,
            headers: Vec::new(),
            body: ForeignBytes::from_static(b""),
            state: State::NONE,
            given: Given::default(),
        }
    }

    /// With one more header.
    ///
    /// ```
    /// let request = gatehouse_plugin::test::request("GET", "/").header("accept", "text/plain");
    /// assert_eq!(request.header_value("Accept"), Some("text/plain"));
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        self
    }

    /// With a body.
    ///
    /// ```
    /// let request = gatehouse_plugin::test::request("POST", "/").body("a=1");
    /// assert_eq!(request.body_bytes(), b"a=1");
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into().into_foreign();
        self
    }

    /// From a client with this address and port.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").client("192.0.2.7:4711");
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.client_address(), "192.0.2.7:4711");
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn client(mut self, address: &str) -> Self {
        address.clone_into(&mut self.given.client);
        self
    }

    /// Over `https`.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").https();
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.scheme(), "https");
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn https(mut self) -> Self {
        "https".clone_into(&mut self.given.scheme);
        self
    }

    /// To an API with this id, name, organisation and listen path.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").api("7", "Shop", "acme", "/shop/");
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.api().name(), "Shop");
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn api(mut self, id: &str, name: &str, organisation: &str, listen_path: &str) -> Self {
        id.clone_into(&mut self.given.api_id);
        name.clone_into(&mut self.given.api_name);
        organisation.clone_into(&mut self.given.organisation);
        listen_path.clone_into(&mut self.given.listen_path);
        self
    }

    /// With this API definition.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").definition(&serde_json::json!({ "name": "Shop" }));
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     let definition: &serde_json::Value = context.api().definition().unwrap();
    ///     assert_eq!(definition["name"], "Shop");
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn definition(mut self, definition: &Value) -> Self {
        self.given.definition = Some(definition.to_string());
        self
    }

    /// With configuration at the function's own place of the definition.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").config(&serde_json::json!([1, 2]));
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.config::<Vec<u32>>().unwrap(), &[1, 2]);
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn config(mut self, config: &Value) -> Self {
        self.given.config = Some(config.to_string());
        self
    }

    /// With this `config_data` of the API.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").config_data(&serde_json::json!({ "a": 1 }));
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.config_data::<serde_json::Value>().unwrap()["a"], 1);
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn config_data(mut self, config_data: &Value) -> Self {
        self.given.config_data = config_data.to_string();
        self
    }

    /// With a session.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").session(serde_json::json!({ "alias": "ada" }));
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.session().unwrap().alias(), "ada");
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn session(mut self, session: Value) -> Self {
        self.given.session = Some(session);
        self
    }

    /// With a session that has this value in its metadata.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").metadata("plan", "gold");
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.metadata("plan"), Some("gold".into()));
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn metadata(mut self, key: &str, value: impl Into<Value>) -> Self {
        let session = self.given.session.get_or_insert_with(|| Value::Object(Map::new()));
        session["meta_data"][key] = value.into();
        self
    }

    /// With what `#[init]` makes: call it, and give its result. Kept until the test process ends.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").state(7_u32);
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert_eq!(context.state::<u32>().unwrap(), &7);
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.state = State::new(state);
        self
    }

    /// With something that answers the function's outbound calls. Without it they fail.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").upstream(|call| match call.url.as_str() {
    ///     "http://users.internal/7" => Ok(Response::text("Ada")),
    ///     _ => Err("no route to host".to_owned()),
    /// });
    /// let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    ///     context.send(OutboundRequest::get("http://users.internal/7")).await.map(Response::from)
    /// });
    /// assert_eq!(done.response().unwrap().body_bytes(), b"Ada");
    /// ```
    #[must_use]
    pub fn upstream(
        mut self,
        answer: impl Fn(&SentCall) -> Result<Response, String> + Send + Sync + 'static,
    ) -> Self {
        self.given.upstream = Some(Arc::new(answer));
        self
    }

    /// With a store, empty and of this test alone. Without it operations on the store fail, as in a gateway that has none.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").store();
    /// let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    ///     let visits = context.storage().increment("visits", 1).await?;
    ///     Ok::<_, gatehouse_plugin::Error>(Response::text(visits.to_string()))
    /// });
    /// assert_eq!(done.response().unwrap().body_bytes(), b"1");
    /// ```
    #[must_use]
    pub fn store(mut self) -> Self {
        self.given.store.get_or_insert_default();
        self
    }

    /// With a value that the store already holds.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").stored("visits", "41");
    /// let done = test::call_async(request, async |_: &mut Request, context: &Context| {
    ///     context.storage().increment("visits", 1).await.map(|_| ())
    /// });
    /// assert_eq!(done.stored("visits"), Some(&b"42"[..]));
    /// ```
    #[must_use]
    pub fn stored(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.given.store.get_or_insert_default().insert(key.to_owned(), value.as_ref().to_vec());
        self
    }

    /// With a bound on the time that the call may take; it is only told, not enforced.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").time_left(std::time::Duration::ZERO);
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert!(context.time_left().unwrap().is_zero());
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn time_left(mut self, time_left: Duration) -> Self {
        self.given.time_left = Some(time_left);
        self
    }

    /// As if nobody waited for the call any more.
    ///
    /// ```
    /// use gatehouse_plugin::{test, prelude::*};
    ///
    /// let request = test::request("GET", "/").cancelled();
    /// test::call(request, |_: &mut Request, context: &Context| {
    ///     assert!(context.is_cancelled());
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn cancelled(mut self) -> Self {
        self.given.cancelled = true;
        self
    }

    pub(super) fn record(mut self, record: Value) -> Self {
        self.given.record = Some(record);
        self
    }
}

/// What it is; after a call, with the function's changes.
impl TestRequest {
    /// Method.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::test::request("GET", "/").method(), "GET");
    /// ```
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The URL that the function gave to `Request::send_to`.
    pub fn sent_to(&self) -> Option<&str> {
        self.sent_to.as_deref()
    }

    /// Path and query.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::test::request("GET", "/a?b=1").target(), "/a?b=1");
    /// ```
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// First value of a header, when it is text.
    ///
    /// ```
    /// let request = gatehouse_plugin::test::request("GET", "/").header("accept", "text/plain");
    /// assert_eq!(request.header_value("accept"), Some("text/plain"));
    /// ```
    pub fn header_value(&self, name: &str) -> Option<&str> {
        Headers::header(self, name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The bytes of the body.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::test::request("POST", "/").body("a").body_bytes(), b"a");
    /// ```
    pub fn body_bytes(&self) -> &[u8] {
        self.body.as_ref()
    }
}

fn split(target: &str) -> (String, Option<String>) {
    match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target.to_owned(), None),
    }
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

pub(super) fn is_header_value(value: &[u8]) -> bool {
    value.iter().all(|byte| (*byte >= b' ' && *byte != 0x7f) || *byte == b'\t')
}

/// Changes a list of headers as a gateway would.
pub(super) fn change(
    headers: &mut Vec<(String, Vec<u8>)>,
    name: &str,
    change: HeaderChange<'_>,
) -> Result<(), Refusal> {
    if !is_token(name) {
        return Err(Refusal::BadName);
    }
    let name = name.to_ascii_lowercase();
    let (HeaderChange::Set(value) | HeaderChange::Append(value)) = change else {
        headers.retain(|(known, _)| *known != name);
        return Ok(());
    };
    if !is_header_value(value) {
        return Err(Refusal::BadValue);
    }
    if matches!(change, HeaderChange::Set(_)) {
        headers.retain(|(known, _)| *known != name);
    }
    headers.push((name, value.to_vec()));
    Ok(())
}

/// What a gateway does with headers, over a field of that name.
macro_rules! headers_of {
    ($message:ident) => {
        impl Headers for $message {
            fn header(&self, name: &str) -> Option<&[u8]> {
                let named = |(known, _): &&(String, Vec<u8>)| known.eq_ignore_ascii_case(name);
                self.headers.iter().find(named).map(|(_, value)| value.as_slice())
            }

            fn header_count(&self) -> usize {
                self.headers.len()
            }

            fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
                self.headers.iter().for_each(|(name, value)| visit(name, value));
            }

            fn change_header(&mut self, name: &str, change: HeaderChange<'_>) -> Result<(), Refusal> {
                self::change(&mut self.headers, name, change)
            }
        }
    };
}

headers_of!(TestRequest);
headers_of!(TestResponse);

impl RequestSide for TestRequest {
    fn facts(&self) -> RequestFacts<'_> {
        RequestFacts {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            body: self.body.as_ref(),
        }
    }

    fn set_method(&mut self, method: &str) -> Result<(), Refusal> {
        if !is_token(method) {
            return Err(Refusal::BadValue);
        }
        method.clone_into(&mut self.method);
        Ok(())
    }

    fn set_target(&mut self, target: &str) -> Result<(), Refusal> {
        if let Some((scheme, rest)) = target.split_once("://") {
            if !matches!(scheme, "http" | "https" | "h2c" | "tyk") || rest.is_empty() || rest.starts_with('/')
            {
                return Err(Refusal::BadValue);
            }
            self.sent_to = Some(target.to_owned());
            return Ok(());
        }
        if !target.starts_with('/') || target.bytes().any(|byte| byte <= b' ' || byte == b'#') {
            return Err(Refusal::BadValue);
        }
        (self.path, self.query) = split(target);
        Ok(())
    }

    fn set_body(&mut self, body: ForeignBytes) -> Result<(), Refusal> {
        self.body = body;
        Ok(())
    }
}

/// The upstream's answer in a test.
pub(super) struct TestResponse {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: ForeignBytes,
}

impl TestResponse {
    pub(super) fn new(response: Response) -> Self {
        let (status, headers, body) = response.into_parts();
        let headers =
            headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        Self { status, headers: headers.collect(), body }
    }

    pub(super) fn into_response(self) -> Response {
        let headers = self.headers.into_iter();
        let headers = headers.map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()));
        headers
            .fold(Response::new(self.status).body(self.body.as_ref().to_vec()), |response, (name, value)| {
                response.header(name, value)
            })
    }
}

impl ResponseSide for TestResponse {
    fn status(&self) -> u16 {
        self.status
    }

    fn body(&self) -> &[u8] {
        self.body.as_ref()
    }

    fn set_status(&mut self, status: u16) -> Result<(), Refusal> {
        if !(200..1000).contains(&status) {
            return Err(Refusal::BadValue);
        }
        self.status = status;
        Ok(())
    }

    fn set_body(&mut self, body: ForeignBytes) {
        self.body = body;
    }
}
