//! The gateway's request, as plugins see and change it.

use bytes::Bytes;
use gatehouse_plugin::host::{ForeignBytes, HeaderChange, Headers, Refusal, RequestFacts, RequestSide};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::PathAndQuery};

use url::Url;

use super::context::bytes;
use crate::exchange::SentTo;

/// Where a function can send a request; `tyk` is another API of the gateway.
const UPSTREAM_SCHEMES: [&str; 4] = ["http", "https", "h2c", "tyk"];

/// A request during a call.
pub(super) struct CallRequest<'a> {
    pub method: &'a mut Method,
    pub uri: &'a mut Uri,
    pub headers: &'a mut HeaderMap,
    pub body: Bytes,
    /// Where the function sent the request.
    pub sent_to: &'a mut SentTo,
    /// Whether the function changed the body.
    pub body_changed: bool,
    /// After the upstream has answered there is no body to change any more.
    pub body_is_gone: bool,
}

/// Changes a map of headers.
pub(super) fn change_header(
    headers: &mut HeaderMap,
    name: &str,
    change: HeaderChange<'_>,
) -> Result<(), Refusal> {
    let (HeaderChange::Set(value) | HeaderChange::Append(value)) = change else {
        headers.remove(name);
        return Ok(());
    };
    let value = HeaderValue::from_bytes(value).map_err(|_| Refusal::BadValue)?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Refusal::BadName)?;
    if matches!(change, HeaderChange::Set(_)) {
        headers.insert(name, value);
    } else {
        headers.append(name, value);
    }
    Ok(())
}

/// All headers of a map, in order.
pub(super) fn each_header<'a>(headers: &'a HeaderMap, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
    headers.iter().for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
}

/// Says how long a body is that has been changed.
pub(super) fn set_length(headers: &mut HeaderMap, length: usize) {
    headers.remove(header::TRANSFER_ENCODING);
    headers.insert(header::CONTENT_LENGTH, length.into());
}

impl Headers for CallRequest<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(HeaderValue::as_bytes)
    }

    fn header_count(&self) -> usize {
        self.headers.len()
    }

    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        each_header(self.headers, visit);
    }

    fn change_header(&mut self, name: &str, change: HeaderChange<'_>) -> Result<(), Refusal> {
        change_header(self.headers, name, change)
    }
}

impl RequestSide for CallRequest<'_> {
    fn facts(&self) -> RequestFacts<'_> {
        RequestFacts {
            method: self.method.as_str(),
            path: self.uri.path(),
            query: self.uri.query(),
            body: &self.body,
        }
    }

    fn set_method(&mut self, method: &str) -> Result<(), Refusal> {
        *self.method = Method::from_bytes(method.as_bytes()).map_err(|_| Refusal::BadValue)?;
        Ok(())
    }

    fn set_target(&mut self, target: &str) -> Result<(), Refusal> {
        if let Ok(url) = Url::parse(target) {
            if !UPSTREAM_SCHEMES.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
                return Err(Refusal::BadValue);
            }
            *self.sent_to = SentTo::Url(target.into());
            return Ok(());
        }
        // `PathAndQuery` cuts off a fragment and takes more than a path; the upstream would be asked something else.
        if !target.starts_with('/') || target.contains('#') {
            return Err(Refusal::BadValue);
        }
        let target = PathAndQuery::try_from(target).map_err(|_| Refusal::BadValue)?;
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(target);
        *self.uri = Uri::from_parts(parts).map_err(|_| Refusal::BadValue)?;
        *self.sent_to = SentTo::Target;
        Ok(())
    }

    fn set_body(&mut self, body: ForeignBytes) -> Result<(), Refusal> {
        if self.body_is_gone {
            return Err(Refusal::NotHere);
        }
        self.body = bytes(body);
        self.body_changed = true;
        set_length(self.headers, self.body.len());
        Ok(())
    }
}
