//! Which endpoints may be called: `internal`, `black_list`, `white_list`, and the fixed answers of old entries.

use http::Method;

use crate::{
    apidef::model::{FixedAnswer, MethodActions},
    live::api::LiveEndpoints,
    reply::error::GatewayError,
    router::endpoints::{EndpointList, PathForms},
};

/// What the access lists say.
#[derive(Debug)]
pub enum Access<'a> {
    /// The entry's fixed answer.
    Answer(&'a FixedAnswer),
    /// Whoever it is: an endpoint without authentication.
    Ignored,
    /// Whom authentication lets in.
    Open,
}

/// Lets the request go on, gives the answer that an entry has for it, or refuses it.
///
/// The order is Tyk's: an endpoint that is internal is refused to clients; then the first of `ignored`,
/// `black_list` and `white_list` that is for the method decides; with a white list, what is in no list is refused,
/// except where another rule names the path.
///
/// # Errors
/// [`GatewayError::EndpointForbidden`].
pub fn check<'a>(
    endpoints: &'a LiveEndpoints,
    method: &Method,
    path: PathForms<'_>,
    loops: u8,
) -> Result<Access<'a>, GatewayError> {
    if loops == 0 && endpoints.internal.find(method, path).is_some() {
        return Err(GatewayError::EndpointForbidden);
    }
    if let Some(answer) = decision(&endpoints.ignored, method, path) {
        return Ok(answer.map_or(Access::Ignored, Access::Answer));
    }
    if let Some(answer) = decision(&endpoints.blocked, method, path) {
        return answer.map(Access::Answer).ok_or(GatewayError::EndpointForbidden);
    }
    if let Some(answer) = decision(&endpoints.allowed, method, path) {
        return Ok(answer.map_or(Access::Open, Access::Answer));
    }
    if endpoints.allowed.is_empty() || endpoints.names_path(path) {
        return Ok(Access::Open);
    }
    Err(GatewayError::EndpointForbidden)
}

/// The first entry for this method: its fixed answer, or none.
fn decision<'a>(
    list: &'a EndpointList<MethodActions>,
    method: &Method,
    path: PathForms<'_>,
) -> Option<Option<&'a FixedAnswer>> {
    if list.is_empty() {
        return None;
    }
    let find = |(entry, actions): (Option<&Method>, &'a MethodActions)| {
        if !actions.by_method.is_empty() {
            let action = actions.by_method.iter().find(|(entry, _)| entry == method)?;
            return Some(action.1.as_ref());
        }
        entry.is_none_or(|entry| entry == method).then_some(None)
    };
    list.entries_for(path).find_map(find)
}
