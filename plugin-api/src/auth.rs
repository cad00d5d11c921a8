//! Authentication: what an `#[auth]` function decides.

use std::fmt::Display;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Response,
    error::{Error, Result},
};

/// The record behind a caller, in the form of Tyk's session JSON. Limits, metadata and access of the request come from it.
///
/// ```
/// use gatehouse_plugin::Session;
///
/// let session = Session::new("partner-7")
///     .metadata("plan", "gold")?
///     .field("rate", 100)?
///     .field("per", 60)?;
/// assert_eq!(session.get("rate"), Some(&100.into()));
/// # Ok::<(), gatehouse_plugin::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Session(Map<String, Value>);

impl Session {
    /// A session without limits for a caller named `alias`.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Session::new("a").get("alias"), Some(&"a".into()));
    /// ```
    pub fn new(alias: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("alias".to_owned(), alias.into());
        Self(fields)
    }

    /// Sets a value of the metadata.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    ///
    /// ```
    /// let session = gatehouse_plugin::Session::new("a").metadata("plan", "gold")?;
    /// assert_eq!(session.get("meta_data").unwrap()["plan"], "gold");
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// ```
    pub fn metadata(mut self, key: &str, value: impl Serialize) -> Result<Self> {
        let value = serde_json::to_value(value).map_err(|error| Error::Json("metadata", error))?;
        let metadata = self.0.entry("meta_data").or_insert(Value::Null);
        // Tyk writes `null` for a session without metadata.
        if metadata.is_null() {
            *metadata = json!({});
        }
        if let Value::Object(metadata) = metadata {
            metadata.insert(key.to_owned(), value);
        }
        Ok(self)
    }

    /// Sets a field by its name in Tyk's session: `rate`, `per`, `quota_max`, `tags` and so on.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    ///
    /// ```
    /// let session = gatehouse_plugin::Session::new("a").field("tags", ["internal"])?;
    /// assert_eq!(session.get("tags").unwrap()[0], "internal");
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// ```
    pub fn field(mut self, name: &str, value: impl Serialize) -> Result<Self> {
        let value = serde_json::to_value(value).map_err(|error| Error::Json("session", error))?;
        self.0.insert(name.to_owned(), value);
        Ok(self)
    }

    /// A field by its name.
    ///
    /// ```
    /// let session = gatehouse_plugin::Session::new("a").field("per", 60)?;
    /// assert_eq!(session.get("per"), Some(&60.into()));
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whom it stands for; empty when it does not say.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Session::new("partner-7").alias(), "partner-7");
    /// ```
    pub fn alias(&self) -> &str {
        self.get("alias").and_then(Value::as_str).unwrap_or("")
    }

    /// The session, or some of its fields, as a type of yours.
    ///
    /// # Errors
    /// When it is not of that form.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Limits {
    ///     rate: f64,
    ///     per: f64,
    /// }
    ///
    /// let session = gatehouse_plugin::Session::new("a").field("rate", 100)?.field("per", 60)?;
    /// let limits: Limits = session.read()?;
    /// assert_eq!(limits.rate / limits.per, 100.0 / 60.0);
    /// # Ok::<(), gatehouse_plugin::Error>(())
    /// ```
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        T::deserialize(&self.0).map_err(|error| Error::Json("session", error))
    }

    /// From its JSON; `None` when that is not an object.
    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    pub(crate) fn to_json(&self) -> String {
        Value::from(self.0.clone()).to_string()
    }
}

/// A caller that is refused, with status and message for it. The gateway gives the answer its form and fires
/// `AuthFailure`.
///
/// ```
/// let denied = gatehouse_plugin::Denied::forbidden("Access to this API has been disallowed");
/// assert_eq!(denied.status(), 403);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    status: u16,
    message: String,
}

impl Denied {
    /// With any status from 400 to 599.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Denied::new(429, "slow down").status(), 429);
    /// ```
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// Status 401: the caller did not say who it is.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Denied::unauthorized("who are you?").status(), 401);
    /// ```
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, message)
    }

    /// Status 403: the caller may not.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Denied::forbidden("not you").status(), 403);
    /// ```
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    /// The status.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Denied::forbidden("not you").status(), 403);
    /// ```
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The message for the caller.
    ///
    /// ```
    /// assert_eq!(gatehouse_plugin::Denied::forbidden("not you").message(), "not you");
    /// ```
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// What authentication comes to.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[auth]
/// fn token(request: &mut Request, _: &Context) -> Verdict {
///     match request.header("authorization") {
///         Some("Bearer secret") => Verdict::Allow(Session::new("the one caller")),
///         Some(_) => Verdict::Deny(Denied::forbidden("wrong token")),
///         None => Verdict::Respond(Response::new(401).header("www-authenticate", "Bearer")),
///     }
/// }
/// ```
#[derive(Debug)]
pub enum Verdict {
    /// The caller is let in with this session.
    Allow(Session),
    /// The caller is refused.
    Deny(Denied),
    /// The caller is refused with an answer of the plugin's own.
    Respond(Response),
}

/// What an `#[auth]` function may return: a [`Verdict`], a `Result<Session, Denied>`, or a `Result` of one of these. Any other
/// error answers 500; its text is logged with the plugin and the function.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[auth]
/// fn by_name(request: &mut Request, _: &Context) -> Result<Session, Denied> {
///     let name = request.header("x-name").ok_or(Denied::unauthorized("who are you?"))?;
///     Ok(Session::new(name))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "authentication cannot return `{Self}`",
    note = "return Verdict, Result<Session, Denied>, or a Result of one of these whose error has Display"
)]
pub trait IntoVerdict {
    /// Makes the verdict, or the text of the error.
    ///
    /// # Errors
    /// When the function gave an error.
    fn into_verdict(self) -> Result<Verdict, String>;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Result<Verdict, String> {
        Ok(self)
    }
}

impl IntoVerdict for Result<Session, Denied> {
    fn into_verdict(self) -> Result<Verdict, String> {
        Ok(self.map_or_else(Verdict::Deny, Verdict::Allow))
    }
}

impl<E: Display> IntoVerdict for Result<Verdict, E> {
    fn into_verdict(self) -> Result<Verdict, String> {
        self.map_err(|error| error.to_string())
    }
}

impl<E: Display> IntoVerdict for Result<Result<Session, Denied>, E> {
    fn into_verdict(self) -> Result<Verdict, String> {
        self.map_err(|error| error.to_string()).and_then(IntoVerdict::into_verdict)
    }
}
