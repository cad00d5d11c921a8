//! What a function may return.

use std::{any::Any, fmt::Display};

use crate::{Denied, IntoVerdict, Response, Session, Verdict};

/// What happens to the request.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint]
/// fn maintenance(request: &mut Request, _: &Context) -> Outcome {
///     if request.path().ends_with("/health") {
///         return Outcome::Continue;
///     }
///     Outcome::Respond(Response::new(503).header("retry-after", "600"))
/// }
/// ```
#[derive(Debug)]
pub enum Outcome {
    /// It goes on along the chain.
    Continue,
    /// It is answered.
    Respond(Response),
}

impl From<Response> for Outcome {
    fn from(response: Response) -> Self {
        Self::Respond(response)
    }
}

/// What an endpoint or request hook may return: nothing, an [`Outcome`], a [`Response`], an optional response, or a
/// `Result` of one of these. An error answers 500; its text is logged with the plugin and the function.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[request_hook]
/// fn needs_tenant(request: &mut Request, _: &Context) -> Result<Option<Response>, std::num::ParseIntError> {
///     let Some(tenant) = request.header("x-tenant") else { return Ok(Some(Response::new(400))) };
///     let _number: u32 = tenant.parse()?;
///     Ok(None)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "an endpoint cannot return `{Self}`",
    note = "return nothing, Outcome, Response, Option<Response>, or a Result of one of these whose error has Display"
)]
pub trait IntoOutcome {
    /// Makes the outcome, or the text of the error.
    ///
    /// # Errors
    /// When the function gave an error.
    fn into_outcome(self) -> Result<Outcome, String>;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Result<Outcome, String> {
        Ok(Outcome::Continue)
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome, String> {
        Ok(self)
    }
}

impl IntoOutcome for Response {
    fn into_outcome(self) -> Result<Outcome, String> {
        Ok(Outcome::Respond(self))
    }
}

impl IntoOutcome for Option<Response> {
    fn into_outcome(self) -> Result<Outcome, String> {
        Ok(self.map_or(Outcome::Continue, Outcome::Respond))
    }
}

impl<T: IntoOutcome, E: Display> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Result<Outcome, String> {
        self.map_err(|error| error.to_string()).and_then(T::into_outcome)
    }
}

/// What a response or analytics hook may return: nothing, or a `Result` of nothing.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[response_hook]
/// fn stamp(response: &mut UpstreamResponse, _: &Request, _: &Context) -> gatehouse_plugin::Result<()> {
///     response.set_header("x-served-by", "gatehouse")
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a response or analytics hook cannot return `{Self}`",
    note = "return nothing, or Result<(), E> where E has Display"
)]
pub trait IntoResult {
    /// Makes the text of an error.
    ///
    /// # Errors
    /// When the function gave one.
    fn into_result(self) -> Result<(), String>;
}

impl IntoResult for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> IntoResult for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// What any kind of function comes to.
pub enum Decision {
    /// Goes on.
    Continue,
    /// Is answered.
    Respond(Response),
    /// Is let in.
    Allow(Session),
    /// Is refused.
    Deny(Denied),
}

/// Of endpoints and request hooks.
pub fn from_outcome(returned: impl IntoOutcome) -> Result<Decision, String> {
    returned.into_outcome().map(|outcome| match outcome {
        Outcome::Continue => Decision::Continue,
        Outcome::Respond(response) => Decision::Respond(response),
    })
}

/// Of authentication.
pub fn from_verdict(returned: impl IntoVerdict) -> Result<Decision, String> {
    returned.into_verdict().map(|verdict| match verdict {
        Verdict::Allow(session) => Decision::Allow(session),
        Verdict::Deny(denied) => Decision::Deny(denied),
        Verdict::Respond(response) => Decision::Respond(response),
    })
}

/// Of response and analytics hooks.
pub fn from_result(returned: impl IntoResult) -> Result<Decision, String> {
    returned.into_result().map(|()| Decision::Continue)
}

/// What an `init` makes.
pub type Made = Box<dyn Any + Send + Sync>;

/// Of an `init` that cannot fail.
pub fn from_state<T: Send + Sync + 'static>(state: T) -> Result<Made, String> {
    Ok(Box::new(state))
}

/// Of an `init` that returns a `Result`.
pub fn from_state_result<T, E>(state: Result<T, E>) -> Result<Made, String>
where
    T: Send + Sync + 'static,
    E: Display,
{
    state.map_err(|error| error.to_string()).and_then(from_state)
}
