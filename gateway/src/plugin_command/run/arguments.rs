//! From the command line to what a call is given.

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use serde_json::Value;

use super::{
    super::CommandError,
    Given, RunOptions,
    http_text::{self, Message},
};
use crate::{
    plugins::{ApiFacts, Kind},
    session::Session,
};

/// Understands all arguments.
///
/// # Errors
/// The first that is wrong.
pub(super) fn read(options: &RunOptions) -> Result<Given, CommandError> {
    let (request, scheme) = request(options)?;
    let session = json(options.session.as_deref(), "--session")?;
    let session = session.map(session_of).transpose()?;
    let has_response =
        options.response.is_some() || !options.response_headers.is_empty() || options.response_body.is_some();
    Ok(Given {
        request,
        scheme,
        config: json(options.config.as_deref(), "--config")?.map(|config| config.to_string().into()),
        session: session.map(Arc::new),
        api: api(json(options.definition.as_deref(), "--definition")?.as_ref()),
        has_response,
        response: response(options)?,
        record: json(options.record.as_deref(), "--record")?,
        timeout: timeout(options.timeout)?,
    })
}

fn session_of(json: Value) -> Result<Session, CommandError> {
    if !json.is_object() {
        return Err(CommandError::argument("--session", "it is not a JSON object"));
    }
    serde_json::from_value(json).map_err(|error| {
        CommandError::argument("--session", format!("it is not a session of Tyk's form: {error}"))
    })
}

impl Given {
    /// Refuses what a function of this kind is not given, so that nobody wonders why it has no effect.
    pub(super) fn check_for(&self, kind: Kind, name: &str) -> Result<(), CommandError> {
        if self.has_response && kind != Kind::Response {
            let problem = format!(
                "only a response hook is given an answer, and `{name}` is made with {}",
                kind.attribute()
            );
            return Err(CommandError::argument("--response", problem));
        }
        if self.record.is_some() && kind != Kind::Analytics {
            let problem = format!(
                "only an analytics function is given a record, and `{name}` is made with {}",
                kind.attribute()
            );
            return Err(CommandError::argument("--record", problem));
        }
        Ok(())
    }
}

/// A value, or the content of a file: `@FILE`, or `@-` for standard input.
fn content(value: &str, argument: &'static str) -> Result<Vec<u8>, CommandError> {
    let Some(path) = value.strip_prefix('@') else { return Ok(value.as_bytes().to_vec()) };
    let read = if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    read.map_err(|error| CommandError::File { doing: argument, path: PathBuf::from(path), error })
}

fn json(value: Option<&str>, argument: &'static str) -> Result<Option<Value>, CommandError> {
    let Some(value) = value else { return Ok(None) };
    let parsed = serde_json::from_slice(&content(value, argument)?);
    parsed.map(Some).map_err(|error| CommandError::argument(argument, format!("it is not JSON: {error}")))
}

fn timeout(seconds: f64) -> Result<Option<Duration>, CommandError> {
    let timeout = Duration::try_from_secs_f64(seconds)
        .map_err(|_| CommandError::argument("--timeout", format!("{seconds} is not a number of seconds")))?;
    Ok(Some(timeout).filter(|timeout| !timeout.is_zero()))
}

fn request(options: &RunOptions) -> Result<(Request<Bytes>, &'static str), CommandError> {
    let wrong = |problem: String| CommandError::argument("--request", problem);
    let text;
    let Message { first_line, mut headers, mut body } = if options.request.starts_with('@') {
        text = content(&options.request, "--request")?;
        http_text::parse(&text).map_err(wrong)?
    } else {
        Message { first_line: &options.request, headers: HeaderMap::new(), body: Bytes::new() }
    };
    if let Some(data) = &options.body {
        body = content(data, "--data")?.into();
    }
    let default = if options.body.is_some() { Method::POST } else { Method::GET };
    let (method, uri) = request_line(first_line, default).map_err(wrong)?;
    add(&mut headers, &options.headers, "--header")?;
    let scheme = if uri.scheme_str() == Some("https") { "https" } else { "http" };
    if !headers.contains_key(header::HOST) {
        let host = uri.authority().map_or("localhost", |authority| authority.as_str());
        let host = HeaderValue::from_str(host).map_err(|_| wrong(format!("`{host}` is not a host")))?;
        headers.insert(header::HOST, host);
    }
    set_length(&mut headers, &body);
    let mut request = Request::new(body);
    *request.method_mut() = method;
    // What a gateway gets is a path; the host stands in the headers.
    *request.uri_mut() =
        uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into();
    *request.headers_mut() = headers;
    Ok((request, scheme))
}

/// `METHOD TARGET HTTP/1.1`, of which everything may be left out but one.
fn request_line(text: &str, default: Method) -> Result<(Method, Uri), String> {
    let mut words = text.split_ascii_whitespace().collect::<Vec<_>>();
    if words.last().is_some_and(|word| word.starts_with("HTTP/")) {
        words.pop();
    }
    let (method, target) = match words[..] {
        [target] if target.starts_with('/') || target.contains("://") => (None, target),
        [method] => (Some(method), "/"),
        [method, target] => (Some(method), target),
        _ => {
            return Err(format!(
                "`{text}` is neither `PATH`, `METHOD` nor `METHOD PATH`; spaces in a path are `%20`"
            ));
        }
    };
    let method = method.map_or(Ok(default), |method| {
        method.parse().map_err(|_| format!("`{method}` is not a method that HTTP allows"))
    })?;
    let uri: Uri =
        target.parse().map_err(|error| format!("`{target}` is not a path or an address: {error}"))?;
    if !target.starts_with('/') && !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(format!("`{target}` is not a path, which begins with `/`, nor an http or https address"));
    }
    Ok((method, uri))
}

fn response(options: &RunOptions) -> Result<Response<Bytes>, CommandError> {
    let wrong = |problem: String| CommandError::argument("--response", problem);
    let given = options.response.as_deref().unwrap_or("200");
    let text;
    let Message { first_line, mut headers, mut body } = if given.starts_with('@') {
        text = content(given, "--response")?;
        http_text::parse(&text).map_err(wrong)?
    } else {
        Message { first_line: given, headers: HeaderMap::new(), body: Bytes::new() }
    };
    let mut words = first_line.split_ascii_whitespace().skip_while(|word| word.starts_with("HTTP/"));
    let status = words.next().and_then(|word| word.parse::<StatusCode>().ok());
    let status = status
        .ok_or_else(|| wrong(format!("`{first_line}` has no status; write `200` or `HTTP/1.1 200 OK`")))?;
    if let Some(data) = &options.response_body {
        body = content(data, "--response-body")?.into();
    }
    add(&mut headers, &options.response_headers, "--response-header")?;
    set_length(&mut headers, &body);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn add(headers: &mut HeaderMap, given: &[String], argument: &'static str) -> Result<(), CommandError> {
    for header in given {
        let (name, value) =
            http_text::header(header).map_err(|problem| CommandError::argument(argument, problem))?;
        headers.append(name, value);
    }
    Ok(())
}

/// As whoever sends a body would.
fn set_length(headers: &mut HeaderMap, body: &Bytes) {
    if !body.is_empty() && !headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
}

/// What a plugin sees of a definition; without one, an API of the name `plugin-run`.
fn api(definition: Option<&Value>) -> ApiFacts {
    let text = |pointer: &str, default: &str| -> Arc<str> {
        let value = definition.and_then(|definition| definition.pointer(pointer)?.as_str());
        value.unwrap_or(default).into()
    };
    let config_data = definition.and_then(|definition| definition.get("config_data"));
    ApiFacts {
        id: text("/api_id", "plugin-run"),
        name: text("/name", "plugin-run"),
        organisation: text("/org_id", ""),
        listen_path: text("/proxy/listen_path", "/"),
        config_data: config_data
            .filter(|data| data.is_object())
            .map_or("{}".into(), |data| data.to_string().into()),
        definition: definition.map(|definition| definition.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::{api, request_line};

    #[test]
    fn a_request_is_said_in_several_ways() {
        let cases = [
            ("/a?b=1", "GET /a?b=1"),
            ("PUT", "PUT /"),
            ("PUT /a", "PUT /a"),
            ("DELETE https://a.example/b HTTP/1.1", "DELETE https://a.example/b"),
            ("https://a.example", "GET https://a.example/"),
        ];
        for (text, expected) in cases {
            let (method, uri) = request_line(text, Method::GET).unwrap();
            assert_eq!(format!("{method} {uri}"), expected);
        }
        assert_eq!(request_line("/", Method::POST).unwrap().0, Method::POST);
    }

    #[test]
    fn other_requests_are_refused() {
        for text in ["", "GET /a b c", "GE(T /", "GET a.example/b", "ftp://a.example/"] {
            assert!(request_line(text, Method::GET).is_err(), "{text}");
        }
    }

    #[test]
    fn a_definition_gives_its_facts() {
        let definition = json!({"api_id": "7", "name": "Shop", "proxy": {"listen_path": "/shop/"}, "config_data": {"a": 1}});
        let facts = api(Some(&definition));
        assert_eq!((&*facts.id, &*facts.listen_path, &*facts.config_data), ("7", "/shop/", r#"{"a":1}"#));
        assert_eq!((&*api(None).id, &*api(None).config_data), ("plugin-run", "{}"));
    }
}
