//! What an endpoint asks of its requests.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderMap, StatusCode};

use super::{Addition, BodyRule, Parameter, PathPattern, Schema, parameter::Parts, words};

/// Findings that an answer names at the most.
const MAX_FINDINGS: usize = 20;

/// One of the two kinds of rules.
#[derive(Debug, Clone)]
pub enum Validation {
    /// Of an OpenAPI operation.
    Operation(Arc<RequestRule>),
    /// A JSON schema for bodies.
    Json(Arc<JsonRule>),
}

/// `validateRequest` of an operation.
#[derive(Debug)]
pub struct RequestRule {
    /// The status of a refusal.
    pub status: StatusCode,
    /// The operation's path, when it has parameters.
    pub path: Option<PathPattern>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Its body.
    pub body: Option<BodyRule>,
}

/// An entry of `validate_json`.
#[derive(Debug)]
pub struct JsonRule {
    /// The status of a refusal.
    pub status: StatusCode,
    /// The schema of bodies.
    pub schema: Schema,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// For the client.
    pub message: String,
}

impl Validation {
    /// Whether it looks at bodies.
    pub fn reads_body(&self) -> bool {
        match self {
            Self::Operation(rule) => rule.body.is_some(),
            Self::Json(_) => true,
        }
    }

    /// Checks what is not in the body, and gives what is to be added to it. `path` is the request's, decoded, without listen
    /// path and version.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_head(
        &self,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Vec<Addition>, Refusal> {
        match self {
            Self::Operation(rule) => rule.check_head(path, query, headers),
            Self::Json(_) => Ok(Vec::new()),
        }
    }

    /// Checks a body, and gives the one to go on with if that is another. Takes as long as the body is large.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check_body(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        match self {
            Self::Operation(rule) => match &rule.body {
                Some(of_body) => of_body.check(headers, body).map_err(|reason| rule.refusal(&reason)),
                None => Ok(None),
            },
            Self::Json(rule) => rule.check(body).map(|()| None),
        }
    }
}

impl RequestRule {
    fn check_head(
        &self,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Vec<Addition>, Refusal> {
        let in_path = self.path.as_ref().map(|pattern| pattern.texts(path)).unwrap_or_default();
        let query: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            form_urlencoded::parse(query.unwrap_or("").as_bytes()).collect();
        let parts = Parts { path: &in_path, query: &query, headers };
        let checked = self.parameters.iter().filter_map(|parameter| parameter.check(parts).transpose());
        checked.map(|addition| addition.map_err(|reason| self.refusal(&reason))).collect()
    }

    fn refusal(&self, reason: &str) -> Refusal {
        Refusal { status: self.status, message: format!("request validation error: {reason}") }
    }
}

impl JsonRule {
    fn check(&self, body: &[u8]) -> Result<(), Refusal> {
        let body = serde_json::from_slice(body).map_err(|error| Refusal {
            status: StatusCode::BAD_REQUEST,
            message: format!("JSON parsing error: {error}"),
        })?;
        let found = self.schema.validator.iter_errors(&body).take(MAX_FINDINGS);
        let found: Vec<String> = found.map(|error| words::json_schema(&error)).collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(Refusal { status: self.status, message: found.join("; ") })
    }
}
