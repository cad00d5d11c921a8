//! What a test says: Tyk's members, and what Gatehouse adds to them.

use serde_json::{Map, Value, json};

use super::{
    given::HookType,
    message,
    run::{self, Outcome, Ran},
    subject,
};
use crate::{
    js::engine::ErrorClass,
    rehearsal::{Failure, Notes},
    session::Session,
};

/// Changes that a hook in JavaScript can ask for, with what stands for none.
const CHANGES: [(&str, &str); 6] = [
    ("SetHeaders", "{}"),
    ("DeleteHeaders", "[]"),
    ("AddParams", "{}"),
    ("ExtendedParams", "{}"),
    ("DeleteParams", "[]"),
    ("ReturnOverrides", "{}"),
];

/// What came of a call.
pub(super) fn told(hook: HookType, ran: Ran, notes: Notes) -> Value {
    let Ran { before: mut told, outcome, messages, session: (session_before, session), milliseconds } = ran;
    let returned = notes.returned.as_deref().map(|text| (text.len(), returned(text)));
    let (length, returned) = returned.unwrap_or_default();
    let has_failed = matches!(outcome, Outcome::Fail(_));
    if !has_failed {
        let (name, mut after) = match hook {
            HookType::Response => ("response_after", message::shown_response(&messages.response)),
            HookType::Analytics => ("record_after", messages.record.clone()),
            _ => ("request_after", message::shown_request(&messages.exchange)),
        };
        let part = member(&returned, if hook == HookType::Response { "Response" } else { "Request" });
        if let Some(part) = part {
            put_changes(&mut after, part, hook);
        }
        told.insert(name.to_owned(), after);
        if let Some(session) = session_after(hook, &returned, session.as_deref()) {
            told.insert("session_after".to_owned(), session);
        }
    }
    if session_before.is_some() || session.is_some() {
        let shown = |session: Option<&Session>| session.map(Session::to_value);
        let both = json!({ "before": shown(session_before.as_deref()), "after": shown(session.as_deref()) });
        told.insert("session".to_owned(), both);
    }
    let (word, answer) = run::shown(&outcome);
    told.insert("outcome".to_owned(), word.into());
    let bytes = match &outcome {
        Outcome::Respond(answer) | Outcome::Deny(answer) | Outcome::Fail(Some(answer)) => answer.body().len(),
        _ => 0,
    };
    if let Some(answer) = answer {
        told.insert("answer".to_owned(), answer);
    }
    let added = messages.exchange.response_headers.len();
    if added > 0 {
        let mut headers = http::Response::new(bytes::Bytes::new());
        messages.exchange.response_headers.apply_from(0, headers.headers_mut());
        told.insert("answer_headers".to_owned(), message::shown_response(&headers)["Headers"].clone());
    }
    finish(told, notes, length, bytes, milliseconds)
}

/// What there is to say when the code did not even load.
pub(super) fn of_load(mut told: Map<String, Value>, notes: Notes) -> Value {
    told.insert("outcome".to_owned(), "fail".into());
    finish(told, notes, 0, 0, 0.0)
}

fn finish(
    mut told: Map<String, Value>,
    notes: Notes,
    returned: usize,
    answer: usize,
    milliseconds: f64,
) -> Value {
    let outbound: usize = notes.calls.iter().map(|call| call.bytes).sum();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole milliseconds, as Tyk has them"
    )]
    let whole = milliseconds as u64;
    let rest = json!({
        "logs": notes.logs,
        "calls": notes.calls,
        "storage": notes.storage,
        "execution_ms": whole,
        "milliseconds": milliseconds,
        "bytes": { "returned": returned, "answer": answer, "outbound": outbound },
    });
    if let Value::Object(rest) = rest {
        told.extend(rest);
    }
    if let Some(failure) = notes.failure {
        told.insert("error".to_owned(), error(failure));
    }
    told.into()
}

/// A failure with Tyk's `type`: `syntax`, `timeout` or `runtime`.
fn error(mut failure: Failure) -> Value {
    if subject::is_unregistered(&failure) {
        failure.message =
            "plugin did not register a request or response handler: it called neither NewProcessRequest \
                           nor NewProcessResponse"
                .to_owned();
    }
    let kind = [ErrorClass::Syntax, ErrorClass::Timeout].map(ErrorClass::as_str);
    let kind = if kind.contains(&failure.class) { failure.class } else { "runtime" };
    // Texts, numbers and lists of them cannot fail to be JSON.
    let mut error = serde_json::to_value(&failure).unwrap_or_default();
    error["type"] = kind.into();
    error
}

/// What a hook returned, which is the object it handed over.
fn returned(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A member, by Go's rules for names.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The changes that a script asked for, beside what they made of the message.
fn put_changes(after: &mut Value, part: &Value, hook: HookType) {
    for (name, none) in CHANGES {
        let is_for_answers = matches!(name, "SetHeaders" | "DeleteHeaders");
        if hook != HookType::Response || is_for_answers {
            let asked = member(part, name).filter(|value| !value.is_null()).cloned();
            after[name] = asked.unwrap_or_else(|| serde_json::from_str(none).unwrap_or_default());
        }
    }
}

/// As in Tyk: the session that authentication made, otherwise the metadata that came back.
fn session_after(hook: HookType, returned: &Value, session: Option<&Session>) -> Option<Value> {
    if hook == HookType::AuthCheck {
        return session.map(Session::to_value);
    }
    let metadata = match member(returned, "SessionMeta") {
        Some(metadata) => metadata.clone(),
        None => session?.meta_data.clone(),
    };
    metadata.as_object().is_some_and(|metadata| !metadata.is_empty()).then_some(metadata)
}
