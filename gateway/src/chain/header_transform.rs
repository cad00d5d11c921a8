//! Headers that a definition takes out of, or puts into, requests and answers.

use http::{HeaderMap, HeaderValue, Method};

use super::context_variables;
use crate::{
    apidef::model::{HeaderChanges, HeaderTemplate},
    exchange::Exchange,
    live::api::{LiveApi, LiveVersion},
    router::endpoints::PathForms,
};

/// Changes the request's headers: the version's rules, then the endpoint's.
pub fn request(version: &LiveVersion, path: PathForms<'_>, exchange: &mut Exchange) {
    let endpoint = version.endpoints.request_headers.find(&exchange.method, path);
    let all = [Some(&version.request_headers), endpoint];
    for changes in all.into_iter().flatten().filter(|changes| !changes.is_empty()) {
        for name in &changes.remove {
            exchange.headers.remove(name);
        }
        for (name, template) in &changes.set {
            if let Some(value) = fill(template, exchange) {
                exchange.headers.insert(name.clone(), value);
            }
        }
    }
}

/// Changes the answer's headers: the API's rules, the version's, then the endpoint's.
pub fn response(
    api: &LiveApi,
    version: &LiveVersion,
    method: &Method,
    path: PathForms<'_>,
    exchange: &Exchange,
    headers: &mut HeaderMap,
) {
    let endpoint = version.endpoints.response_headers.find(method, path);
    let all: [Option<&HeaderChanges>; 3] =
        [Some(&api.response_headers), Some(&version.response_headers), endpoint];
    for changes in all.into_iter().flatten().filter(|changes| !changes.is_empty()) {
        for name in &changes.remove {
            headers.remove(name);
        }
        for (name, template) in &changes.set {
            if let Some(value) = fill(template, exchange) {
                headers.insert(name.clone(), value);
            }
        }
    }
}

fn fill(template: &HeaderTemplate, exchange: &Exchange) -> Option<HeaderValue> {
    match template {
        HeaderTemplate::Fixed(value) => Some(value.clone()),
        HeaderTemplate::Template(text) => {
            let text = context_variables::fill(text, exchange, &[], std::convert::identity);
            // What a client puts into a variable may not be a header value; then there is no header.
            HeaderValue::from_str(&text).ok()
        }
    }
}
