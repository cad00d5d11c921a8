//! Outbound calls of plugins, through the gateway's pooled client.

use std::{
    error::Error,
    future::ready,
    pin::Pin,
    str::FromStr as _,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use gatehouse_plugin::host::{ForeignBytes, HostAnswer, HostCall, HostFuture};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, uri::Scheme};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use url::Url;

use super::{context::bytes, request::each_header, site::PluginSite};
use crate::{
    deadline,
    exchange::RequestBody,
    proxy::hosts::Hosts,
    rehearsal::{OutboundCall, Rehearsal, milliseconds_since},
};

/// The pooled client for outbound calls; scripts have the same.
pub type OutboundClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The answer to a call.
pub(super) struct OutboundReply(Response<Bytes>);

impl HostAnswer for OutboundReply {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn header_count(&self) -> usize {
        self.0.headers().len()
    }

    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        each_header(self.0.headers(), visit);
    }

    fn body(&self) -> &[u8] {
        self.0.body()
    }
}

/// Makes a call, bounded by its own time-out, the gateway's and what is left of the plugin's.
pub(super) fn send(
    site: &PluginSite,
    call: HostCall,
    whole: Option<Instant>,
) -> HostFuture<Result<OutboundReply, String>> {
    let services = &site.services;
    let timeout = call.timeout.map_or(services.outbound_timeout, |own| own.min(services.outbound_timeout));
    let HostCall { method, url, headers, body, timeout: _ } = call;
    let request = match request(&method, &url, &headers, body) {
        Ok(request) => request,
        Err(reason) => return Box::pin(ready(Err(format!("{url}: {reason}")))),
    };
    let rehearsal = services.rehearsal.clone();
    if let Some(rehearsal) = &rehearsal
        && let Some(answer) = recorded(rehearsal, &request)
    {
        return Box::pin(ready(answer.map(OutboundReply)));
    }
    let until = match (whole, site.timeout) {
        // The plugin has been running for a while: its end comes first, which is known without a look at the clock.
        (Some(whole), Some(limit)) if limit <= timeout => whole,
        (whole, _) => {
            let own = Instant::now() + timeout;
            whole.map_or(own, |whole| whole.min(own))
        }
    };
    let wire = if request.uri().scheme() == Some(&Scheme::HTTPS) {
        Wire::Tls(Box::new(services.client.clone()))
    } else {
        Wire::Plain(Arc::clone(&services.hosts))
    };
    let body_limit = services.outbound_body_bytes;
    let method = rehearsal.is_some().then(|| request.method().clone());
    let exchange = async move {
        // For the notes of a rehearsal alone.
        let start = rehearsal.is_some().then(Instant::now);
        let answer = match deadline::until(until, exchange(wire, request, body_limit)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(reason)) => Err(format!("{url}: {reason}")),
            Err(_) => Err(format!("{url}: no answer in time")),
        };
        if let (Some(rehearsal), Some(method), Some(start)) = (rehearsal, method, start) {
            rehearsal.called(note(&method, url, &answer, start, false));
        }
        answer.map(OutboundReply)
    };
    Box::pin(Entered { handle: services.handle.clone(), future: Some(exchange) })
}

/// What a rehearsal says to a call, which it notes; `None` when the call is to be made.
fn recorded(rehearsal: &Rehearsal, request: &Request<Bytes>) -> Option<Result<Response<Bytes>, String>> {
    let (start, url) = (Instant::now(), request.uri().to_string());
    let parsed = Url::parse(&url).map_err(|error| error.to_string());
    let found = parsed.and_then(|parsed| rehearsal.recording().find(request.method(), &parsed));
    let answer = match found {
        Ok(found) => match &found?.answer {
            Ok((status, headers, body)) => {
                let mut response = Response::new(body.clone());
                (*response.status_mut(), *response.headers_mut()) = (*status, headers.clone());
                Ok(response)
            }
            Err(reason) => Err(format!("{url}: {reason}")),
        },
        Err(reason) => Err(reason),
    };
    rehearsal.called(note(request.method(), url, &answer, start, true));
    Some(answer)
}

fn note(
    method: &Method,
    url: String,
    answer: &Result<Response<Bytes>, String>,
    start: Instant,
    recorded: bool,
) -> OutboundCall {
    OutboundCall {
        method: method.to_string(),
        url,
        recorded,
        code: answer.as_ref().map_or(0, |answer| answer.status().as_u16()),
        bytes: answer.as_ref().map_or(0, |answer| answer.body().len()),
        milliseconds: milliseconds_since(start),
        error: answer.as_ref().err().cloned(),
    }
}

/// What a call goes through.
enum Wire {
    Tls(Box<OutboundClient>),
    /// Connections that the plugin's own task drives, as those to upstreams are.
    Plain(Arc<Hosts>),
}

fn request(
    method: &str,
    url: &str,
    headers: &[(String, Vec<u8>)],
    body: ForeignBytes,
) -> Result<Request<Bytes>, String> {
    let uri = Uri::from_str(url).map_err(|error| error.to_string())?;
    if uri.authority().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("not an absolute http or https address".to_owned());
    }
    let mut request = Request::new(bytes(body));
    *request.uri_mut() = uri;
    *request.method_mut() = Method::from_str(method).map_err(|error| error.to_string())?;
    // One more is the host's.
    request.headers_mut().reserve(headers.len() + 1);
    for (name, value) in headers {
        let name = HeaderName::from_str(name).map_err(|_| format!("`{name}` is not a header's name"))?;
        let value =
            HeaderValue::from_bytes(value).map_err(|_| format!("the value of `{name}` is not allowed"))?;
        request.headers_mut().append(name, value);
    }
    Ok(request)
}

async fn exchange(wire: Wire, request: Request<Bytes>, body_limit: usize) -> Result<Response<Bytes>, String> {
    match wire {
        Wire::Tls(client) => {
            let response = client.request(request.map(Full::new)).await.map_err(|error| chain(&error))?;
            whole(response, body_limit).await
        }
        Wire::Plain(hosts) => {
            let authority = request.uri().authority().cloned().ok_or("names no host")?;
            let mut request = request.map(|body| match body.is_empty() {
                true => RequestBody::Empty,
                false => RequestBody::Full(body),
            });
            let response = hosts.send(&authority, &mut request).await.map_err(|error| chain(&error))?;
            whole(response, body_limit).await
        }
    }
}

async fn whole<B>(response: Response<B>, body_limit: usize) -> Result<Response<Bytes>, String>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (head, body) = response.into_parts();
    let body = Limited::new(body, body_limit).collect().await.map_err(|error| chain(error.as_ref()))?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// An error and its causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

pin_project! {
    /// A future that is polled and dropped inside the gateway's runtime, whatever thread a plugin does it on.
    struct Entered<F> {
        handle: Handle,
        // `None` once dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Entered<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _guard = this.handle.enter();
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _guard = this.handle.enter();
        match this.future.as_pin_mut() {
            Some(future) => future.poll(context),
            None => Poll::Pending,
        }
    }
}
