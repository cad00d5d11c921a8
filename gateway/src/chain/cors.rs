//! Cross-origin resource sharing (<https://fetch.spec.whatwg.org/#http-cors-protocol>), as Tyk's `CORS` sets it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::{
    apidef::model::Cors as Rules,
    exchange::Exchange,
    reply::{Reply, body::ReplyBody},
};

/// What the rules make of a request.
pub enum Cors {
    /// The browser's question before the request; answered here.
    Preflight(Reply),
    /// Headers for the answer.
    Headers(CorsHeaders),
}

/// Headers that go on the answer.
pub struct CorsHeaders(HeaderMap);

impl CorsHeaders {
    /// Puts the headers on the answer, in place of what the upstream says about the same.
    pub fn apply(self, reply: &mut Reply) {
        for (name, value) in self.0 {
            let Some(name) = name else { continue };
            if name == header::VARY {
                reply.headers_mut().append(name, value);
            } else {
                reply.headers_mut().insert(name, value);
            }
        }
    }
}

/// Looks at a request's origin.
pub fn begin(rules: &Rules, exchange: &Exchange) -> Cors {
    let origin = exchange.headers.get(header::ORIGIN);
    let requested = exchange.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut headers = HeaderMap::new();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let allowed = origin.filter(|origin| is_allowed(rules, origin));
    let (Method::OPTIONS, Some(requested)) = (exchange.method.clone(), requested) else {
        if let Some(origin) = allowed.filter(|_| allows_method(rules, exchange.method.as_str())) {
            allow_origin(rules, origin, &mut headers);
            set_list(&mut headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &rules.exposed_headers);
        }
        return Cors::Headers(CorsHeaders(headers));
    };
    headers.append(header::VARY, HeaderValue::from_static("Access-Control-Request-Method"));
    headers.append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    let asked = exchange.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(origin) = allowed
        && requested.to_str().is_ok_and(|method| allows_method(rules, method))
        && asked.is_none_or(|asked| allows_headers(rules, asked))
    {
        allow_origin(rules, origin, &mut headers);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, requested.clone());
        if let Some(asked) = asked {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        if rules.max_age > 0 {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(rules.max_age));
        }
    }
    if rules.options_passthrough {
        return Cors::Headers(CorsHeaders(headers));
    }
    let mut reply = Response::new(ReplyBody::Empty);
    *reply.status_mut() = StatusCode::NO_CONTENT;
    *reply.headers_mut() = headers;
    Cors::Preflight(reply)
}

fn allow_origin(rules: &Rules, origin: &HeaderValue, headers: &mut HeaderMap) {
    let any = rules.allowed_origins.iter().any(|allowed| allowed == "*");
    // With credentials a browser wants to see the origin itself.
    let value = if any && !rules.allow_credentials { HeaderValue::from_static("*") } else { origin.clone() };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    if rules.allow_credentials {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

fn is_allowed(rules: &Rules, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    rules.allowed_origins.iter().any(|allowed| match allowed.split_once('*') {
        Some((start, end)) => {
            origin.len() >= start.len() + end.len()
                && origin.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
                && origin.get(origin.len() - end.len()..).is_some_and(|text| text.eq_ignore_ascii_case(end))
        }
        None => allowed.eq_ignore_ascii_case(origin),
    })
}

fn allows_method(rules: &Rules, method: &str) -> bool {
    method == "OPTIONS" || rules.allowed_methods.iter().any(|allowed| allowed.eq_ignore_ascii_case(method))
}

fn allows_headers(rules: &Rules, asked: &HeaderValue) -> bool {
    if rules.allowed_headers.iter().any(|allowed| allowed == "*") {
        return true;
    }
    let Ok(asked) = asked.to_str() else { return false };
    let mut names = asked.split(',').map(str::trim).filter(|name| !name.is_empty());
    // `Origin` is always sent, so it is always allowed.
    names.all(|name| {
        name.eq_ignore_ascii_case("origin")
            || rules.allowed_headers.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    })
}

fn set_list(headers: &mut HeaderMap, name: HeaderName, items: &[String]) {
    if items.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&items.join(", ")) {
        headers.insert(name, value);
    }
}
