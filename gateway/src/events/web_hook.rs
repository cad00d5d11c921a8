//! `eh_web_hook_handler`: an event as a request to somebody else's server.

use std::{error::Error as _, path::Path};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use ring::digest::{SHA256, digest};
use url::Url;

use super::{message::EventMessage, queue::EventServices, template::Template};
use crate::apidef::events::WebHook;

/// `User-Agent` where the definition sets none.
const USER_AGENT: HeaderValue = HeaderValue::from_static("Gatehouse-Hookshot");

/// Bytes of an answer that are read so that its connection can be used again.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A web hook, ready to be sent.
#[derive(Debug)]
pub struct WebHookHandler {
    hook: Box<WebHook>,
    uri: Uri,
    template: Template,
    /// The body is JSON.
    json: bool,
}

/// Why a web hook did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum WebHookError {
    /// The URL is none that HTTP can send.
    #[error("{url} cannot be called: {source}")]
    Address {
        /// The URL.
        url: Box<Url>,
        /// Why.
        source: http::uri::InvalidUri,
    },
    /// No answer.
    #[error("{url} did not answer: {cause}")]
    NoAnswer {
        /// The URL.
        url: Box<Url>,
        /// Why.
        cause: String,
    },
    /// An answer that is no success.
    #[error("{url} answered {status}")]
    Status {
        /// The URL.
        url: Box<Url>,
        /// The status.
        status: StatusCode,
    },
}

impl WebHookHandler {
    /// A hook whose bodies come from this template; `path` is the template's file, whose name says what it makes.
    ///
    /// # Errors
    /// When the target cannot be called.
    pub fn new(hook: WebHook, template: Template, path: Option<&Path>) -> Result<Self, WebHookError> {
        let uri = Uri::try_from(&hook.target[..url::Position::AfterQuery])
            .map_err(|source| WebHookError::Address { url: Box::new(hook.target.clone()), source })?;
        let json = path.is_none_or(|path| path.extension().is_some_and(|extension| extension == "json"));
        Ok(Self { hook: Box::new(hook), uri, template, json })
    }

    /// Whether its body shows the request that an event came from.
    pub(super) fn wants_request(&self) -> bool {
        self.template.wants_request()
    }

    /// Sends the event, unless the same request was sent a short time ago.
    pub(super) async fn send(
        &self,
        message: &EventMessage,
        services: &EventServices,
    ) -> Result<(), WebHookError> {
        let body = self.template.fill(message, self.json);
        if !self.hook.cooldown.is_zero()
            && !services.cooldowns.begin(self.fingerprint(&body), self.hook.cooldown)
        {
            return Ok(());
        }
        let url = || Box::new(self.hook.target.clone());
        let answer = services.client.request(self.request(body)).await.map_err(|error| {
            let cause = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
            WebHookError::NoAnswer { url: url(), cause }
        })?;
        let (head, body) = answer.into_parts();
        // What the server says is of no use here; a connection whose answer is too long is not used again.
        let _ = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        if head.status.is_success() {
            return Ok(());
        }
        Err(WebHookError::Status { url: url(), status: head.status })
    }

    fn request(&self, body: String) -> Request<Full<Bytes>> {
        let mut headers = HeaderMap::with_capacity(self.hook.headers.len() + 2);
        headers.insert(header::USER_AGENT, USER_AGENT);
        if self.json {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &self.hook.headers {
            headers.insert(name, value.clone());
        }
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = self.hook.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }

    /// What makes two requests the same.
    fn fingerprint(&self, body: &str) -> [u8; 32] {
        let method: &Method = &self.hook.method;
        let digest = digest(&SHA256, format!("{method} {}\n{body}", self.hook.target).as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        bytes
    }
}
