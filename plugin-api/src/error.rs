//! What can go wrong when a plugin asks the gateway for something.

use std::fmt;

use gatehouse_plugin_abi::numbers::answer;

/// A result whose error is the SDK's, unless you say otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the gateway does not do, or give, what a plugin asks for.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint]
/// fn tenant(request: &mut Request, _: &Context) -> gatehouse_plugin::Result<()> {
///     let tenant = request.header("x-tenant").ok_or("the request names no tenant")?.to_owned();
///     request.set_path(&format!("/{tenant}{}", request.path()))
/// }
///
/// // Errors of the standard library become one with `?`.
/// #[endpoint]
/// fn page(request: &mut Request, _: &Context) -> gatehouse_plugin::Result<Response> {
///     let page: u32 = request.query_field("page").ok_or("no page")?.parse()?;
///     Ok(Response::text(page.to_string()))
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A name, of a header for example, is not one that HTTP allows.
    BadName(String),
    /// A value is not one that HTTP allows; with what it is the value of.
    BadValue(String),
    /// The request has no session.
    NoSession,
    /// It cannot be done in this kind of function, or this gateway is too old for it.
    NotHere(String),
    /// The gateway itself failed; its log says why.
    Gateway,
    /// Not JSON, or not of the wanted form; with what was read.
    Json(&'static str, serde_json::Error),
    /// An outbound call got no answer.
    Outbound(String),
    /// The store did not do it, or there is none.
    Storage(String),
    /// The plugin's state is not of that type, or there is none.
    State(&'static str),
    /// Something of the plugin's own.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName(name) => write!(f, "`{name}` is not a name that HTTP allows"),
            Self::BadValue(what) => write!(f, "HTTP does not allow that value: {what}"),
            Self::NoSession => f.write_str("the request has no session"),
            Self::NotHere(what) => write!(f, "cannot be done here: {what}"),
            Self::Gateway => f.write_str("the gateway failed; its log says why"),
            Self::Json(what, error) => write!(f, "{what}: {error}"),
            Self::Outbound(reason) => write!(f, "outbound call: {reason}"),
            Self::Storage(reason) => write!(f, "store: {reason}"),
            Self::State(wanted) => write!(f, "the plugin's #[init] made no `{wanted}`"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(_, error) => Some(error),
            _ => None,
        }
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::Other(message.to_owned())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json("JSON", error)
    }
}

/// Errors of the standard library, so that `?` takes them as they are. A function that meets other ones may return any error that
/// can be shown, `anyhow::Error` for example.
macro_rules! from_standard {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Other(error.to_string())
            }
        }
    )*};
}

from_standard!(
    Box<dyn std::error::Error>,
    Box<dyn std::error::Error + Send + Sync>,
    fmt::Error,
    std::io::Error,
    std::num::ParseFloatError,
    std::num::ParseIntError,
    std::num::TryFromIntError,
    std::str::ParseBoolError,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::time::SystemTimeError,
);

/// What an answer of the gateway means; `what` names what was asked.
pub(crate) fn refusal(answer: u32, what: &str) -> Result<()> {
    Err(match answer {
        answer::DONE => return Ok(()),
        answer::BAD_NAME => Error::BadName(what.to_owned()),
        answer::BAD_VALUE => Error::BadValue(what.to_owned()),
        answer::NO_SESSION => Error::NoSession,
        answer::NOT_HERE => Error::NotHere(what.to_owned()),
        _ => Error::Gateway,
    })
}
