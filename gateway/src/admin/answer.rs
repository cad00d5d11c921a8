//! What the admin API says, in Tyk's shapes.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::not_here;
use crate::reply::{Reply, body::ReplyBody};

/// A finished answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// What was changed, for the audit line; empty when nothing was.
    pub subject: String,
    /// Why it was refused, for the audit line.
    pub refused: Option<String>,
    body: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a call comes to.
pub type Outcome = Result<Answer, Refused>;

/// A call that changed nothing.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    message: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    has_error_member: bool,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Dotted path or JSON pointer of the field; empty for the whole.
    pub field: String,
    /// Line in the text that was sent, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in that line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong and what was expected.
    pub message: String,
}

impl FieldError {
    /// What is wrong with text that should be JSON of a certain form.
    pub fn of_json(error: &serde_json::Error) -> Self {
        let (line, column) = (Some(error.line()), Some(error.column()));
        Self { field: String::new(), line, column, message: error.to_string() }
    }
}

/// Tyk's `apiModifyKeySuccess`.
#[derive(Serialize)]
struct Modified<'a> {
    key: &'a str,
    status: &'static str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hash: Option<&'a str>,
}

/// Tyk's `apiStatusMessage`; `errors` is ours.
#[derive(Serialize)]
struct Message<'a> {
    status: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Answer {
    /// JSON.
    pub fn json(value: &impl Serialize) -> Self {
        Self::with_status(StatusCode::OK, value)
    }

    /// JSON that is written already.
    pub fn json_text(text: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            subject: String::new(),
            refused: None,
            body: text.into(),
            headers: vec![super::json_content_type()],
        }
    }

    /// `{"status":"ok","message":…}`.
    pub fn ok(message: &str) -> Self {
        Self::json(&Message { status: "ok", message, error: None, errors: &[] })
    }

    /// `{"key":…,"status":"ok","action":…}`.
    pub fn modified(key: &str, action: &'static str) -> Self {
        Self {
            subject: key.to_owned(),
            ..Self::json(&Modified { key, status: "ok", action, key_hash: None })
        }
    }

    /// The same for a key, which is a secret: [`about`](Self::about) says what audit lines call it.
    pub fn key(name: &str, action: &'static str, hash: Option<&str>) -> Self {
        Self::json(&Modified { key: name, status: "ok", action, key_hash: hash })
    }

    /// What was changed, for the audit line.
    pub fn about(self, subject: String) -> Self {
        Self { subject, ..self }
    }

    /// As a file to save.
    pub fn to_save(mut self, name: &str) -> Self {
        let disposition = HeaderValue::from_str(&format!("attachment;filename={name:?}"));
        self.headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        ];
        self
    }

    fn with_status(status: StatusCode, value: &impl Serialize) -> Self {
        // Go's encoder ends with a line feed, and clients that read lines count on it.
        let mut text = serde_json::to_string(value).unwrap_or_default();
        text.push('\n');
        Self { status, ..Self::json_text(text) }
    }

    /// The body.
    #[cfg(test)]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The answer as it goes out.
    pub fn into_reply(self, server: HeaderValue) -> Reply {
        let mut reply = Response::new(ReplyBody::from(self.body));
        *reply.status_mut() = self.status;
        reply.headers_mut().insert(header::SERVER, server);
        reply.headers_mut().extend(self.headers);
        reply
    }
}

impl Refused {
    /// Refused for a reason.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            has_error_member: false,
        }
    }

    /// Nothing of this name.
    pub fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// What was sent cannot be.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// In conflict with what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// The body is not what it should be.
    pub fn malformed(error: FieldError) -> Self {
        Self { errors: vec![error], ..Self::bad("Request malformed") }
    }

    /// The same, with all that is wrong.
    pub fn because(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// The same with the message as `error` too, where Tyk has that.
    pub fn with_error_member(self) -> Self {
        Self { has_error_member: true, ..self }
    }

    /// Without the secret.
    pub fn secret() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Attempted administrative access with invalid or missing key!")
    }

    /// There is no admin API.
    pub fn off() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "The admin API is off: tyk.conf has no secret, or gatehouse.admin.enabled is false",
        )
    }

    /// There is something at the path, for other methods.
    pub fn method(methods: &[&'static str]) -> Self {
        let allow = HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""));
        Self {
            headers: vec![(header::ALLOW, allow)],
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not supported")
        }
    }

    /// There is nothing at the path.
    pub fn no_route(path: &str) -> Self {
        Self::not_found(not_here::why(path))
    }

    /// The system has no randomness to give.
    pub fn no_randomness() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the system gives no random numbers")
    }

    /// It should have worked.
    pub fn failed(error: &dyn std::error::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }

    /// The answer that says so.
    pub fn into_answer(self) -> Answer {
        let Self { status, message, errors, headers, has_error_member } = self;
        let error = has_error_member.then_some(&*message);
        let body = Message { status: "error", message: &message, error, errors: &errors };
        let mut answer = Answer::with_status(status, &body);
        answer.headers.extend(headers);
        let details = errors.iter().map(|error| format!("; {}: {}", error.field, error.message));
        answer.refused = Some(message.clone() + &details.collect::<String>());
        answer
    }
}
