//! What a hook's function returned, read with the rules of Go's `encoding/json`: names match without regard to case,
//! `null` changes nothing, and a value of another type is an error.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    engine::{ErrorClass, ScriptError},
    go_base64::{self, Padding},
    response,
};

/// What a request hook made of its request.
#[derive(Debug, Default, PartialEq)]
pub struct RequestChanges {
    /// `URL`; `None` when the hook returned none.
    pub url: Option<String>,
    /// The body.
    pub body: BodyChange,
    /// Taken out before others are set.
    pub delete_headers: Vec<String>,
    /// Set, replacing what is there.
    pub set_headers: Vec<(String, String)>,
    /// Query parameters that are taken out, before others are added.
    pub delete_params: Vec<String>,
    /// Set, replacing what is there.
    pub add_params: Vec<(String, String)>,
    /// Added to what is there.
    pub extended_params: Vec<(String, Vec<String>)>,
    /// An answer, when there is one.
    pub answer: Option<OverridingAnswer>,
    /// `SessionMeta`: metadata for the session.
    pub session_meta: Option<Map<String, Value>>,
    /// `Session`: the session that authentication makes.
    pub session: Option<Map<String, Value>>,
}

/// What becomes of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum BodyChange {
    /// It stays as it is.
    #[default]
    Kept,
    /// Something else.
    Text(String),
    /// Something else, exactly so.
    Bytes(Bytes),
}

impl BodyChange {
    /// The new body; `None` when `body` stays, of which the script may have given back the text.
    pub fn applied_to(self, body: &Bytes) -> Option<Bytes> {
        match self {
            Self::Kept => None,
            Self::Text(text) if String::from_utf8_lossy(body) == text => None,
            Self::Text(text) => Some(Bytes::from(text)),
            Self::Bytes(bytes) => (bytes != *body).then_some(bytes),
        }
    }
}

/// `ReturnOverrides` with a code.
#[derive(Debug, PartialEq, Eq)]
pub struct OverridingAnswer {
    /// Status, 200 to 999.
    pub code: u16,
    /// `ResponseError`, or `ResponseBody`.
    pub text: String,
    /// Headers; several values of one name are several fields.
    pub headers: Vec<(String, Vec<String>)>,
    /// The text is a message for the gateway's own error.
    pub is_error: bool,
}

/// What a response hook made of its answer.
#[derive(Debug, Default, PartialEq)]
pub struct ResponseChanges {
    /// Status, 200 to 999; `None` when it stays.
    pub code: Option<u16>,
    /// The body.
    pub body: BodyChange,
    /// Taken out before others are set.
    pub delete_headers: Vec<String>,
    /// Set, replacing what is there.
    pub set_headers: Vec<(String, String)>,
}

impl RequestChanges {
    /// Reads the text that `DoProcessRequest` returned.
    ///
    /// # Errors
    /// Class `bad_result`, with what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        read(
            text,
            "a request; return ReturnData(request, session.meta_data)",
            "Request",
            |outer, mut request| {
                let ignores_body = request.flag("IgnoreBody")?;
                let mut body = request.body(outer.flag("BodyKept")? || ignores_body)?;
                if ignores_body {
                    body = BodyChange::Kept;
                }
                Ok(Self {
                    url: request.text("URL")?,
                    body,
                    delete_headers: request.texts("DeleteHeaders")?,
                    set_headers: request.pairs("SetHeaders")?,
                    delete_params: request.texts("DeleteParams")?,
                    add_params: request.pairs("AddParams")?,
                    extended_params: request.lists("ExtendedParams", false)?,
                    answer: match request.object("ReturnOverrides")? {
                        Some(overrides) => overriding(overrides)?,
                        None => None,
                    },
                    session_meta: outer.object("SessionMeta")?.map(|meta| meta.0),
                    session: outer.object("Session")?.map(|session| session.0),
                })
            },
        )
    }
}

impl ResponseChanges {
    /// Reads the text that `DoProcessResponse` returned.
    ///
    /// # Errors
    /// Class `bad_result`, with what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let wanted = "a response; return ReturnResponseData(response, session.meta_data)";
        read(text, wanted, "Response", |outer, mut response| {
            let kept = outer.flag("BodyKept")?;
            let mut body = response.body(kept)?;
            if body == BodyChange::Kept && !kept {
                body = BodyChange::Text(String::new());
            }
            Ok(Self {
                code: response.number("StatusCode")?.map(status).transpose()?,
                body,
                delete_headers: response.texts("DeleteHeaders")?,
                set_headers: response.pairs("SetHeaders")?,
            })
        })
    }
}

fn read<T>(
    text: &str,
    wanted: &str,
    name: &str,
    read: impl FnOnce(&mut Fields, Fields) -> Result<T, String>,
) -> Result<T, ScriptError> {
    let failed = |message: String| ScriptError::new(ErrorClass::BadResult, message);
    let value = response::read_json(text.as_bytes())
        .map_err(|error| failed(format!("returned something that is not {wanted}: {error}")))?;
    let Value::Object(outer) = value else {
        return Err(failed(format!("returned something that is not {wanted}")));
    };
    let mut outer = Fields(outer);
    let inner = outer.object(name).and_then(|inner| inner.ok_or_else(|| format!("`{name}` is not there")));
    let inner = inner.map_err(|error| failed(format!("returned something that is not {wanted}: {error}")))?;
    read(&mut outer, inner).map_err(|error| failed(format!("returned a result with {error}")))
}

/// `ReturnOverrides`, by Tyk's names and by those of older scripts. `None` without a code.
fn overriding(mut overrides: Fields) -> Result<Option<OverridingAnswer>, String> {
    // The object is there with empty values from the beginning: what is not empty counts.
    let mut text = |names: [&str; 2]| -> Result<String, String> {
        for name in names {
            if let Some(text) = overrides.text(name)?.filter(|text| !text.is_empty()) {
                return Ok(text);
            }
        }
        Ok(String::new())
    };
    let message = text(["ResponseError", "response_error"])?;
    let body = text(["ResponseBody", "response_body"])?;
    let mut headers = overrides.lists("ResponseHeaders", true)?;
    for older in ["response_headers", "headers"] {
        headers.extend(overrides.lists(older, true)?);
    }
    let as_it_is = overrides.flag("OverrideError")? | overrides.flag("override_error")?;
    let [code, older] = ["ResponseCode", "response_code"].map(|name| overrides.number(name));
    let Some(code) = code?.or(older?) else { return Ok(None) };
    let code = status(code)?;
    let text = if message.is_empty() { body } else { message };
    Ok(Some(OverridingAnswer { code, text, headers, is_error: code >= 400 && !as_it_is }))
}

fn status(code: i64) -> Result<u16, String> {
    match u16::try_from(code) {
        Ok(status @ 200..=999) => Ok(status),
        _ => Err(format!("the status {code}, which must be from 200 to 999")),
    }
}

/// The members of an object.
struct Fields(Map<String, Value>);

impl Fields {
    /// Takes a member; the last one of those whose names differ in case only. `null` is none.
    fn take(&mut self, name: &str) -> Option<Value> {
        let matches = self.0.keys().filter(|key| key.eq_ignore_ascii_case(name)).cloned().collect::<Vec<_>>();
        let values = matches.iter().filter_map(|key| self.0.remove(key));
        values.filter(|value| !value.is_null()).last()
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a string", &other)),
        }
    }

    fn flag(&mut self, name: &str) -> Result<bool, String> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(on)) => Ok(on),
            Some(other) => Err(wrong(name, "true or false", &other)),
        }
    }

    /// A whole number; `None` for 0 too.
    fn number(&mut self, name: &str) -> Result<Option<i64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number).filter(|number| *number != 0)),
                None => Err(wrong(name, "a whole number", &value)),
            },
        }
    }

    fn object(&mut self, name: &str) -> Result<Option<Fields>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self(members))),
            Some(other) => Err(wrong(name, "an object", &other)),
        }
    }

    fn texts(&mut self, name: &str) -> Result<Vec<String>, String> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(value) => texts(name, value),
        }
    }

    fn pairs(&mut self, name: &str) -> Result<Vec<(String, String)>, String> {
        let members = self.object(name)?.map(|members| members.0).unwrap_or_default();
        let pairs = members.into_iter().map(|(key, value)| match value {
            Value::Null => Ok((key, String::new())),
            Value::String(text) => Ok((key, text)),
            other => Err(wrong(&format!("{name}.{key}"), "a string", &other)),
        });
        pairs.collect()
    }

    /// An object of lists of strings; of single strings too when those stand for lists.
    fn lists(&mut self, name: &str, single: bool) -> Result<Vec<(String, Vec<String>)>, String> {
        let members = self.object(name)?.map(|members| members.0).unwrap_or_default();
        let lists = members.into_iter().map(|(key, value)| match value {
            Value::Null if single => Ok((key, vec![String::new()])),
            Value::Null => Ok((key, Vec::new())),
            Value::String(text) if single => Ok((key, vec![text])),
            other => {
                let values = texts(&format!("{name}.{key}"), other)?;
                Ok((key, values))
            }
        });
        lists.collect()
    }

    fn body(&mut self, kept: bool) -> Result<BodyChange, String> {
        if let Some(encoded) = self.text("BodyBase64")? {
            let bytes = go_base64::decode(&encoded, Padding::Required);
            return Ok(BodyChange::Bytes(bytes.ok_or("a `BodyBase64` that is not base64")?.into()));
        }
        if kept {
            return Ok(BodyChange::Kept);
        }
        Ok(self.text("Body")?.map_or(BodyChange::Kept, BodyChange::Text))
    }
}

fn texts(name: &str, value: Value) -> Result<Vec<String>, String> {
    let Value::Array(values) = value else { return Err(wrong(name, "an array of strings", &value)) };
    let texts = values.into_iter().map(|value| match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        other => Err(wrong(name, "an array of strings", &other)),
    });
    texts.collect()
}

fn wrong(name: &str, wanted: &str, found: &Value) -> String {
    let kind = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("`{name}`, which is {kind} and must be {wanted}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(request: Value) -> Result<RequestChanges, String> {
        RequestChanges::parse(&json!({"Request": request}).to_string()).map_err(|error| error.message)
    }

    fn response(response: Value) -> Result<ResponseChanges, String> {
        ResponseChanges::parse(&json!({"Response": response}).to_string()).map_err(|error| error.message)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn changes_are_read_in_any_case() {
        let changes =
            request(json!({"url": "/a", "SETHEADERS": {"A": "1", "B": null}, "deleteHeaders": ["C", null],
            "AddParams": {"p": "1"}, "ExtendedParams": {"q": ["1", "2"], "r": null}, "DeleteParams": ["s"],
            "Method": 7, "Unknown": {}}));
        let changes = changes.unwrap();
        assert_eq!(changes.url.as_deref(), Some("/a"));
        assert_eq!(changes.set_headers, [pair("A", "1"), pair("B", "")]);
        assert_eq!(changes.delete_headers, ["C", ""]);
        assert_eq!((changes.add_params, changes.delete_params), (vec![pair("p", "1")], vec!["s".to_owned()]));
        assert_eq!(
            changes.extended_params,
            [("q".to_owned(), vec!["1".to_owned(), "2".to_owned()]), ("r".to_owned(), vec![])]
        );
        assert_eq!((changes.body, changes.answer), (BodyChange::Kept, None));
    }

    #[test]
    fn values_of_other_types_are_refused_by_name() {
        for (value, name) in [
            (json!({"SetHeaders": {"A": 1}}), "`SetHeaders.A`, which is a number and must be a string"),
            (json!({"SetHeaders": []}), "`SetHeaders`, which is an array"),
            (json!({"DeleteHeaders": "A"}), "`DeleteHeaders`, which is a string"),
            (json!({"ExtendedParams": {"a": "b"}}), "`ExtendedParams.a`, which is a string"),
            (json!({"URL": 1}), "`URL`"),
            (json!({"IgnoreBody": 1}), "`IgnoreBody`"),
            (json!({"Body": {}}), "`Body`"),
            (json!({"BodyBase64": "?"}), "`BodyBase64`"),
            (json!({"ReturnOverrides": {"ResponseCode": "403"}}), "`ResponseCode`, which is a string"),
            (json!({"ReturnOverrides": {"ResponseCode": 200.5}}), "`ResponseCode`"),
            (json!({"ReturnOverrides": {"ResponseCode": 1000}}), "the status 1000"),
            (json!({"ReturnOverrides": {"ResponseCode": -1}}), "the status -1"),
            (json!({"ReturnOverrides": {"ResponseCode": 101}}), "the status 101"),
            (json!({"ReturnOverrides": {"ResponseHeaders": {"a": 1}}}), "`ResponseHeaders.a`"),
        ] {
            let message = request(value).unwrap_err();
            assert!(message.contains(name), "{message}");
        }
        for text in ["", "null", "[]", "{}", "{\"Request\":null}", "{\"Request\":\"x\"}", "\"x\""] {
            let error = RequestChanges::parse(text).unwrap_err();
            assert_eq!(error.class, ErrorClass::BadResult);
            assert!(error.message.contains("ReturnData"), "{text}: {error}");
        }
        let meta = RequestChanges::parse(r#"{"Request":{},"SessionMeta":"x"}"#).unwrap_err();
        assert!(meta.message.contains("`SessionMeta`"), "{meta}");
    }

    #[test]
    fn bodies_stay_or_change() {
        let body = Bytes::from_static(b"a\xff");
        let after = |value: Value| request(value).unwrap().body.applied_to(&body);
        assert_eq!(after(json!({})), None);
        assert_eq!(after(json!({"Body": "a\u{fffd}"})), None);
        assert_eq!(after(json!({"Body": "b"})), Some("b".into()));
        assert_eq!(after(json!({"Body": ""})), Some(Bytes::new()));
        assert_eq!(after(json!({"Body": "b", "IgnoreBody": true})), None);
        assert_eq!(after(json!({"Body": "b", "BodyBase64": "//4="})), Some(Bytes::from_static(b"\xff\xfe")));
        let kept = RequestChanges::parse(r#"{"Request":{"Body":"x"},"BodyKept":true}"#).unwrap();
        assert_eq!(kept.body, BodyChange::Kept);
        // A response without a body is empty.
        assert_eq!(response(json!({})).unwrap().body, BodyChange::Text(String::new()));
        assert_eq!(response(json!({"Body": null})).unwrap().body, BodyChange::Text(String::new()));
    }

    #[test]
    fn answers_are_found_by_both_spellings() {
        let answer = |overrides: Value| request(json!({"ReturnOverrides": overrides})).unwrap().answer;
        let empty = json!({"ResponseCode": 0, "ResponseError": "", "ResponseBody": "", "ResponseHeaders": null,
            "OverrideError": false});
        assert_eq!(answer(empty.clone()), None);
        let mut older = empty;
        older["response_code"] = 403.into();
        older["response_body"] = "no".into();
        older["headers"] = json!({"A": "1", "B": ["2", "3"]});
        let answered = answer(older.clone()).unwrap();
        assert_eq!((answered.code, answered.text.as_str(), answered.is_error), (403, "no", true));
        assert_eq!(answered.headers.len(), 2);
        older["override_error"] = true.into();
        assert!(!answer(older).unwrap().is_error);
        let both = answer(json!({"ResponseCode": 200, "ResponseError": "e", "ResponseBody": "b"})).unwrap();
        assert_eq!((both.text.as_str(), both.is_error), ("e", false));
    }

    #[test]
    fn response_changes_are_read() {
        let changes =
            response(json!({"StatusCode": 299, "Body": "b", "Headers": {"x": 1}, "SetHeaders": {"A": "1"},
            "DeleteHeaders": ["B"]}));
        let changes = changes.unwrap();
        assert_eq!((changes.code, changes.body), (Some(299), BodyChange::Text("b".into())));
        assert_eq!(response(json!({"StatusCode": 0})).unwrap().code, None);
        assert!(response(json!({"StatusCode": "200"})).is_err());
        assert!(response(json!({"Body": 5})).unwrap_err().contains("`Body`"));
    }
}
