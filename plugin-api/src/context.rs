//! The methods of [`Context`].

use std::time::Duration;

use gatehouse_plugin_abi::numbers::{level, metric};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Context, OutboundRequest, Sending, Session, Storage,
    error::{Error, Result},
    ffi::{
        guest::RawSend,
        host::{fact, item},
    },
};

pub use crate::ffi::host::Level;

/// Facts of the API that the request came to; from [`Context::api`].
#[derive(Clone, Copy)]
pub struct Api<'a>(&'a Context);

impl<'a> Api<'a> {
    /// Its id.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").api("7", "Shop", "acme", "/shop/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// assert_eq!(context.api().id(), "7");
    /// # }).unwrap();
    /// ```
    pub fn id(&self) -> &'a str {
        self.0.fact(fact::API_ID).unwrap_or("")
    }

    /// Its name.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").api("7", "Shop", "acme", "/shop/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// assert_eq!(context.api().name(), "Shop");
    /// # }).unwrap();
    /// ```
    pub fn name(&self) -> &'a str {
        self.0.fact(fact::API_NAME).unwrap_or("")
    }

    /// Its organisation.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").api("7", "Shop", "acme", "/shop/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// assert_eq!(context.api().organisation(), "acme");
    /// # }).unwrap();
    /// ```
    pub fn organisation(&self) -> &'a str {
        self.0.fact(fact::ORGANISATION).unwrap_or("")
    }

    /// The prefix of its paths.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").api("7", "Shop", "acme", "/shop/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// assert_eq!(context.api().listen_path(), "/shop/");
    /// # }).unwrap();
    /// ```
    pub fn listen_path(&self) -> &'a str {
        self.0.fact(fact::LISTEN_PATH).unwrap_or("")
    }

    /// Its whole definition, read once for each place of the definition and type: name the fields that you need.
    ///
    /// # Errors
    /// When the gateway does not give it, or it is not of that form.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let definition = serde_json::json!({ "name": "Shop", "proxy": { "target_url": "http://shop.internal" } });
    /// # let request = test::request("GET", "/").definition(&definition);
    /// # let done = test::call(request, |_: &mut Request, context: &Context| {
    /// #[derive(serde::Deserialize)]
    /// struct Definition {
    ///     proxy: Proxy,
    /// }
    /// #[derive(serde::Deserialize)]
    /// struct Proxy {
    ///     target_url: String,
    /// }
    /// let definition: &Definition = context.api().definition()?;
    /// assert_eq!(definition.proxy.target_url, "http://shop.internal");
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued(), "{:?}", done.error());
    /// ```
    pub fn definition<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Result<&'a T> {
        self.0.read(fact::DEFINITION, "the API definition", None)
    }
}

/// Who calls, and where to.
impl Context {
    /// Id of the request, as in the gateway's log.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// context.info(format!("serving {}", context.request_id()));
    /// # }).unwrap();
    /// ```
    pub fn request_id(&self) -> &str {
        self.fact(fact::REQUEST_ID).unwrap_or("")
    }

    /// Address and port of the client's connection.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// let address: std::net::SocketAddr = context.client_address().parse().unwrap();
    /// assert!(address.ip().is_loopback());
    /// # }).unwrap();
    /// ```
    pub fn client_address(&self) -> &str {
        self.fact(fact::CLIENT).unwrap_or("")
    }

    /// `http` or `https`.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// assert_eq!(context.scheme(), "http");
    /// # }).unwrap();
    /// ```
    pub fn scheme(&self) -> &str {
        self.fact(fact::SCHEME).unwrap_or("")
    }

    /// The API that the request came to.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// assert_eq!(context.api().id(), "test");
    /// # }).unwrap();
    /// ```
    pub fn api(&self) -> Api<'_> {
        Api(self)
    }
}

/// What is configured, and what the plugin keeps.
impl Context {
    /// The configuration at this place of the definition (`config` of the endpoint or hook), or the API's `config_data`
    /// where it has none.
    ///
    /// It is read once for each place and type, at the first call, and kept until the definition is replaced: later calls
    /// cost a look-up.
    ///
    /// # Errors
    /// When it is not of that form.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Greeting {
    ///     text: String,
    /// }
    ///
    /// #[endpoint]
    /// fn greeting(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    ///     let greeting: &Greeting = context.config()?;
    ///     Ok(Response::text(greeting.text.clone()))
    /// }
    /// ```
    pub fn config<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Result<&T> {
        match self.fact(fact::CONFIG) {
            Some(_) => self.read(fact::CONFIG, "config", None),
            None => self.config_data(),
        }
    }

    /// The API's `config_data`, which all its endpoints share; an empty object where it has none. Read once, as
    /// [`config`](Self::config).
    ///
    /// # Errors
    /// When it is not of that form.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").config_data(&serde_json::json!({ "region": "eu" }));
    /// # let done = test::call(request, |_: &mut Request, context: &Context| {
    /// let shared: &serde_json::Value = context.config_data()?;
    /// assert_eq!(shared["region"], "eu");
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert!(done.continued());
    /// ```
    pub fn config_data<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Result<&T> {
        self.read(fact::CONFIG_DATA, "config_data", Some("{}"))
    }

    /// Reads a fact that is JSON, or `absent` when there is none, unless that was done at this place before.
    fn read<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        fact: u32,
        what: &'static str,
        absent: Option<&str>,
    ) -> Result<&T> {
        self.made_of(fact, || {
            let json = self.fact(fact).or(absent).ok_or_else(|| Error::NotHere(what.to_owned()))?;
            serde_json::from_str(json).map_err(|error| Error::Json(what, error))
        })
    }

    /// What the plugin's `#[init]` made.
    ///
    /// # Errors
    /// When there is no `#[init]`, or it made something else.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// struct Visits(AtomicU64);
    ///
    /// #[init]
    /// fn start() -> Visits {
    ///     Visits(AtomicU64::new(0))
    /// }
    ///
    /// #[endpoint]
    /// fn visit(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    ///     let visits: &Visits = context.state()?;
    ///     Ok(Response::text(format!("{}\n", visits.0.fetch_add(1, Ordering::Relaxed) + 1)))
    /// }
    /// ```
    pub fn state<T: Send + Sync + 'static>(&self) -> Result<&T> {
        let state = self.raw_state().and_then(<dyn std::any::Any + Send + Sync>::downcast_ref);
        state.ok_or(Error::State(std::any::type_name::<T>()))
    }
}

/// The session of the caller.
impl Context {
    /// A copy of the whole session; `None` for a request without one.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let session = serde_json::json!({ "alias": "ada", "rate": 100 });
    /// # test::call(test::request("GET", "/").session(session), |_: &mut Request, context: &Context| {
    /// let session = context.session().unwrap();
    /// assert_eq!(session.alias(), "ada");
    /// assert_eq!(session.get("rate"), Some(&100.into()));
    /// # }).unwrap();
    /// ```
    pub fn session(&self) -> Option<Session> {
        let bytes = self.lookup(item::SESSION, "")?;
        Session::from_json(bytes.as_ref())
    }

    /// Replaces the session. For a change to what is there, begin with [`session`](Self::session): fields that are left out
    /// are gone.
    ///
    /// # Errors
    /// When it cannot be replaced here.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let session = serde_json::json!({ "alias": "ada", "rate": 100 });
    /// # let request = test::request("GET", "/").session(session);
    /// # let done = test::call(request, |_: &mut Request, context: &Context| {
    /// if let Some(session) = context.session() {
    ///     context.set_session(&session.field("rate", 10)?.metadata("throttled", true)?)?;
    /// }
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// # }).unwrap();
    /// # assert_eq!(done.session().unwrap()["rate"], 10);
    /// # assert_eq!(done.session().unwrap()["alias"], "ada");
    /// ```
    pub fn set_session(&self, session: &Session) -> Result<()> {
        self.put(item::SESSION, "", Some(session.to_json().as_bytes()))
    }

    /// A value of the session's metadata; `None` when there is none.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").metadata("plan", "gold");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// assert_eq!(context.metadata("plan"), Some("gold".into()));
    /// # }).unwrap();
    /// ```
    pub fn metadata(&self, key: &str) -> Option<Value> {
        let bytes = self.lookup(item::METADATA, key)?;
        serde_json::from_slice(bytes.as_ref()).ok()
    }

    /// Sets a value of the session's metadata.
    ///
    /// # Errors
    /// When the request has no session, or the value cannot be written as JSON.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").metadata("plan", "gold");
    /// # let done = test::call(request, |_: &mut Request, context: &Context| {
    /// context.set_metadata("seen", true)
    /// # }).unwrap();
    /// # assert_eq!(done.metadata("seen"), Some(true.into()));
    /// ```
    pub fn set_metadata(&self, key: &str, value: impl Serialize) -> Result<()> {
        let value = serde_json::to_vec(&value).map_err(|error| Error::Json("metadata", error))?;
        self.put(item::METADATA, key, Some(&value))
    }

    /// Takes a value out of the session's metadata.
    ///
    /// # Errors
    /// When the request has no session.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").metadata("plan", "gold");
    /// # let done = test::call(request, |_: &mut Request, context: &Context| {
    /// context.remove_metadata("plan")
    /// # }).unwrap();
    /// # assert_eq!(done.metadata("plan"), None);
    /// ```
    pub fn remove_metadata(&self, key: &str) -> Result<()> {
        self.put(item::METADATA, key, None)
    }
}

/// What the gateway can do for the plugin.
impl Context {
    /// Adds a header to whatever answer goes out, the plugin's own or another, replacing one of that name.
    ///
    /// # Errors
    /// When name or value is not allowed.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// context.set_response_header("x-version", "3")
    /// # }).unwrap();
    /// # assert_eq!(done.response_header("x-version"), Some("3"));
    /// ```
    pub fn set_response_header(&self, name: &str, value: &str) -> Result<()> {
        self.put(item::SET_RESPONSE_HEADER, name, Some(value.as_bytes()))
    }

    /// Adds a header to whatever answer goes out, next to those there.
    ///
    /// # Errors
    /// When name or value is not allowed.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// context.append_response_header("set-cookie", "seen=1")
    /// # }).unwrap();
    /// # assert_eq!(done.response_header("set-cookie"), Some("seen=1"));
    /// ```
    pub fn append_response_header(&self, name: &str, value: &str) -> Result<()> {
        self.put(item::APPEND_RESPONSE_HEADER, name, Some(value.as_bytes()))
    }

    /// Makes an HTTP call through the gateway's pooled client. Redirects are not followed.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[endpoint]
    /// async fn both(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    ///     let (user, orders) = join(
    ///         context.send(OutboundRequest::get("http://users.internal/7")),
    ///         context.send(OutboundRequest::get("http://orders.internal/?user=7")),
    ///     )
    ///     .await;
    ///     Response::json(200, &[user?.status(), orders?.status()])
    /// }
    /// ```
    pub fn send(&self, request: OutboundRequest) -> Sending {
        Sending(RawSend(self.raw_send(request)))
    }

    /// The store.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[endpoint]
    /// async fn visits(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    ///     let visits = context.storage().increment("visits", 1).await?;
    ///     Ok(Response::text(visits.to_string()))
    /// }
    /// ```
    pub fn storage(&self) -> Storage<'_> {
        Storage::new(self)
    }

    /// How long this call may still take; `None` is no bound. Later, an async function is dropped, and a blocking one is
    /// not waited for any more.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/").time_left(std::time::Duration::from_secs(2));
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// assert_eq!(context.time_left(), Some(std::time::Duration::from_secs(2)));
    /// # }).unwrap();
    /// ```
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.raw_time_left();
        (left != u64::MAX).then(|| Duration::from_micros(left))
    }

    /// Whether nobody waits for this call any more. For blocking functions: an async one is simply dropped.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[endpoint(blocking)]
    /// fn count(_: &mut Request, context: &Context) -> Response {
    ///     let mut sum = 0_u64;
    ///     for number in 0..1_000_000 {
    ///         if number % 1000 == 0 && context.is_cancelled() {
    ///             break;
    ///         }
    ///         sum += number;
    ///     }
    ///     Response::text(sum.to_string())
    /// }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.raw_cancelled()
    }

    /// Adds to a counter of the gateway's metrics. Names and labels should be few: each combination is kept for ever.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// context.count("orders_total", &[("plan", "gold")], 1.0);
    /// # }).unwrap();
    /// # assert_eq!(done.metrics().len(), 1);
    /// ```
    pub fn count(&self, name: &str, labels: &[(&str, &str)], by: f64) {
        self.raw_metric(metric::COUNTER, name, labels, by);
    }

    /// Observes a value of a histogram of the gateway's metrics.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let done = test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// context.observe("order_size_bytes", &[], 512.0);
    /// # }).unwrap();
    /// # assert_eq!(done.metrics()[0].value, 512.0);
    /// ```
    pub fn observe(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.raw_metric(metric::HISTOGRAM, name, labels, value);
    }

    /// Writes to the gateway's log, with plugin, function, API and request id.
    ///
    /// ```
    /// # use gatehouse_plugin::{Level, test, prelude::*};
    /// # let done = test::call(test::request("GET", "/"), |_: &mut Request, context: &Context| {
    /// context.log(Level::Warn, "the cache is cold");
    /// # }).unwrap();
    /// # assert_eq!(done.logs(), [(Level::Warn, "the cache is cold".to_owned())]);
    /// ```
    pub fn log(&self, level: Level, message: impl AsRef<str>) {
        let level = match level {
            Level::Trace => level::TRACE,
            Level::Debug => level::DEBUG,
            Level::Info => level::INFO,
            Level::Warn => level::WARN,
            Level::Error => level::ERROR,
        };
        self.raw_log(level, message.as_ref());
    }

    /// A line of level debug.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// context.debug("the cache is cold");
    /// # }).unwrap();
    /// ```
    pub fn debug(&self, message: impl AsRef<str>) {
        self.log(Level::Debug, message);
    }

    /// A line of level info.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// context.info("the cache is cold");
    /// # }).unwrap();
    /// ```
    pub fn info(&self, message: impl AsRef<str>) {
        self.log(Level::Info, message);
    }

    /// A line of level warn.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// context.warn("the cache is cold");
    /// # }).unwrap();
    /// ```
    pub fn warn(&self, message: impl AsRef<str>) {
        self.log(Level::Warn, message);
    }

    /// A line of level error.
    ///
    /// ```
    /// # use gatehouse_plugin::{test, prelude::*};
    /// # let request = test::request("GET", "/");
    /// # test::call(request, |_: &mut Request, context: &Context| {
    /// context.error("the cache is cold");
    /// # }).unwrap();
    /// ```
    pub fn error(&self, message: impl AsRef<str>) {
        self.log(Level::Error, message);
    }
}
