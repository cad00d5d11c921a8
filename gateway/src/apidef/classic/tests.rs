use serde_json::{Value, json};

use super::read;
use crate::apidef::model::{ScriptSource, Versioning};

fn definition() -> Value {
    json!({
        "name": "users", "api_id": "users", "org_id": "default", "active": true, "use_keyless": true,
        "version_data": {"not_versioned": true, "versions": {"Default": {"name": "Default", "use_extended_paths": true,
            "extended_paths": {"virtual": [{"path": "/ve", "method": "GET", "response_function_name": "handler",
                "function_source_type": "blob", "function_source_uri": "dmFyIGE7"}]}}}},
        "proxy": {"listen_path": "/users/", "target_url": "http://localhost:1/", "strip_listen_path": true}
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut definition = definition();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    definition.pointer_mut(parent).unwrap()[key] = value;
    definition
}

#[test]
fn reads_a_virtual_endpoint() {
    let read = read(definition());
    assert!(read.problems.refusals.is_empty(), "{:?}", read.problems);
    let definition = read.definition.unwrap();
    let Versioning::Single(version) = &definition.versioning else { panic!("{definition:?}") };
    let endpoint = &version.endpoints.virtual_endpoints[0];
    assert_eq!(&*endpoint.rule.function, "handler");
    assert!(matches!(&endpoint.rule.source, ScriptSource::Inline { text, .. } if &**text == "var a;"));
}

#[test]
fn null_is_absent() {
    let read = read(with("/version_data/versions/Default/extended_paths/ignored", Value::Null));
    assert!(read.definition.is_some(), "{:?}", read.problems);
}

#[test]
fn inactive_is_left_out_without_an_error() {
    let read = read(with("/active", json!(false)));
    assert!(read.definition.is_none() && read.inactive && read.problems.refusals.is_empty());
}

#[test]
fn refusals_name_the_field() {
    let paths = "/version_data/versions/Default/extended_paths";
    let cases = [
        ("/use_keyless".to_owned(), json!(false), "use_keyless"),
        ("/enable_jwt".to_owned(), json!(true), "enable_jwt"),
        ("/auth".to_owned(), json!({"use_certificate": true}), "auth.use_certificate"),
        ("/graphql".to_owned(), json!({"enabled": true}), "graphql.enabled"),
        ("/proxy/listen_path".to_owned(), json!(""), "proxy.listen_path"),
        ("/proxy/listen_path".to_owned(), json!(7), "proxy.listen_path"),
        ("/proxy/target_url".to_owned(), json!("http://"), "proxy.target_url"),
        ("/proxy/target_url".to_owned(), json!("ftp://x"), "proxy.target_url"),
        (
            "/custom_middleware".to_owned(),
            json!({"pre": [{"name": "x", "path": "y"}]}),
            "custom_middleware.pre",
        ),
        (
            format!("{paths}/virtual/0/path"),
            json!("/a("),
            "version_data.versions.Default.extended_paths.virtual[0].path",
        ),
        (
            format!("{paths}/virtual/0/function_source_uri"),
            json!("%%%"),
            "version_data.versions.Default.extended_paths.virtual[0].function_source_uri",
        ),
        (
            format!("{paths}/go_plugin"),
            json!([{"path": "/x"}]),
            "version_data.versions.Default.extended_paths.go_plugin[0]",
        ),
        (
            format!("{paths}/validate_json"),
            json!([{"path": "/x"}]),
            "version_data.versions.Default.extended_paths.validate_json",
        ),
        (
            format!("{paths}/mock_response"),
            json!([{"path": "/x", "code": 99}]),
            "version_data.versions.Default.extended_paths.mock_response[0].code",
        ),
    ];
    for (pointer, value, field) in cases {
        let read = read(with(&pointer, value));
        assert!(read.definition.is_none(), "{field} was served");
        let fields: Vec<&str> = read.problems.refusals.iter().map(|problem| problem.field.as_str()).collect();
        assert!(fields.contains(&field), "{field}: {:?}", read.problems.refusals);
    }
}

#[test]
fn disabled_entries_are_left_out() {
    let read = read(with("/version_data/versions/Default/extended_paths/virtual/0/disabled", json!(true)));
    let Versioning::Single(version) = read.definition.unwrap().versioning else { panic!() };
    assert!(version.endpoints.virtual_endpoints.is_empty());
}

#[test]
fn unknown_fields_are_one_warning_and_empty_ones_are_none() {
    let mut definition = with("/made_up", json!({"a": {"b": [0, "", null, {}]}}));
    assert!(read(definition.clone()).problems.warnings.is_empty());
    definition["made_up"] = json!(1);
    definition["proxy"]["made_up_too"] = json!("x");
    let problems = read(definition).problems;
    assert_eq!(problems.warnings.len(), 1, "{problems:?}");
    assert_eq!(problems.warnings[0].message, "fields without effect here: made_up, proxy.made_up_too");
}
