//! What is read, and what of it is served; `refused` has what is not.

mod damaged;
mod refused;

use std::time::Duration;

use serde_json::{Value, json};

use super::read;
use crate::apidef::{
    ApiDefinition,
    events::{BodyTemplate, EventHandlerKind},
    model::{Endpoints, ExampleBody, HookUse, Mock, OnLoadFailure, ScriptSource, Versioning},
    read::Read,
};

fn document() -> Value {
    json!({
        "openapi": "3.0.3", "info": {"title": "Users", "version": "1"}, "components": {},
        "paths": {
            "/users": {"get": {"operationId": "getUsers"}, "post": {"operationId": "addUser"}},
            "/users/{id}": {"get": {"operationId": "getUser"}}
        },
        "x-tyk-api-gateway": {
            "info": {"id": "users", "orgId": "default", "name": "users", "state": {"active": true}},
            "upstream": {"url": "http://localhost:1/"},
            "server": {"listenPath": {"value": "/users-api/", "strip": true}},
            "middleware": {"global": {}, "operations": {}}
        }
    })
}

const X: &str = "/x-tyk-api-gateway";

/// The document with values put at pointers; a pointer that begins with `!` is inside `x-tyk-api-gateway`.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut document = document();
    for (pointer, value) in changes {
        let pointer = pointer.strip_prefix('!').map_or((*pointer).to_owned(), |rest| format!("{X}{rest}"));
        let mut place = &mut document;
        for step in pointer.split('/').skip(1) {
            place = &mut place[step.replace("~1", "/")];
        }
        *place = value.clone();
    }
    document
}

/// The document with middleware for `getUsers`.
fn operation(rules: Value) -> Value {
    with(&[("!/middleware/operations/getUsers", rules)])
}

fn served(document: Value) -> ApiDefinition {
    let read = read(document);
    assert!(read.problems.refusals.is_empty(), "{:?}", read.problems.refusals);
    read.definition.unwrap()
}

fn endpoints(document: Value) -> Endpoints {
    match served(document).versioning {
        Versioning::Single(version) => version.endpoints,
        other => panic!("{other:?}"),
    }
}

/// Fields and messages of what keeps it from being served.
fn refusals(read: &Read) -> Vec<(&str, &str)> {
    read.problems.refusals.iter().map(|problem| (problem.field.as_str(), problem.message.as_str())).collect()
}

#[test]
fn an_api_is_read() {
    let definition = served(with(&[
        ("!/server/customDomain", json!({"enabled": true, "name": "Api.Example"})),
        ("!/upstream/preserveHostHeader", json!({"enabled": true})),
        ("!/upstream/rateLimit", json!({"enabled": true, "rate": 5, "per": "1m30s"})),
        (
            "!/server/ipAccessControl",
            json!({"enabled": true, "allow": ["10.0.0.0/8"], "block": ["10.0.0.1"]}),
        ),
        ("!/middleware/global/cors", json!({"enabled": true, "allowedHeaders": ["X-One"], "maxAge": 5})),
        ("!/middleware/global/requestSizeLimit", json!({"enabled": true, "value": 100})),
        ("!/middleware/global/ignoreCase", json!({"enabled": true})),
        (
            "!/middleware/global/transformRequestHeaders",
            json!({"enabled": true, "remove": ["X-A"], "add": [{"name": "X-B", "value": "$tyk_context.path"}]}),
        ),
        ("!/middleware/global/pluginConfig/data", json!({"enabled": true, "value": {"a": null}})),
        ("!/info/expiration", json!("2006-01-02 15:04")),
    ]));
    assert_eq!((&*definition.id, &*definition.name, &*definition.org_id), ("users", "users", "default"));
    assert_eq!((definition.listen_path.as_str(), definition.strip_listen_path), ("/users-api/", true));
    assert_eq!(definition.domain.as_deref(), Some("api.example"));
    assert!(definition.upstream.preserve_host_header && definition.client_addresses.allow_list);
    let limit = definition.rate_limit.unwrap();
    assert_eq!((limit.requests, limit.per), (5, Duration::from_secs(90)));
    let cors = definition.cors.clone().unwrap();
    assert_eq!(
        (cors.allowed_headers, cors.allowed_origins, cors.max_age),
        (vec!["x-one".into()], vec!["*".into()], 5)
    );
    assert_eq!(definition.config_data, Some(json!({"a": null})));
    let version = &definition.versions()[0];
    assert!(version.ignore_case && version.expires.is_some() && version.size_limit == 100);
    assert_eq!((version.request_headers.remove.len(), version.request_headers.set.len()), (1, 1));
}

#[test]
fn a_name_is_found() {
    assert_eq!(&*served(with(&[("!/info/name", json!(""))])).name, "Users");
    assert_eq!(&*served(with(&[("!/info/name", Value::Null), ("/info", Value::Null)])).name, "users");
}

#[test]
fn both_versions_of_openapi_are_read() {
    for version in ["3.0.0", "3.0.3", "3.0", "3.1.0", "3.1.1"] {
        served(with(&[("/openapi", json!(version))]));
    }
    let bad = [
        ("/openapi", json!("2.0"), "`2.0` is not a version that is read; 3.0 and 3.1 are"),
        ("/openapi", json!("3.2.0"), "`3.2.0` is not a version"),
        ("/openapi", json!(3.0), "3.0 is not a text; write a version such as \"3.0.3\""),
    ];
    for (pointer, value, message) in bad {
        let read = read(with(&[(pointer, value)]));
        assert!(read.definition.is_none());
        let (field, found) = refusals(&read)[0];
        assert!(field == "openapi" && found.starts_with(message), "{found}");
    }
}

#[test]
fn inactive_is_left_out_without_an_error() {
    let read = read(with(&[("!/info/state/active", json!(false))]));
    assert!(read.definition.is_none() && read.inactive && read.problems.refusals.is_empty());
    assert_eq!(&*read.api_id, "users");
}

#[test]
fn operations_are_found_by_their_ids() {
    let on = json!({"enabled": true});
    let endpoints = endpoints(with(&[
        ("!/middleware/operations/getUsers", json!({"allow": {"enabled": true, "ignoreCase": true}})),
        (
            "!/middleware/operations/getUser",
            json!({"allow": on, "block": on, "ignoreAuthentication": on, "internal": on}),
        ),
        ("!/middleware/operations/addUser", json!({"block": {"enabled": false}})),
    ]));
    let allowed: Vec<_> =
        endpoints.allowed.iter().map(|entry| (entry.path.as_str(), entry.method.as_ref())).collect();
    assert_eq!(
        allowed,
        [("/users/{id}", Some(&http::Method::GET)), ("(?i)/users", Some(&http::Method::GET))]
    );
    assert_eq!((endpoints.blocked.len(), endpoints.ignored.len(), endpoints.internal.len()), (1, 1, 1));
}

#[test]
fn a_virtual_endpoint_is_read() {
    let rule = |rules: Value| endpoints(operation(json!({"virtualEndpoint": rules}))).virtual_endpoints;
    let inline =
        rule(json!({"enabled": true, "functionName": "f", "name": "g", "body": "dmFyIGE7", "path": "x.js",
        "requireSession": true, "proxyOnError": true}));
    assert!(matches!(&inline[0].rule.source, ScriptSource::Inline { text, .. } if &**text == "var a;"));
    assert!(&*inline[0].rule.function == "f" && inline[0].rule.use_session && inline[0].rule.proxy_on_error);
    let file = rule(json!({"enabled": true, "name": "g", "path": "x.js"}));
    assert!(&*file[0].rule.function == "g" && file[0].rule.source == ScriptSource::File("x.js".into()));
    assert!(rule(json!({"enabled": false, "functionName": "f"})).is_empty());
}

#[test]
fn rules_of_operations_are_read() {
    let endpoints = endpoints(operation(json!({
        "transformRequestHeaders": {"enabled": true, "add": [{"name": "X-A", "value": "1"}]},
        "transformResponseHeaders": {"enabled": true, "remove": ["X-A"]},
        "transformRequestMethod": {"enabled": true, "toMethod": "put"},
        "enforceTimeout": {"enabled": true, "value": "1500ms"},
        "requestSizeLimit": {"enabled": true, "value": 7},
        "mockResponse": {"enabled": true, "body": "x", "headers": [{"name": "X-M", "value": "1"}, {"name": "x-m", "value": "2"}]},
        "urlRewrite": {"enabled": true, "pattern": ".*", "rewriteTo": "a", "triggers": [{"condition": "all", "rewriteTo": "b",
            "rules": [{"in": "header", "name": "X", "pattern": "1"}, {"in": "header", "name": "X", "pattern": "2", "negate": true},
                {"in": "query", "name": "q", "pattern": "."}, {"in": "path", "name": "p", "pattern": "."},
                {"in": "requestBody", "pattern": "."}]}]},
    })));
    assert_eq!(endpoints.request_headers[0].rule.set.len(), 1);
    assert_eq!(endpoints.response_headers[0].rule.remove.len(), 1);
    assert_eq!(endpoints.methods[0].rule, "PUT");
    assert_eq!(endpoints.timeouts[0].rule, Duration::from_millis(1500));
    assert_eq!(endpoints.size_limits[0].rule, 7);
    let Mock::Fixed(answer) = &endpoints.upstream_mocks[0].rule else { panic!() };
    assert_eq!(
        (answer.status.as_u16(), answer.headers.len(), &answer.headers["x-m"]),
        (200, 2, &"2".parse().unwrap())
    );
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let trigger = &endpoints.rewrites[0].rule.triggers[0];
    assert!(!trigger.any && trigger.headers.len() == 1 && trigger.headers[0].reverse);
    assert!(trigger.query.len() == 1 && trigger.path_parts.len() == 1 && trigger.payload.is_some());
}

#[test]
fn examples_become_answers() {
    let example = |responses: Value| {
        let mock = json!({"mockResponse": {"enabled": true, "fromOASExamples": {"enabled": true, "code": 201,
            "contentType": "text/plain", "exampleName": "b"}}});
        let endpoints = endpoints(with(&[
            ("!/middleware/operations/getUsers", mock),
            ("/paths/~1users/get/responses", responses),
            (
                "/components/schemas",
                json!({"Loop": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Loop"}}},
                "User": {"type": ["null", "object"], "properties": {"id": {"type": "integer"}, "name": {"type": "string"},
                    "tags": {"type": "array", "items": {"enum": ["a"]}}, "on": {"type": "boolean"}}}}),
            ),
        ]));
        match &endpoints.upstream_mocks[0].rule {
            Mock::Examples(answers) => answers.clone(),
            other => panic!("{other:?}"),
        }
    };
    let answers = example(json!({
        "200": {"description": "", "headers": {"X-Status": {"schema": {"type": "boolean"}}, "X-None": {"schema": {}}},
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}}},
        "201": {"content": {"text/plain": {"example": "<a> & b"}, "text/csv": {"examples": {"b": {"value": 1}, "a": {}}}}},
        "default": {"content": {"text/plain": {"example": 1}}}, "2XX": {}, "99": {}
    }));
    assert_eq!(
        (answers.code, answers.content_type.as_str(), answers.name.as_deref()),
        (201, "text/plain", Some("b"))
    );
    assert_eq!(answers.responses.len(), 2);
    assert_eq!(answers.responses[0].headers.len(), 1);
    assert_eq!(answers.responses[0].headers["x-status"], "true");
    let one = |response: usize, media: usize| match &answers.responses[response].media[media].body {
        ExampleBody::One(body) => String::from_utf8(body.clone().unwrap().to_vec()).unwrap(),
        ExampleBody::Named(bodies) => format!("{bodies:?}"),
    };
    assert_eq!(one(0, 0), r#"{"id":0,"name":"string","on":true,"tags":["a"]}"#);
    assert_eq!(one(1, 1), r#""\u003ca\u003e \u0026 b""#);
    assert_eq!(one(1, 0), r#"[("a", None), ("b", Some(b"1"))]"#);
}

#[test]
fn an_example_without_an_end_is_refused() {
    let read = read(with(&[
        (
            "!/middleware/operations/getUsers",
            json!({"mockResponse": {"enabled": true, "fromOASExamples": {"enabled": true}}}),
        ),
        (
            "/paths/~1users/get/responses",
            json!({"200": {"content": {"a/b": {"schema": {"$ref": "#/components/schemas/L"}}}}}),
        ),
        (
            "/components/schemas/L",
            json!({"type": "object", "properties": {"next": {"$ref": "#/components/schemas/L"}}}),
        ),
    ]));
    let (field, message) = refusals(&read)[0];
    assert_eq!(field, "paths./users.get.responses.200.content.a/b.schema");
    assert!(
        message.starts_with("operation `getUsers` (GET /users): gives an example without an end"),
        "{message}"
    );
}

#[test]
fn hooks_in_javascript_are_read() {
    let definition = served(with(&[
        (
            "!/middleware/global/prePlugins",
            json!([{"enabled": true, "functionName": "a", "path": "a.js", "requireSession": true},
                {"enabled": true, "name": "b", "code": "dmFyIGI7"}]),
        ),
        (
            "!/server/eventHandlers",
            json!([{"enabled": true, "trigger": "AuthFailure", "type": "custom", "functionName": "e", "path": "e.js"}]),
        ),
    ]));
    let scripts: Vec<_> = definition.hooks.scripts().collect();
    let names: Vec<&str> = scripts.iter().map(|script| &*script.object).collect();
    assert_eq!((names, scripts[0].require_session), (vec!["a", "b"], true));
    assert_eq!(scripts[0].source, Some(ScriptSource::File("a.js".into())));
    assert!(matches!(&scripts[1].source, Some(ScriptSource::Inline { text, .. }) if &**text == "var b;"));
    let (event, place) = definition.event_scripts().next().unwrap();
    assert_eq!((&*event.object, &*place.field), ("e", "x-tyk-api-gateway.server.eventHandlers[0]"));
}

#[test]
fn both_spellings_of_hooks_are_read() {
    let hook = |name: &str| json!({"enabled": true, "functionName": name, "path": "a.so", "timeout": "2s", "onLoadFailure": "refuse"});
    let definition = served(with(&[
        ("!/middleware/global/pluginConfig/driver", json!("goplugin")),
        (
            "!/middleware/global/prePlugins",
            json!([hook("a"), {"enabled": false, "functionName": "off", "path": "x"}]),
        ),
        ("!/middleware/global/prePlugin/plugins", json!([hook("older")])),
        ("!/middleware/global/postAuthenticationPlugin/plugins", json!([hook("b")])),
        ("!/middleware/global/postPlugin/plugins", json!([hook("c")])),
        ("!/middleware/global/responsePlugins", json!([hook("d")])),
        ("!/middleware/global/trafficLogs", json!({"enabled": true, "plugins": [hook("e")]})),
        (
            "!/middleware/operations/getUsers/postPlugins",
            json!([{"enabled": true, "name": "f", "path": "a.so", "config": {"a": null}}, hook("g")]),
        ),
        (
            "!/server/authentication",
            json!({"enabled": true, "custom": {"enabled": true, "config": hook("h")}}),
        ),
    ]));
    let hooks = &definition.hooks;
    let plugin = |hook: &HookUse| match hook {
        HookUse::Plugin(plugin) => plugin.clone(),
        HookUse::Script(script) => panic!("{script:?}"),
    };
    let names = |list: &[HookUse]| -> Vec<String> {
        list.iter().map(|hook| plugin(hook).function.to_string()).collect()
    };
    assert_eq!(
        [names(&hooks.pre), names(&hooks.post_key_auth), names(&hooks.post), names(&hooks.response)].concat(),
        ["a", "b", "c", "d"]
    );
    assert_eq!(&*plugin(hooks.auth_check.as_ref().unwrap()).function, "h");
    assert_eq!(&*hooks.analytics.as_ref().unwrap().function, "e");
    assert_eq!(&*plugin(&hooks.post[0]).field, "x-tyk-api-gateway.middleware.global.postPlugin.plugins[0]");
    assert_eq!(
        (plugin(&hooks.pre[0]).timeout, plugin(&hooks.pre[0]).on_load_failure),
        (Some(Duration::from_secs(2)), OnLoadFailure::Refuse)
    );
    let endpoint = &definition.versions()[0].endpoints.plugins;
    assert_eq!(
        (endpoint.len(), &*endpoint[0].rule.function, endpoint[0].rule.config.as_deref()),
        (1, "f", Some(r#"{"a":null}"#))
    );
}

#[test]
fn answers_are_kept_and_batches_taken() {
    let definition = served(with(&[
        ("!/server/batchProcessing", json!({"enabled": true})),
        (
            "!/middleware/global/cache",
            json!({"enabled": true, "timeout": 5, "cacheAllSafeRequests": true, "cacheResponseCodes": [200],
            "cacheByHeaders": ["X-A"], "enableUpstreamCacheControl": true, "controlTTLHeaderName": "X-Ttl"}),
        ),
        (
            "!/middleware/operations/addUser",
            json!({"cache": {"enabled": true, "cacheByRegex": "a", "timeout": 7, "cacheResponseCodes": [201]}}),
        ),
    ]));
    let cache = definition.cache.as_ref().unwrap();
    assert!(definition.batch && cache.all_safe_requests && cache.timeout == Duration::from_secs(5));
    assert_eq!(
        (cache.by_headers[0].as_str(), cache.upstream_control.as_ref().unwrap().as_str()),
        ("x-a", "x-ttl")
    );
    let endpoint = &definition.versions()[0].endpoints.cached[0];
    assert_eq!((endpoint.path.as_str(), endpoint.method.as_ref()), ("/users", Some(&http::Method::POST)));
    assert_eq!(
        (endpoint.rule.body_pattern.as_deref(), endpoint.rule.timeout),
        (Some("a"), Some(Duration::from_secs(7)))
    );
    assert!(served(document()).cache.is_none());
}

#[test]
fn event_handlers_are_read() {
    let hook = json!({"enabled": true, "trigger": "RatelimitExceeded", "type": "webhook", "name": "alert", "url": "http://a/b",
        "method": "POST", "headers": [{"name": "X-A", "value": "1"}], "bodyTemplate": "t.json", "cooldownPeriod": "1m"});
    let log = json!({"enabled": true, "trigger": "VersionFailure", "type": "log", "logPrefix": "shop"});
    let handlers =
        served(with(&[("!/server/eventHandlers", json!([hook, {"enabled": false}, log]))])).event_handlers;
    assert_eq!((handlers.len(), &*handlers[1].field), (2, "x-tyk-api-gateway.server.eventHandlers[2]"));
    assert!(matches!(&handlers[1].handler, EventHandlerKind::Log { prefix } if prefix == "shop"));
    let EventHandlerKind::WebHook(hook) = &handlers[0].handler else { panic!() };
    assert_eq!(
        (hook.method.as_str(), hook.target.as_str(), hook.cooldown),
        ("POST", "http://a/b", Duration::from_secs(60))
    );
    assert_eq!(
        (&hook.headers["x-a"], &hook.template),
        (&"1".parse().unwrap(), &BodyTemplate::File("t.json".into()))
    );
}

#[test]
fn balancing_follows_the_weights() {
    let targets =
        |list: Value| read(with(&[("!/upstream/loadBalancing", json!({"enabled": true, "targets": list}))]));
    let read = targets(
        json!([{"url": "a:1", "weight": 200}, {"url": "b:1", "weight": 100}, {"url": "c:1", "weight": 0}]),
    );
    let hosts: Vec<_> = read.definition.unwrap().upstream.targets.iter().map(|url| url.to_string()).collect();
    assert_eq!(hosts, ["http://a:1/", "http://a:1/", "http://b:1/"]);
    for list in
        [json!([{"url": "a"}]), json!([{"url": "a", "weight": 1}, {"url": "b", "weight": 4_000_000_000_u32}])]
    {
        assert_eq!(refusals(&targets(list))[0].0, "x-tyk-api-gateway.upstream.loadBalancing.targets");
    }
}

#[test]
fn null_is_absent_and_empty_means_nothing() {
    let nothing = json!({"enabled": false});
    let read = read(with(&[
        ("!/server/authentication", nothing.clone()),
        ("!/middleware/operations", Value::Null),
        (
            "!/middleware/global",
            json!({"prePlugins": null, "cors": nothing, "trafficLogs": {"enabled": false, "plugins": null}}),
        ),
        ("!/made_up", json!({"a": [null, "", 0]})),
    ]));
    assert!(read.problems.warnings.is_empty() && read.definition.is_some(), "{:?}", read.problems);
}

#[test]
fn keys_are_where_document_and_scheme_say() {
    let keys = |document: Value, scheme: Value| {
        let keys = read(with(&[
            ("/components/securitySchemes", json!({"key": document})),
            (
                "!/server/authentication",
                json!({"enabled": true, "stripAuthorizationData": true, "securitySchemes": {"key": scheme}}),
            ),
        ]));
        let keys = keys.definition.unwrap().keys.unwrap();
        assert!(keys.strip);
        let header = keys.header.map(|name| name.to_string());
        [header, keys.parameter, keys.cookie].map(Option::unwrap_or_default)
    };
    let on = json!({"enabled": true});
    let header = json!({"type": "apiKey", "in": "header", "name": "X-Key"});
    assert_eq!(keys(header.clone(), on.clone()), ["x-key", "", ""]);
    assert_eq!(keys(json!({"type": "apiKey", "in": "query", "name": "k"}), on.clone()), ["", "k", ""]);
    let more = json!({"enabled": true, "query": {"enabled": true, "name": "k"}, "cookie": {"enabled": true}});
    assert_eq!(keys(header.clone(), more), ["x-key", "k", "X-Key"]);
    // As in Tyk, the document's name counts where it has one.
    let other = json!({"enabled": true, "header": {"enabled": true, "name": "X-Other"}});
    assert_eq!(keys(header, other.clone()), ["x-key", "", ""]);
    let query = json!({"type": "apiKey", "in": "query", "name": "k"});
    assert_eq!(keys(query.clone(), other), ["x-other", "k", ""]);
    let cookie = json!({"enabled": true, "cookie": {"enabled": true}});
    assert_eq!(keys(query, cookie), ["", "k", "Authorization"]);
    let off = json!({"enabled": false});
    assert_eq!(keys(json!({"type": "apiKey", "in": "query", "name": "k"}), off), ["authorization", "", ""]);
}
