//! What came of a call, for people and for machines.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gatehouse_plugin::host::MetricKind;
use http::{HeaderMap, HeaderValue, Request, Response};
use serde_json::{Value, json};

use super::{
    super::{
        check::{kind_word, microseconds},
        opened::{kind_name, mode_name},
        table::{Table, size, time},
    },
    call::{Done, Outcome},
    log_lines::Line,
};
use crate::{
    plugins::{
        Kind, PluginFailure, PluginFunction,
        metrics::{Series, SeriesKey},
    },
    session::Session,
};

/// A call that is over.
pub(super) struct Report<'a> {
    pub(super) kind: Kind,
    pub(super) function: &'a PluginFunction,
    /// Time of loading the library.
    pub(super) loading: Duration,
    pub(super) done: &'a Done,
    pub(super) lines: &'a [Line],
}

impl Report<'_> {
    /// For people. Log lines are not in it: they have been shown when they came.
    pub(super) fn to_text(&self) -> String {
        let Self { kind, function, done, .. } = self;
        let mut table = Table::default();
        let mode = mode_name(function.mode());
        table.line("function", &format!("{} ({}, {mode})", function.name(), kind_name(Some(*kind))));
        table.line("outcome", &outcome(&done.outcome));
        let changes = changes(done);
        if !changes.is_empty() {
            table.line("request", &changes.join("\n"));
        }
        if !done.response_headers.is_empty() {
            let lines = header_lines(&done.response_headers);
            table.line("headers", &format!("for whatever answer goes out\n{}", lines.join("\n")));
        }
        if let (before, Some(after)) = &done.session {
            let before = before.as_deref().map_or(Value::Null, Session::to_value);
            table.line("session", &fields(&before, &after.to_value()).join("\n"));
        }
        if !done.metrics.is_empty() {
            let lines: Vec<String> = done.metrics.iter().map(metric_line).collect();
            table.line("metrics", &lines.join("\n"));
        }
        table.line("time", &format!("{}; loading took {}", time(done.took), time(self.loading)));
        table.into_text()
    }

    /// For machines.
    pub(super) fn to_json(&self) -> Value {
        let Self { kind, function, done, .. } = self;
        let mut report = json!({
            "function": function.name(), "kind": kind_word(*kind), "mode": mode_name(function.mode()),
            "microseconds": microseconds(done.took), "load_microseconds": microseconds(self.loading),
            "response_headers": headers_json(&done.response_headers),
            "session": done.session.1,
            "logs": self.lines.iter().map(|line| json!({ "level": line.level.as_str(), "message": line.message })).collect::<Value>(),
            "metrics": done.metrics.iter().map(metric_json).collect::<Value>(),
        });
        if *kind != Kind::Analytics {
            report["request"] = json!({
                "method": done.after.method().as_str(), "target": done.after.uri().to_string(),
                "headers": headers_json(done.after.headers()),
                "sent_to": done.sent_to, "changes": changes(done),
            });
            put_body(&mut report["request"], done.after.body());
        }
        let outcome = match &done.outcome {
            Outcome::Continued => "continue",
            Outcome::Answered(response) => {
                report["response"] = response_json(response);
                "respond"
            }
            Outcome::Allowed(session) => {
                report["session"] = session.to_value();
                "allow"
            }
            Outcome::Denied { status, message } => {
                report["denied"] = json!({ "status": status.as_u16(), "message": message });
                "deny"
            }
            Outcome::Changed { after, .. } => {
                report["response"] = response_json(after);
                "continue"
            }
            Outcome::Recorded { after, .. } => {
                report["record"] = after.clone();
                "continue"
            }
            Outcome::Failed(failure) => {
                report["failure"] = failure_json(failure);
                "fail"
            }
        };
        report["outcome"] = outcome.into();
        report
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Continued => "the request goes on".to_owned(),
        Outcome::Answered(response) => format!("it answers\n{}", response_text(response)),
        Outcome::Allowed(session) => {
            format!("the caller is let in with this session\n{:#}", session.to_value())
        }
        Outcome::Denied { status, message } => format!("the caller is refused: {status}, {message:?}"),
        Outcome::Changed { before, after } => {
            let changes = response_changes(before, after);
            let changes = if changes.is_empty() { "as it was".to_owned() } else { changes.join("\n") };
            format!("the upstream's answer goes to the client\n{changes}")
        }
        Outcome::Recorded { before, after } => {
            let changes = fields(before, after);
            let changes = if changes.is_empty() { "as it was".to_owned() } else { changes.join("\n") };
            format!("the record is written\n{changes}")
        }
        Outcome::Failed(failure) => format!("it failed: {failure}"),
    }
}

fn response_text(response: &Response<Bytes>) -> String {
    let mut lines = vec![response.status().to_string()];
    lines.extend(header_lines(response.headers()));
    if !response.body().is_empty() {
        lines.push(String::new());
        lines.push(body_text(response.body()));
    }
    lines.join("\n")
}

/// A body as text, or how long it is.
fn body_text(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("({}, not text)", size(body.len() as u64)),
    }
}

fn header_lines(headers: &HeaderMap) -> Vec<String> {
    headers.iter().map(|(name, value)| format!("{name}: {}", value_text(value))).collect()
}

fn value_text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Where the request goes and what became of it, a line for each change.
fn changes(done: &Done) -> Vec<String> {
    let sent = done.sent_to.iter().map(|url| format!("goes to {url} instead of the API's target"));
    sent.chain(request_changes(&done.before, &done.after)).collect()
}

/// What became of the request, a line for each change.
fn request_changes(before: &Request<Bytes>, after: &Request<Bytes>) -> Vec<String> {
    let mut changes = Vec::new();
    if before.method() != after.method() {
        changes.push(format!("method {} (was {})", after.method(), before.method()));
    }
    if before.uri() != after.uri() {
        changes.push(format!("target {} (was {})", after.uri(), before.uri()));
    }
    header_changes(before.headers(), after.headers(), &mut changes);
    body_change(before.body(), after.body(), &mut changes);
    changes
}

fn response_changes(before: &Response<Bytes>, after: &Response<Bytes>) -> Vec<String> {
    let mut changes = Vec::new();
    if before.status() != after.status() {
        changes.push(format!("status {} (was {})", after.status(), before.status()));
    }
    header_changes(before.headers(), after.headers(), &mut changes);
    body_change(before.body(), after.body(), &mut changes);
    changes
}

fn header_changes(before: &HeaderMap, after: &HeaderMap, changes: &mut Vec<String>) {
    let values = |headers: &HeaderMap, name: &http::HeaderName| {
        let values: Vec<String> = headers.get_all(name).iter().map(value_text).collect();
        values.join(", ")
    };
    for name in after.keys() {
        let now = values(after, name);
        match before.contains_key(name).then(|| values(before, name)) {
            None => changes.push(format!("header {name}: {now} (new)")),
            Some(was) if was != now => changes.push(format!("header {name}: {now} (was {was})")),
            Some(_) => {}
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        changes.push(format!("header {name} taken out (was {})", values(before, name)));
    }
}

fn body_change(before: &Bytes, after: &Bytes, changes: &mut Vec<String>) {
    if before != after {
        let (now, was) = (size(after.len() as u64), size(before.len() as u64));
        changes.push(format!("body of {now} (was {was})"));
        changes.push(body_text(after));
    }
}

/// Fields of an object that are not what they were.
fn fields(before: &Value, after: &Value) -> Vec<String> {
    let (Some(now), was) = (after.as_object(), before.as_object()) else { return vec![after.to_string()] };
    let mut changes = Vec::new();
    for (name, value) in now {
        match was.and_then(|was| was.get(name)) {
            None => changes.push(format!("{name}: {value} (new)")),
            Some(was) if was != value => changes.push(format!("{name}: {value} (was {was})")),
            Some(_) => {}
        }
    }
    let gone = was.into_iter().flatten().filter(|(name, _)| !now.contains_key(*name));
    changes.extend(gone.map(|(name, value)| format!("{name} taken out (was {value})")));
    changes
}

fn metric_line((key, series): &(Arc<SeriesKey>, Series)) -> String {
    let labels = key.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    match key.kind {
        MetricKind::Counter => format!("{}{labels} +{}", key.name, series.sum),
        MetricKind::Histogram => {
            format!("{}{labels} observed {}, sum {}", key.name, series.count, series.sum)
        }
    }
}

fn metric_json((key, series): &(Arc<SeriesKey>, Series)) -> Value {
    let kind = match key.kind {
        MetricKind::Counter => "counter",
        MetricKind::Histogram => "histogram",
    };
    json!({ "kind": kind, "name": key.name, "labels": key.labels, "count": series.count, "sum": series.sum })
}

fn response_json(response: &Response<Bytes>) -> Value {
    let mut value =
        json!({ "status": response.status().as_u16(), "headers": headers_json(response.headers()) });
    put_body(&mut value, response.body());
    value
}

/// Text as it is, other bytes in base64.
fn put_body(value: &mut Value, body: &[u8]) {
    match std::str::from_utf8(body) {
        Ok(text) => value["body"] = text.into(),
        Err(_) => value["body_base64"] = STANDARD.encode(body).into(),
    }
}

fn headers_json(headers: &HeaderMap) -> Value {
    headers.iter().map(|(name, value)| json!([name.as_str(), value_text(value)])).collect()
}

fn failure_json(failure: &PluginFailure) -> Value {
    match failure {
        PluginFailure::Panic { message, place } => {
            json!({ "kind": "panic", "place": place, "message": message })
        }
        PluginFailure::Timeout { .. } => json!({ "kind": "timeout", "message": failure.to_string() }),
        other => json!({ "kind": "error", "message": other.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use serde_json::json;

    use super::{body_text, fields, request_changes};

    fn request(
        method: &str,
        target: &str,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
    ) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn each_change_of_a_request_is_a_line() {
        let before = request("POST", "/a", &[("x-kept", "1"), ("x-gone", "2"), ("x-set", "3")], "old");
        assert!(request_changes(&before, &before).is_empty());
        let after = request(
            "PUT",
            "/b?c",
            &[("x-kept", "1"), ("x-set", "4"), ("x-new", "5"), ("x-new", "6")],
            "newer",
        );
        assert_eq!(
            request_changes(&before, &after),
            [
                "method PUT (was POST)",
                "target /b?c (was /a)",
                "header x-set: 4 (was 3)",
                "header x-new: 5, 6 (new)",
                "header x-gone taken out (was 2)",
                "body of 5 bytes (was 3 bytes)",
                "newer",
            ]
        );
    }

    #[test]
    fn changed_fields_of_an_object_are_told() {
        let changes = fields(&json!({"a": 1, "b": 2, "c": 3}), &json!({"a": 1, "b": [2], "d": "4"}));
        assert_eq!(changes, ["b: [2] (was 2)", "d: \"4\" (new)", "c taken out (was 3)"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_counted() {
        assert_eq!(body_text(b"\xff\x00"), "(2 bytes, not text)");
    }
}
