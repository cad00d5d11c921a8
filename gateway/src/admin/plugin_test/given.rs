//! A test as it is asked for. The names that Tyk's test runner has are its own; the others are additions.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::super::{
    answer::{FieldError, Refused},
    call::Call,
};
use crate::{
    rehearsal::{RecordedAnswer, Recording},
    session::Session,
};

/// Recorded answers, keys and stored values of one test, each.
const MOST_GIVEN: usize = 1_000;

/// Everything that can be asked for; what is not there is Go's zero value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PluginTest {
    /// JavaScript, loaded for this test alone.
    #[serde(deserialize_with = "null_is_default")]
    code: String,
    /// The same in base64.
    #[serde(deserialize_with = "null_is_default")]
    code_base64: String,
    /// Where it runs.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) hook_type: String,
    /// Organisation of the API.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) org_id: String,
    /// An API: one that is loaded where there is no code, otherwise a name only.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) api_id: String,
    /// The hook's object or the endpoint's function, when the code is not to be asked.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) name: String,
    /// Which of the loaded API's hooks at this place, from 0.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) index: usize,
    /// JavaScript driver.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) driver: String,
    /// A plugin's file.
    #[serde(deserialize_with = "null_is_default")]
    plugin_path: String,
    /// A function in it.
    #[serde(deserialize_with = "null_is_default")]
    func_name: String,
    /// `config` of the place where a plugin's function is named.
    pub(super) config: Option<Value>,
    /// `config_data` of the API.
    pub(super) config_data: Option<Value>,
    /// The request.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) request: GivenRequest,
    /// The answer, for response hooks.
    pub(super) response: Option<GivenResponse>,
    /// The record, for analytics.
    pub(super) record: Option<Value>,
    /// The caller's session.
    session: Option<Value>,
    /// Answers to outbound calls.
    #[serde(deserialize_with = "null_is_default")]
    recorded: Vec<GivenAnswer>,
    /// Outbound calls without a recorded answer are made.
    #[serde(deserialize_with = "null_is_default")]
    live: bool,
    /// Script storage at the beginning.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) storage: BTreeMap<String, String>,
    /// Keys that the code finds, with their sessions.
    #[serde(deserialize_with = "null_is_default")]
    pub(super) keys: BTreeMap<String, Value>,
}

/// `request`; names in lower case count too, as Go's reader of JSON has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "these are the names on the wire")]
pub(super) struct GivenRequest {
    #[serde(deserialize_with = "null_is_default", alias = "method")]
    pub(super) Method: String,
    #[serde(deserialize_with = "null_is_default", alias = "path")]
    pub(super) Path: String,
    #[serde(deserialize_with = "null_is_default", alias = "url")]
    pub(super) URL: String,
    #[serde(deserialize_with = "null_is_default", alias = "requestURI", alias = "request_uri")]
    pub(super) RequestURI: String,
    #[serde(deserialize_with = "null_is_default", alias = "headers")]
    pub(super) Headers: BTreeMap<String, Texts>,
    #[serde(deserialize_with = "null_is_default", alias = "body")]
    pub(super) Body: String,
    #[serde(deserialize_with = "null_is_default", alias = "body_base64")]
    pub(super) BodyBase64: String,
    #[serde(deserialize_with = "null_is_default", alias = "params")]
    pub(super) Params: BTreeMap<String, Texts>,
    #[serde(deserialize_with = "null_is_default", alias = "scheme")]
    pub(super) Scheme: String,
}

/// `response`; names as in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "these are the names on the wire")]
pub(super) struct GivenResponse {
    #[serde(deserialize_with = "null_is_default", alias = "statusCode", alias = "status_code")]
    pub(super) StatusCode: u16,
    #[serde(deserialize_with = "null_is_default", alias = "headers")]
    pub(super) Headers: BTreeMap<String, Texts>,
    #[serde(deserialize_with = "null_is_default", alias = "body")]
    pub(super) Body: String,
    #[serde(deserialize_with = "null_is_default", alias = "body_base64")]
    pub(super) BodyBase64: String,
}

/// One of `recorded`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GivenAnswer {
    #[serde(deserialize_with = "null_is_default")]
    method: String,
    #[serde(deserialize_with = "null_is_default")]
    url: String,
    #[serde(deserialize_with = "null_is_default", alias = "status")]
    code: u16,
    #[serde(deserialize_with = "null_is_default")]
    headers: BTreeMap<String, Texts>,
    #[serde(deserialize_with = "null_is_default")]
    body: String,
    #[serde(deserialize_with = "null_is_default")]
    body_base64: String,
    /// There is no answer, for this reason.
    #[serde(deserialize_with = "null_is_default")]
    error: String,
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// Where something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HookType {
    Pre,
    AuthCheck,
    PostKeyAuth,
    Post,
    Response,
    /// A virtual endpoint.
    Virtual,
    /// An endpoint plugin.
    Plugin,
    Analytics,
}

impl HookType {
    /// The words of definitions.
    pub(super) const WORDS: [(&str, Self); 9] = [
        ("pre", Self::Pre),
        ("post", Self::Post),
        ("post_key_auth", Self::PostKeyAuth),
        ("auth_check", Self::AuthCheck),
        ("response", Self::Response),
        ("virtual", Self::Virtual),
        ("rust_plugin", Self::Plugin),
        ("go_plugin", Self::Plugin),
        ("analytics_plugin", Self::Analytics),
    ];
}

/// What is to be called.
#[derive(Debug)]
pub(super) enum What {
    /// This JavaScript.
    Code(Arc<str>),
    /// A function in a plugin's file.
    File { path: PathBuf, function: String },
    /// What the loaded API has there.
    Api,
}

impl PluginTest {
    /// Reads the body.
    pub(super) fn read(call: &Call) -> Result<Self, Refused> {
        let text = call.text()?;
        check_objects(text)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let read: Result<Self, _> = serde_path_to_error::deserialize(&mut json);
        let test = read.map_err(|error| {
            let field = error.path().to_string();
            let inner = error.into_inner();
            let field = if field == "." { String::new() } else { field };
            let error = FieldError { field, ..FieldError::of_json(&inner) };
            Refused::bad(format!("invalid request body: {}: {}", error.field, error.message))
                .because(vec![error])
        })?;
        json.end().map_err(|error| Refused::malformed(FieldError::of_json(&error)))?;
        for (name, length) in
            [("recorded", test.recorded.len()), ("keys", test.keys.len()), ("storage", test.storage.len())]
        {
            if length > MOST_GIVEN {
                return Err(Refused::bad(format!("{name} has {length} entries; {MOST_GIVEN} are the most")));
            }
        }
        Ok(test)
    }

    pub(super) fn hook(&self) -> Result<HookType, Refused> {
        let known = HookType::WORDS.iter().find(|(word, _)| *word == self.hook_type);
        known.map(|(_, hook)| *hook).ok_or_else(|| {
            let words = HookType::WORDS.map(|(word, _)| word).join(", ");
            Refused::bad(format!("invalid hook_type: must be one of {words}"))
        })
    }

    /// What is to be called; exactly one thing.
    pub(super) fn what(&self) -> Result<What, Refused> {
        let code = match (self.code.trim(), self.code_base64.trim()) {
            ("", "") => None,
            (_, "") => Some(self.code.clone()),
            ("", encoded) => Some(decoded_text("code_base64", encoded)?),
            _ => return Err(Refused::bad("code and code_base64 are there both; one is wanted")),
        };
        match (code, self.plugin_path.is_empty()) {
            (Some(_), false) => Err(Refused::bad("code and plugin_path are there both; one is wanted")),
            (Some(_), true) if self.org_id.trim().is_empty() => Err(Refused::bad("org_id is required")),
            (Some(code), true) => Ok(What::Code(code.into())),
            (None, false) if self.func_name.is_empty() => {
                Err(Refused::bad("func_name is required with plugin_path"))
            }
            (None, false) => {
                Ok(What::File { path: self.plugin_path.as_str().into(), function: self.func_name.clone() })
            }
            (None, true) if self.api_id.is_empty() => Err(Refused::bad(
                "code is required; or plugin_path and func_name, or the api_id of a loaded API",
            )),
            (None, true) if self.config_data.is_some() || self.config.is_some() => Err(Refused::bad(
                "config_data and config are for code and plugin_path; what a loaded API has, has its own",
            )),
            (None, true) => Ok(What::Api),
        }
    }

    /// The caller's session, where there can be one.
    pub(super) fn session(&self, hook: HookType) -> Result<Option<Arc<Session>>, Refused> {
        let given = self.session.as_ref().filter(|session| !session.is_null());
        let session: Option<Session> = given
            .map(|session| serde_json::from_value(session.clone()))
            .transpose()
            .map_err(|error| Refused::bad(format!("invalid session JSON: {error}")))?;
        Ok(session.filter(|_| !hook.is_before_session()).map(Arc::new))
    }

    /// The answers that outbound calls get.
    pub(super) fn recording(&self) -> Result<Recording, Refused> {
        let answer = |(index, given): (usize, &GivenAnswer)| {
            given.read().map_err(|why| Refused::bad(format!("recorded[{index}].{why}")))
        };
        let answers = self.recorded.iter().enumerate().map(answer).collect::<Result<_, _>>()?;
        Ok(Recording::new(answers, self.live))
    }
}

impl GivenAnswer {
    fn read(&self) -> Result<RecordedAnswer, String> {
        let method = if self.method.is_empty() { "GET" } else { &self.method };
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| format!("method: `{method}` is none"))?;
        let url = Url::parse(&self.url)
            .map_err(|error| format!("url: `{}` is not a whole URL: {error}", self.url))?;
        if !self.error.is_empty() {
            return Ok(RecordedAnswer { method, url, answer: Err(self.error.clone()) });
        }
        let code = if self.code == 0 { 200 } else { self.code };
        let status =
            StatusCode::from_u16(code).map_err(|_| format!("code: {code} is not from 100 to 999"))?;
        let body = body(&self.body, "body_base64", &self.body_base64)?;
        Ok(RecordedAnswer { method, url, answer: Ok((status, headers(&self.headers)?, body)) })
    }
}

/// Refuses lists where Go wants objects; serde would take their items for fields.
fn check_objects(text: &str) -> Result<(), Refused> {
    let refused = |field: &str| {
        let name = if field.is_empty() { "the body" } else { field };
        Err(Refused::bad(format!("invalid request body: {name}: expected an object in {{ }}")))
    };
    // What is no JSON at all is told with its place afterwards.
    let Ok(json) = serde_json::from_str::<Value>(text) else { return Ok(()) };
    if !json.is_object() {
        return refused("");
    }
    let is_object = |value: &Value| value.is_object() || value.is_null();
    if let Some(field) = ["request", "response"].into_iter().find(|field| !is_object(&json[*field])) {
        return refused(field);
    }
    let answers = json["recorded"].as_array().map_or(&[][..], Vec::as_slice);
    match answers.iter().position(|answer| !answer.is_object()) {
        Some(index) => refused(&format!("recorded[{index}]")),
        None => Ok(()),
    }
}

/// Headers as given.
pub(super) fn headers(given: &BTreeMap<String, Texts>) -> Result<HeaderMap, String> {
    // More than a map of headers holds must not come as far as the map.
    const MOST_LINES: usize = 4_096;
    if given.values().map(|values| values.all().len()).sum::<usize>() > MOST_LINES {
        return Err(format!("headers: more than {MOST_LINES} lines"));
    }
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, values) in given {
        let header = HeaderName::from_bytes(name.as_bytes());
        let header = header.map_err(|_| format!("headers: `{name}` is not a header name"))?;
        for value in values.all() {
            let value = HeaderValue::from_bytes(value.as_bytes());
            let value =
                value.map_err(|_| format!("headers.{name}: has characters that HTTP does not allow"))?;
            headers.append(header.clone(), value);
        }
    }
    Ok(headers)
}

/// A body as text or exactly.
pub(super) fn body(text: &str, field: &str, encoded: &str) -> Result<Bytes, String> {
    if encoded.is_empty() {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    let decoded = STANDARD.decode(encoded.trim());
    decoded.map(Bytes::from).map_err(|error| format!("{field} is not base64: {error}"))
}

fn decoded_text(field: &str, encoded: &str) -> Result<String, Refused> {
    let bytes = STANDARD.decode(encoded);
    let bytes = bytes.map_err(|error| Refused::bad(format!("{field} is not base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Refused::bad(format!("{field} is not the base64 of UTF-8 text")))
}

/// `null` is Go's zero value.
fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
