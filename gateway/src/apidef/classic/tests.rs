use serde_json::{Value, json};

use super::read;
use crate::apidef::model::{HookUse, KeyAuth, OnLoadFailure, ScriptSource, Versioning};

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
        ("/enable_jwt".to_owned(), json!(true), "enable_jwt"),
        ("/auth".to_owned(), json!({"use_certificate": true}), "auth.use_certificate"),
        ("/auth".to_owned(), json!({"validate_signature": true}), "auth.validate_signature"),
        (
            "/auth_configs".to_owned(),
            json!({"authToken": {"use_certificate": true}}),
            "auth_configs.authToken.use_certificate",
        ),
        ("/graphql".to_owned(), json!({"enabled": true}), "graphql.enabled"),
        ("/proxy/listen_path".to_owned(), json!(""), "proxy.listen_path"),
        ("/proxy/listen_path".to_owned(), json!(7), "proxy.listen_path"),
        ("/proxy/target_url".to_owned(), json!("http://"), "proxy.target_url"),
        ("/proxy/target_url".to_owned(), json!("ftp://x"), "proxy.target_url"),
        (
            "/custom_middleware".to_owned(),
            json!({"driver": "grpc", "pre": [{"name": "x", "path": "y"}]}),
            "custom_middleware.pre[0]",
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
            "version_data.versions.Default.extended_paths.go_plugin[0].plugin_path",
        ),
        (
            format!("{paths}/validate_json"),
            json!([{"path": "/x"}]),
            "version_data.versions.Default.extended_paths.validate_json[0].schema",
        ),
        (
            format!("{paths}/validate_json"),
            json!([{"path": "/x", "schema": {"type": "text"}}]),
            "version_data.versions.Default.extended_paths.validate_json[0].schema",
        ),
        ("/definition".to_owned(), json!({"enabled": true, "location": "cookie"}), "definition.location"),
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

#[test]
fn what_upstreams_are_called_with_is_said() {
    for (pointer, value, warned) in [
        ("/proxy/transport", json!({"ssl_min_version": 772}), "proxy.transport.ssl_min_version"),
        ("/proxy/transport", json!({"ssl_max_version": 771}), "proxy.transport.ssl_max_version"),
        ("/proxy/transport", json!({"ssl_ciphers": ["X"]}), "proxy.transport.ssl_ciphers"),
        ("/proxy/transport", json!({"ssl_min_version": 771, "ssl_max_version": 772}), ""),
        ("/proxy/check_host_against_uptime_tests", json!(true), "proxy.check_host_against_uptime_tests"),
    ] {
        let problems = read(with(pointer, value)).problems;
        let fields: Vec<&str> = problems.warnings.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields.join(","), warned);
    }
}

/// The definition behind keys, with this `custom_middleware`.
fn protected(middleware: Value) -> Value {
    let mut definition = with("/custom_middleware", middleware);
    definition["use_keyless"] = false.into();
    definition
}

#[test]
fn a_plugin_may_authenticate() {
    let hook = json!({"name": "check", "path": "auth.so"});
    let read = read(protected(json!({"driver": "goplugin", "auth_check": hook})));
    let auth_check = read.definition.unwrap().hooks.auth_check.unwrap();
    let HookUse::Plugin(plugin) = auth_check else { panic!() };
    assert_eq!((&*plugin.function, plugin.file.to_str()), ("check", Some("auth.so")));
}

#[test]
fn nothing_protected_is_served_open() {
    let hook = |extra: Value| {
        let mut hook = json!({"name": "check", "path": "auth.so"});
        hook.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        hook
    };
    let cases = [
        (
            json!({"driver": "python", "auth_check": hook(json!({"path": "auth.py"}))}),
            "custom_middleware.auth_check",
        ),
        (
            json!({"driver": "rust", "auth_check": hook(json!({"on_load_failure": "proxy"}))}),
            "custom_middleware.auth_check.on_load_failure",
        ),
        (json!({"driver": "rust", "auth_check": {"name": "check"}}), "custom_middleware.auth_check.path"),
    ];
    for (middleware, field) in cases {
        let read = read(protected(middleware));
        let fields: Vec<&str> = read.problems.refusals.iter().map(|problem| problem.field.as_str()).collect();
        assert!(read.definition.is_none() && fields.contains(&field), "{field}: {fields:?}");
    }
    // What asks for nothing else asks for keys; a hook alone decides unless keys are asked for besides.
    for (middleware, standard, keys) in [
        (json!({"driver": "rust"}), false, true),
        (json!({"driver": "rust", "auth_check": hook(json!({"disabled": true}))}), false, true),
        (json!({"driver": "rust", "auth_check": hook(json!({}))}), false, false),
        (json!({"driver": "rust", "auth_check": hook(json!({}))}), true, true),
    ] {
        let mut definition = protected(middleware);
        definition["use_standard_auth"] = standard.into();
        assert_eq!(read(definition).definition.unwrap().keys.is_some(), keys);
    }
    let mut flag = protected(json!({"driver": "rust"}));
    flag["use_go_plugin_auth"] = true.into();
    assert_eq!(read(flag).problems.refusals[0].field, "use_go_plugin_auth");
}

#[test]
fn a_hook_is_in_the_language_that_it_the_file_or_the_section_says() {
    let language = |section: &str, hook: Value| {
        let mut definition = with("/custom_middleware", json!({"driver": section, "pre": [hook]}));
        definition["use_keyless"] = true.into();
        let read = read(definition);
        let hooks = read.definition.unwrap_or_else(|| panic!("{:?}", read.problems)).hooks;
        match &hooks.pre[0] {
            HookUse::Plugin(_) => "rust",
            HookUse::Script(_) => "js",
        }
    };
    for (section, hook, expected) in [
        ("", json!({"name": "a", "path": "a.js"}), "js"),
        ("otto", json!({"name": "a"}), "js"),
        ("goplugin", json!({"name": "a", "path": "a.js"}), "js"),
        ("goplugin", json!({"name": "a", "code": "dmFyIGEK"}), "js"),
        ("goplugin", json!({"name": "a", "path": "plugins/a"}), "rust"),
        ("", json!({"name": "a", "path": "a.so"}), "rust"),
        ("", json!({"name": "a", "path": "a", "driver": "rust"}), "rust"),
        ("rust", json!({"name": "a", "path": "a.so.txt", "driver": "otto"}), "js"),
    ] {
        assert_eq!(language(section, hook.clone()), expected, "{section} {hook}");
    }
    let hook =
        json!({"name": "a", "path": "a.js", "code": "dmFyIGEK", "require_session": true, "timeout": 5});
    let read = read(with("/custom_middleware", json!({"pre": [hook]})));
    assert_eq!(read.problems.warnings[0].field, "custom_middleware.pre[0].timeout");
    let hooks = read.definition.unwrap().hooks;
    let script = hooks.scripts().next().unwrap();
    assert_eq!((&*script.object, script.require_session), ("a", true));
    assert!(matches!(&script.source, Some(ScriptSource::Inline { text, .. }) if &**text == "var a\n"));
}

#[test]
fn keys_are_where_the_definition_says() {
    let keys = |field: &str, written: Value| {
        let mut definition = protected(json!({}));
        definition[field] = written;
        definition["strip_auth_data"] = true.into();
        read(definition).definition.unwrap().keys.unwrap()
    };
    let shown = |keys: &KeyAuth| {
        let header = keys.header.as_ref().map(ToString::to_string);
        [header, keys.parameter.clone(), keys.cookie.clone()].map(Option::unwrap_or_default)
    };
    let none = keys("auth", json!({}));
    assert_eq!((shown(&none), none.strip), (["authorization", "", ""].map(str::to_owned), true));
    let named =
        json!({"auth_header_name": "X-Key", "use_param": true, "use_cookie": true, "cookie_name": "sid"});
    assert_eq!(shown(&keys("auth", named.clone())), ["x-key", "X-Key", "sid"]);
    assert_eq!(shown(&keys("auth_configs", json!({"authToken": named}))), ["x-key", "X-Key", "sid"]);
    let without = json!({"disable_header": true, "use_param": true, "auth_header_name": "X-Key"});
    assert_eq!(shown(&keys("auth", without)), ["", "Authorization", ""]);
    let mut bad = protected(json!({}));
    bad["auth"] = json!({"auth_header_name": "not a header"});
    assert_eq!(read(bad).problems.refusals[0].field, "auth.auth_header_name");
}

#[test]
fn places_of_plugins_are_read() {
    let paths = "/version_data/versions/Default/extended_paths";
    let mut definition = with(
        &format!("{paths}/go_plugin"),
        json!([{"path": "/a", "method": "GET", "plugin_path": "a.so", "func_name": "f",
                "config": {"keeps": null}, "timeout": 1.5, "on_load_failure": "refuse"}]),
    );
    definition["analytics_plugin"] = json!({"enable": true, "plugin_path": "r.so", "func_name": "r"});
    let read_definition = read(definition.clone()).definition.unwrap();
    let place = &read_definition.versions()[0].endpoints.plugins[0].rule;
    assert_eq!(place.config.as_deref(), Some(r#"{"keeps":null}"#));
    assert_eq!(place.timeout, Some(std::time::Duration::from_millis(1500)));
    assert_eq!(place.on_load_failure, OnLoadFailure::Refuse);
    assert_eq!(&*place.field, "version_data.versions.Default.extended_paths.go_plugin[0]");
    let files: Vec<_> = read_definition.files().filter_map(std::path::Path::to_str).collect();
    assert_eq!(files, ["r.so", "a.so"]);
    definition["do_not_track"] = true.into();
    assert!(read(definition).definition.unwrap().hooks.analytics.is_none());
}

#[test]
fn what_scripts_may_use_is_read_and_checked() {
    let entry = "/version_data/versions/Default/extended_paths/virtual/0/gatehouse";
    let mut json = with("/gatehouse", json!({"javascript": {"timeout": 1.5, "max_outbound_calls": 3}}));
    let virtual_entry = json.pointer_mut(entry.strip_suffix("/gatehouse").unwrap()).unwrap();
    virtual_entry["gatehouse"] =
        json!({"javascript": {"max_memory_bytes": 8 << 20, "max_response_bytes": 4096}});
    let read = read(json);
    assert!(read.problems.refusals.is_empty() && read.problems.warnings.is_empty(), "{:?}", read.problems);
    let definition = read.definition.unwrap();
    let api = definition.script_budget;
    assert_eq!(api.time, Some(std::time::Duration::from_millis(1500)));
    assert_eq!((api.outbound_calls, api.memory_bytes, api.response_bytes), (Some(3), None, None));
    let endpoint = definition.versions()[0].endpoints.virtual_endpoints[0].rule.budget;
    assert_eq!(
        (endpoint.memory_bytes, endpoint.response_bytes, endpoint.time),
        (Some(8 << 20), Some(4096), None)
    );
}

#[test]
fn what_scripts_may_use_has_ranges() {
    for (key, value, place) in [
        ("timeout", json!(0), "gatehouse.javascript.timeout"),
        ("timeout", json!(-1), "gatehouse.javascript.timeout"),
        ("timeout", json!(1e9), "gatehouse.javascript.timeout"),
        ("timeout", json!("5s"), "gatehouse.javascript.timeout"),
        ("max_memory_bytes", json!(1 << 20), "gatehouse.javascript.max_memory_bytes"),
        ("max_memory_bytes", json!(1_u64 << 40), "gatehouse.javascript.max_memory_bytes"),
        ("max_outbound_calls", json!(-1), "gatehouse.javascript.max_outbound_calls"),
        ("max_response_bytes", json!(1), "gatehouse.javascript.max_response_bytes"),
    ] {
        let path = format!("/gatehouse/javascript/{key}");
        let refused = read(with("/gatehouse", json!({"javascript": {key: value}}))).problems.refusals;
        assert_eq!(refused.len(), 1, "{path}: {refused:?}");
        assert_eq!(refused[0].field, place);
    }
}
