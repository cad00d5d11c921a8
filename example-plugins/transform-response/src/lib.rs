//! Changes what comes back from the upstream: fields that clients must not see are taken out of JSON.
//!
//! ```json
//! {"custom_middleware": {"driver": "rust", "response": [{"name": "redact", "path": "libtransform_response.so"}]},
//!  "config_data": {"redact": ["email", "password"]}}
//! ```
#![forbid(unsafe_code)]

use gatehouse_plugin::prelude::*;
use serde::Deserialize;
use serde_json::Value;

/// What is in `config_data` for this.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    redact: Vec<String>,
}

/// Replaces the fields named in `config_data.redact`, however deep they are, and says how many there were.
#[response_hook]
fn redact(
    response: &mut UpstreamResponse,
    request: &Request,
    context: &Context,
) -> gatehouse_plugin::Result<()> {
    response.remove_header("server")?;
    let is_json = response.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json || request.method() == "HEAD" {
        return Ok(());
    }
    let config: &Config = context.config_data()?;
    let mut body: Value = response.json()?;
    let count = replace(&mut body, &config.redact);
    if count > 0 {
        response.set_body(body.to_string())?;
        response.set_header("x-redacted", count.to_string())?;
    }
    Ok(())
}

/// Replaces hidden fields and gives their number.
fn replace(value: &mut Value, hidden: &[String]) -> usize {
    match value {
        Value::Array(values) => values.iter_mut().map(|value| replace(value, hidden)).sum(),
        Value::Object(fields) => {
            let mut count = 0;
            for (name, value) in fields.iter_mut() {
                if hidden.contains(name) {
                    *value = "(redacted)".into();
                    count += 1;
                } else {
                    count += replace(value, hidden);
                }
            }
            count
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::{
        Response,
        test::{self, Done},
    };
    use serde_json::json;

    use super::redact;

    fn call(response: Response) -> Done {
        let request = test::request("GET", "/users").config_data(&json!({ "redact": ["email"] }));
        test::respond(request, response.header("server", "upstream/1"), redact)
    }

    #[test]
    fn hidden_fields_are_replaced_wherever_they_are() {
        let body = json!({ "users": [{ "name": "Ada", "email": "a@x" }, { "email": "b@x" }] });
        let done = call(Response::json(200, &body).unwrap());
        let response = done.response().unwrap();
        let expected =
            json!({ "users": [{ "name": "Ada", "email": "(redacted)" }, { "email": "(redacted)" }] });
        assert_eq!(serde_json::from_slice::<serde_json::Value>(response.body_bytes()).unwrap(), expected);
        assert_eq!(response.header_value("x-redacted"), Some("2"));
        assert_eq!(response.header_value("server"), None);
    }

    #[test]
    fn other_answers_stay_as_they_are() {
        assert_eq!(call(Response::text("email")).response().unwrap().body_bytes(), b"email");
        assert_eq!(call(Response::text("{")).error(), None);
        let broken = Response::new(200).header("content-type", "application/json").body("{");
        assert!(call(broken).error().unwrap().contains("the upstream's answer"));
    }
}
