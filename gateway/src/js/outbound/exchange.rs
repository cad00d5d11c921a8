//! One call as Go's HTTP client makes it: redirects followed, the body read to its end within a bound.

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri::Authority,
};
use http_body_util::{BodyExt as _, Full};
use url::Url;

use super::{Wires, arguments::OutboundRequest};
use crate::{
    exchange::RequestBody,
    proxy::{body::UpstreamBody, client::SendError},
};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 10;

/// The answer of the called server.
#[derive(Debug)]
pub(super) struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers as received.
    pub headers: HeaderMap,
    /// Exact bytes of the body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// No connection, or it ended too early.
    #[error("the call of {url} failed")]
    Client {
        /// Address.
        url: Box<Url>,
        /// Cause.
        #[source]
        source: SendError,
    },
    /// The answer's body broke off.
    #[error("the answer of {url} broke off")]
    Body {
        /// Address.
        url: Box<Url>,
        /// Cause.
        #[source]
        source: hyper::Error,
    },
    /// The answer is larger than a script may read.
    #[error("the answer of {url} has more than {limit} bytes")]
    TooLarge {
        /// Address.
        url: Box<Url>,
        /// The bound.
        limit: usize,
    },
    /// Too many redirects, or one that leads nowhere.
    #[error("redirect to `{location}` cannot be followed")]
    Redirect {
        /// Where it leads.
        location: String,
    },
    /// The address is none that HTTP can send.
    #[error("{url} cannot be sent")]
    Address {
        /// Address.
        url: Box<Url>,
        /// Cause.
        #[source]
        source: http::Error,
    },
}

/// Makes the call and follows redirects.
pub(super) async fn follow(
    wires: &Wires,
    request: &OutboundRequest,
    body_limit: usize,
) -> Result<Answer, ExchangeError> {
    let mut hop = Hop {
        method: request.method.clone(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
    };
    for _ in 0..=MAX_REDIRECTS {
        let response = hop.send(wires).await?;
        match hop.next(&response)? {
            Some(next) => hop = next,
            None => return read(response, &hop.url, body_limit).await,
        }
    }
    Err(ExchangeError::Redirect { location: hop.url.to_string() })
}

/// One request of a chain of redirects.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Hop {
    async fn send(&self, wires: &Wires) -> Result<Response<UpstreamBody>, ExchangeError> {
        let failed = |source| ExchangeError::Address { url: Box::new(self.url.clone()), source };
        // The fragment is for the caller only.
        let end = self.url.as_str().find('#').unwrap_or(self.url.as_str().len());
        let uri = Uri::try_from(&self.url.as_str()[..end]).map_err(|error| failed(error.into()))?;
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        let sent = if self.url.scheme() == "http" {
            let (authority, host) = self.host().map_err(failed)?;
            request.headers_mut().insert(header::HOST, host);
            let body = match self.body.is_empty() {
                true => RequestBody::Empty,
                false => RequestBody::Full(self.body.clone()),
            };
            let sent = wires.plain.send(&authority, &mut request.map(|()| body)).await;
            sent.map(|response| response.map(UpstreamBody::Direct)).map_err(SendError::from)
        } else {
            let request = request.map(|()| Full::new(self.body.clone()));
            let sent = Box::pin(wires.tls.request(request)).await;
            sent.map(|response| response.map(UpstreamBody::Pooled)).map_err(SendError::from)
        };
        sent.map_err(|source| ExchangeError::Client { url: Box::new(self.url.clone()), source })
    }

    /// Host and port without credentials, and the same as a header.
    fn host(&self) -> Result<(Authority, HeaderValue), http::Error> {
        // Its end is the port, unless that is the default one, and after it comes the path.
        let host = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        Ok((Authority::try_from(host)?, HeaderValue::from_str(host)?))
    }

    /// The request that a redirect asks for.
    fn next(&self, response: &Response<UpstreamBody>) -> Result<Option<Self>, ExchangeError> {
        let keeps_method = match response.status().as_u16() {
            301..=303 => false,
            307 | 308 => true,
            _ => return Ok(None),
        };
        let Some(location) = response.headers().get(header::LOCATION).filter(|location| !location.is_empty())
        else {
            return Ok(None);
        };
        let refused =
            || ExchangeError::Redirect { location: String::from_utf8_lossy(location.as_bytes()).into() };
        let location = std::str::from_utf8(location.as_bytes()).map_err(|_| refused())?;
        let url = self.url.join(location).map_err(|_| refused())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused());
        }
        let mut next =
            Self { method: self.method.clone(), url, headers: self.headers.clone(), body: self.body.clone() };
        if !keeps_method {
            if next.method != Method::HEAD {
                next.method = Method::GET;
            }
            next.body = Bytes::new();
        }
        next.adjust_headers(&self.url);
        Ok(Some(next))
    }

    /// What Go's client does with headers on the way from one address to the next.
    fn adjust_headers(&mut self, from: &Url) {
        const FOR_ONE_HOST: [HeaderName; 3] =
            [header::AUTHORIZATION, header::WWW_AUTHENTICATE, header::COOKIE];
        if !same_or_subdomain(from.host_str(), self.url.host_str()) {
            for name in FOR_ONE_HOST {
                self.headers.remove(name);
            }
        }
        if from.scheme() == "https" && self.url.scheme() == "http" {
            return;
        }
        let mut referer = from.clone();
        // Neither fails for an http address.
        let _ = (referer.set_username(""), referer.set_password(None));
        referer.set_fragment(None);
        if let Ok(referer) = HeaderValue::from_str(referer.as_str()) {
            self.headers.entry(header::REFERER).or_insert(referer);
        }
    }
}

fn same_or_subdomain(from: Option<&str>, to: Option<&str>) -> bool {
    let (Some(from), Some(to)) = (from, to) else { return false };
    to == from || to.strip_suffix(from).is_some_and(|rest| rest.ends_with('.'))
}

async fn read(response: Response<UpstreamBody>, url: &Url, limit: usize) -> Result<Answer, ExchangeError> {
    let (head, mut body) = response.into_parts();
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| ExchangeError::Body { url: Box::new(url.clone()), source })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + all.len() + data.len() > limit {
            return Err(ExchangeError::TooLarge { url: Box::new(url.clone()), limit });
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    // Most answers come in one piece, which needs no copy.
    let body = if all.is_empty() { first } else { all.freeze() };
    Ok(Answer { status: head.status, headers: head.headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_host() {
        assert!(same_or_subdomain(Some("a.example"), Some("a.example")));
        assert!(same_or_subdomain(Some("a.example"), Some("x.a.example")));
        assert!(!same_or_subdomain(Some("a.example"), Some("b.example")));
        assert!(!same_or_subdomain(Some("a.example"), Some("xa.example")));
    }
}
