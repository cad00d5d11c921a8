//! The methods of [`Context`].

use std::time::Duration;

use gatehouse_plugin_abi::numbers::{level, metric};
use serde::{Deserialize, Serialize};
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
    pub fn id(&self) -> &'a str {
        self.0.fact(fact::API_ID).unwrap_or("")
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.0.fact(fact::API_NAME).unwrap_or("")
    }

    /// Its organisation.
    pub fn organisation(&self) -> &'a str {
        self.0.fact(fact::ORGANISATION).unwrap_or("")
    }

    /// The prefix of its paths.
    pub fn listen_path(&self) -> &'a str {
        self.0.fact(fact::LISTEN_PATH).unwrap_or("")
    }

    /// Its whole definition.
    ///
    /// # Errors
    /// When the gateway does not give it, or it is not of that form.
    pub fn definition<T: Deserialize<'a>>(&self) -> Result<T> {
        let json = self.0.fact(fact::DEFINITION).ok_or(Error::NotHere("the API definition".to_owned()))?;
        serde_json::from_str(json).map_err(|error| Error::Json("the API definition", error))
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
    /// # });
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
    /// # });
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
    /// # });
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
    /// # });
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
    /// # Errors
    /// When it is not of that form.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Greeting<'a> {
    ///     text: &'a str,
    /// }
    ///
    /// #[endpoint]
    /// fn greeting(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    ///     let greeting: Greeting = context.config()?;
    ///     Ok(Response::text(greeting.text.to_owned()))
    /// }
    /// ```
    pub fn config<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        match self.fact(fact::CONFIG) {
            Some(json) => serde_json::from_str(json).map_err(|error| Error::Json("config", error)),
            None => self.config_data(),
        }
    }

    /// The API's `config_data`, which all its endpoints share.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn config_data<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        let json = self.fact(fact::CONFIG_DATA).unwrap_or("{}");
        serde_json::from_str(json).map_err(|error| Error::Json("config_data", error))
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
    /// The whole session, in the form of Tyk's session JSON; `None` for a request without one.
    pub fn session(&self) -> Option<Value> {
        let bytes = self.lookup(item::SESSION, "")?;
        serde_json::from_slice(bytes.as_ref()).ok()
    }

    /// Replaces the session.
    ///
    /// # Errors
    /// When it cannot be replaced here.
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
    /// # });
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
    /// # });
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
    /// # });
    /// # assert_eq!(done.response_header("x-version"), Some("3"));
    /// ```
    pub fn set_response_header(&self, name: &str, value: &str) -> Result<()> {
        self.put(item::SET_RESPONSE_HEADER, name, Some(value.as_bytes()))
    }

    /// Adds a header to whatever answer goes out, next to those there.
    ///
    /// # Errors
    /// When name or value is not allowed.
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
    pub fn storage(&self) -> Storage<'_> {
        Storage::new(self)
    }

    /// How long this call may still take; `None` is no bound. Later, an async function is dropped, and a blocking one is
    /// not waited for any more.
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
    /// # });
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
    /// # });
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
    /// # });
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
    pub fn debug(&self, message: impl AsRef<str>) {
        self.log(Level::Debug, message);
    }

    /// A line of level info.
    pub fn info(&self, message: impl AsRef<str>) {
        self.log(Level::Info, message);
    }

    /// A line of level warn.
    pub fn warn(&self, message: impl AsRef<str>) {
        self.log(Level::Warn, message);
    }

    /// A line of level error.
    pub fn error(&self, message: impl AsRef<str>) {
        self.log(Level::Error, message);
    }
}
