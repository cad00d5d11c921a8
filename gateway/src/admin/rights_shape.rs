//! What the reader of sessions and policies would take for an object although it is a list.
//!
//! serde reads `[…]` for a struct, field by field in their order; Tyk does not, and nobody means it.

use serde_json::Value;

use super::answer::{FieldError, Refused};

/// Refuses lists where objects belong, in what sessions and policies have in common.
///
/// # Errors
/// Names the first one.
pub(super) fn check(body: &[u8]) -> Result<(), Refused> {
    // Whether it is JSON at all has been found out before.
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    object(json.get("partitions"), || "partitions".to_owned())?;
    let rights = json.get("access_rights").and_then(Value::as_object);
    for (api, right) in rights.into_iter().flatten() {
        let field = |list: &str, index: usize| format!("access_rights.{api}.{list}[{index}]");
        for list in ["allowed_urls", "endpoints"] {
            for (index, item) in items(right.get(list)) {
                object(Some(item), || field(list, index))?;
                for (method, item) in items(item.get("methods").filter(|_| list == "endpoints")) {
                    object(Some(item), || format!("{}.methods[{method}]", field(list, index)))?;
                }
            }
        }
    }
    Ok(())
}

fn items(list: Option<&Value>) -> impl Iterator<Item = (usize, &Value)> {
    list.and_then(Value::as_array).into_iter().flatten().enumerate()
}

fn object(value: Option<&Value>, field: impl FnOnce() -> String) -> Result<(), Refused> {
    if !value.is_some_and(Value::is_array) {
        return Ok(());
    }
    let message = "expected an object in { }, found a list".to_owned();
    Err(Refused::malformed(FieldError { field: field(), line: None, column: None, message }))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn lists_are_no_objects() {
        for (body, field) in [
            (r#"{"partitions": [true]}"#, "partitions"),
            (r#"{"access_rights": {"a": {"allowed_urls": [{}, []]}}}"#, "access_rights.a.allowed_urls[1]"),
            (r#"{"access_rights": {"a": {"endpoints": [[]]}}}"#, "access_rights.a.endpoints[0]"),
            (
                r#"{"access_rights": {"a": {"endpoints": [{"methods": [["GET"]]}]}}}"#,
                "access_rights.a.endpoints[0].methods[0]",
            ),
        ] {
            let said = check(body.as_bytes()).unwrap_err().into_answer().refused.unwrap_or_default();
            assert!(said.contains(&format!("; {field}: expected an object")), "{body}: {said}");
        }
        let right = r#"{"access_rights": {"a": {"allowed_urls": [{"methods": ["GET"]}], "endpoints": null}}, "tags": []}"#;
        assert!(check(right.as_bytes()).is_ok());
    }
}
