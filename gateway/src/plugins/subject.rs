//! What a call is about: a request with its body, an answer with its request, or neither.

use bytes::Bytes;
use gatehouse_plugin::host::{Message, State};
use http::{HeaderMap, Method, Response, Uri};

use super::{context::CallState, request::CallRequest, response::CallResponse};
use crate::exchange::{Exchange, RequestBody, SentTo};

/// What a call is about.
pub(super) enum Subject<'a> {
    /// A request, and its body in memory if the function wants it.
    Request(&'a mut Exchange, Bytes),
    /// The upstream's answer to a request.
    Response(&'a mut Exchange, &'a mut Response<Bytes>),
    /// Neither; analytics.
    Nothing,
}

impl Subject<'_> {
    /// What the function sees of it.
    pub(super) fn view(&mut self) -> View<'_> {
        match self {
            Self::Request(exchange, body) => View {
                request: Some(CallRequest {
                    method: &mut exchange.method,
                    uri: &mut exchange.uri,
                    sent_to: &mut exchange.sent_to,
                    headers: &mut exchange.headers,
                    body: body.clone(),
                    body_changed: false,
                    body_is_gone: false,
                }),
                response: None,
            },
            Self::Response(exchange, response) => View {
                request: Some(CallRequest {
                    method: &mut exchange.method,
                    uri: &mut exchange.uri,
                    sent_to: &mut exchange.sent_to,
                    headers: &mut exchange.headers,
                    body: Bytes::new(),
                    body_changed: false,
                    body_is_gone: true,
                }),
                response: Some(CallResponse(response)),
            },
            Self::Nothing => View { request: None, response: None },
        }
    }

    /// Gives a changed body to the request.
    pub(super) fn take_body(&mut self, body: Option<Bytes>) {
        if let (Self::Request(exchange, _), Some(body)) = (self, body) {
            exchange.body = RequestBody::Full(body);
        }
    }
}

/// A subject during a call.
pub(super) struct View<'a> {
    request: Option<CallRequest<'a>>,
    response: Option<CallResponse<'a>>,
}

impl View<'_> {
    pub(super) fn message<'a>(&'a mut self, state: &'a CallState<'_>, plugin: State) -> Message<'a> {
        let mut message = Message::new(state, plugin);
        if let Some(request) = &mut self.request {
            message = message.request(request);
        }
        if let Some(response) = &mut self.response {
            message = message.response(response);
        }
        message
    }

    /// The body that the function gave the request.
    pub(super) fn changed_body(self) -> Option<Bytes> {
        self.request.filter(|request| request.body_changed).map(|request| request.body)
    }
}

/// A copy of a subject, for a thread that may outlive it.
pub(super) struct OwnedSubject {
    method: Method,
    uri: Uri,
    sent_to: SentTo,
    headers: HeaderMap,
    body: Option<Bytes>,
    response: Option<Response<Bytes>>,
}

impl OwnedSubject {
    /// `None` when there is nothing to copy.
    pub(super) fn copy(subject: &Subject<'_>) -> Option<Self> {
        let (exchange, body, response) = match subject {
            Subject::Request(exchange, body) => (exchange, Some(body.clone()), None),
            Subject::Response(exchange, response) => (exchange, None, Some((*response).clone())),
            Subject::Nothing => return None,
        };
        Some(Self {
            method: exchange.method.clone(),
            uri: exchange.uri.clone(),
            sent_to: exchange.sent_to.clone(),
            headers: exchange.headers.clone(),
            body,
            response,
        })
    }

    /// What the function sees of it.
    pub(super) fn view(this: &mut Option<Self>) -> View<'_> {
        let Some(this) = this else { return View { request: None, response: None } };
        View {
            request: Some(CallRequest {
                method: &mut this.method,
                uri: &mut this.uri,
                sent_to: &mut this.sent_to,
                headers: &mut this.headers,
                body: this.body.clone().unwrap_or_default(),
                body_changed: false,
                body_is_gone: this.body.is_none(),
            }),
            response: this.response.as_mut().map(CallResponse),
        }
    }

    /// Gives the changes to the subject it is a copy of.
    pub(super) fn put_back(self, subject: &mut Subject<'_>) {
        let (Subject::Request(exchange, _) | Subject::Response(exchange, _)) = subject else { return };
        exchange.method = self.method;
        exchange.uri = self.uri;
        exchange.sent_to = self.sent_to;
        exchange.headers = self.headers;
        if let (Subject::Response(_, response), Some(changed)) = (subject, self.response) {
            **response = changed;
        }
    }
}
