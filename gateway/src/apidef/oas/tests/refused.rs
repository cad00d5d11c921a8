//! What is refused or warned about, with field and message.

use serde_json::{Value, json};

use super::{read, refusals, with};
use crate::apidef::reader::unavailable::UPSTREAM_TLS;

/// Values to put, the field that is refused then, and how its message begins.
type Case<'a> = (Vec<(&'a str, Value)>, &'a str, &'a str);

#[test]
fn refusals_name_the_field_and_the_operation() {
    let operation = |rules: Value| vec![("!/middleware/operations/getUsers", rules)];
    let cases: Vec<Case<'_>> = vec![
        (vec![("!", json!([]))], "", "is missing or not an object"),
        (vec![("!/info/id", Value::Null)], "info.id", "is missing"),
        (vec![("!/info/id", json!(7))], "info.id", "invalid type: integer `7`, expected a string"),
        (
            vec![("!/info/versioning", json!({"enabled": true, "location": "cookie"}))],
            "info.versioning.location",
            "`cookie` is not one of",
        ),
        (
            vec![(
                "!/middleware/global/cache",
                json!({"enabled": true, "timeout": 1, "cacheByHeaders": ["A", "b c"]}),
            )],
            "middleware.global.cache.cacheByHeaders[1]",
            "`b c` is not a header name",
        ),
        (
            operation(json!({"cache": {"enabled": true, "cacheByRegex": "("}})),
            "middleware.operations.getUsers.cache.cacheByRegex",
            "operation `getUsers`",
        ),
        (vec![("!/server/listenPath/value", json!(""))], "server.listenPath.value", "is missing"),
        (vec![("!/upstream/url", json!("ftp://x"))], "upstream.url", "`ftp://x`: the scheme"),
        (
            vec![("!/upstream/rateLimit", json!({"enabled": true, "rate": 1, "per": "soon"}))],
            "upstream.rateLimit.per",
            "`soon` is not a time",
        ),
        (
            vec![("!/upstream/rateLimit", json!({"per": []}))],
            "upstream.rateLimit.per",
            "expected a number of seconds or a text",
        ),
        (
            vec![("!/upstream/authentication", json!({"enabled": true}))],
            "upstream.authentication.enabled",
            "asks for authentication at the upstream",
        ),
        (
            vec![(
                "!/upstream/certificatePinning",
                json!({"enabled": true, "domainToPublicKeysMapping": [1]}),
            )],
            "upstream.certificatePinning",
            "certificate pinning",
        ),
        (
            vec![("!/server/clientCertificates", json!({"enabled": true}))],
            "server.clientCertificates.enabled",
            "asks for mutual TLS",
        ),
        (
            vec![("!/server/ipAccessControl", json!({"enabled": true, "allow": ["x"]}))],
            "server.ipAccessControl.allow[0]",
            "`x` is not an IP",
        ),
        (
            vec![
                ("!/middleware/global/pluginConfig/driver", json!("python")),
                (
                    "!/middleware/global/prePlugins",
                    json!([{"enabled": true, "functionName": "f", "path": "f.py"}]),
                ),
            ],
            "middleware.global.prePlugins[0]",
            "is for the driver `python`",
        ),
        (
            vec![("!/middleware/global/pluginConfig/bundle", json!({"enabled": true, "path": "b.zip"}))],
            "middleware.global.pluginConfig.bundle",
            "names a bundle",
        ),
        (
            operation(json!({"virtualEndpoint": {"enabled": true, "body": "dmFyIGE7"}})),
            "middleware.operations.getUsers.virtualEndpoint.functionName",
            "operation `getUsers` (GET /users): is missing",
        ),
        (
            operation(json!({"virtualEndpoint": {"enabled": true, "functionName": "f"}})),
            "middleware.operations.getUsers.virtualEndpoint",
            "operation `getUsers` (GET /users): has neither",
        ),
        (
            operation(json!({"virtualEndpoint": {"enabled": true, "functionName": "f", "body": "%"}})),
            "middleware.operations.getUsers.virtualEndpoint.body",
            "operation `getUsers` (GET /users): is not base64",
        ),
        (
            operation(json!({"virtualEndpoint": {"enabled": "yes"}})),
            "middleware.operations.getUsers.virtualEndpoint.enabled",
            "invalid type",
        ),
        (
            operation(json!({"validateRequest": {"enabled": true, "errorResponseCode": 42}})),
            "middleware.operations.getUsers.validateRequest.errorResponseCode",
            "operation `getUsers` (GET /users): 42 is not a status",
        ),
        (
            operation(json!({"rateLimit": {"enabled": true, "rate": 1, "per": "soon"}})),
            "middleware.operations.getUsers.rateLimit.per",
            "operation `getUsers`",
        ),
        (
            operation(json!({"postPlugins": [{"enabled": true, "path": "a.so"}]})),
            "middleware.operations.getUsers.postPlugins[0].functionName",
            "operation `getUsers`",
        ),
        (
            operation(json!({"mockResponse": {"enabled": true, "code": 99}})),
            "middleware.operations.getUsers.mockResponse.code",
            "operation `getUsers`",
        ),
        (
            operation(json!({"mockResponse": {"enabled": true, "headers": [{"name": "a b"}]}})),
            "middleware.operations.getUsers.mockResponse.headers[0].name",
            "operation `getUsers`",
        ),
        (
            operation(
                json!({"transformRequestHeaders": {"enabled": true, "add": [{"name": "A", "value": "\n"}]}}),
            ),
            "middleware.operations.getUsers.transformRequestHeaders.add[0].value",
            "operation `getUsers`",
        ),
        (
            operation(json!({"transformRequestMethod": {"enabled": true, "toMethod": "A B"}})),
            "middleware.operations.getUsers.transformRequestMethod.toMethod",
            "operation `getUsers`",
        ),
        (
            operation(json!({"enforceTimeout": {"enabled": true, "value": "1 day"}})),
            "middleware.operations.getUsers.enforceTimeout.value",
            "operation `getUsers`",
        ),
        (
            operation(json!({"urlRewrite": {"enabled": true, "pattern": "("}})),
            "middleware.operations.getUsers.urlRewrite.pattern",
            "operation `getUsers`",
        ),
        (
            operation(json!({"urlRewrite": {"enabled": true, "triggers": [{"condition": "some"}]}})),
            "middleware.operations.getUsers.urlRewrite.triggers[0].condition",
            "operation `getUsers`",
        ),
        (
            operation(
                json!({"urlRewrite": {"enabled": true, "triggers": [{"condition": "any", "rules": [{"in": "url"}]}]}}),
            ),
            "middleware.operations.getUsers.urlRewrite.triggers[0].rules[0].in",
            "operation `getUsers`",
        ),
    ];
    for (changes, field, message) in cases {
        let read = read(with(&changes));
        assert!(read.definition.is_none(), "{field} was served");
        let field = format!("x-tyk-api-gateway.{field}");
        let found = refusals(&read);
        let is_it =
            |(at, text): &(&str, &str)| *at == field.trim_end_matches('.') && text.starts_with(message);
        assert!(found.iter().any(is_it), "{field} {message}: {found:?}");
    }
}

#[test]
fn a_path_that_is_no_pattern_is_refused() {
    let read = read(with(&[
        ("/paths/~1a(/get/operationId", json!("bad")),
        ("!/middleware/operations/bad", json!({"block": {"enabled": true}})),
    ]));
    let (field, message) = refusals(&read)[0];
    assert!(
        field == "paths./a(" && message.starts_with("operation `bad` (GET /a(): `/a(` is not a pattern"),
        "{message}"
    );
}

#[test]
fn nothing_protected_is_served_open() {
    let schemes = json!({"key": {"type": "apiKey", "in": "header", "name": "Authorization"}, "other": {"type": "apiKey"},
        "bad": {"type": "apiKey", "in": "header", "name": "not a name"},
        "jwt": {"type": "http", "scheme": "Bearer", "bearerFormat": "JWT"}, "basic": {"type": "http", "scheme": "basic"},
        "oauth": {"type": "oauth2"}, "oidc": {"type": "openIdConnect"}, "mtls": {"type": "mutualTLS"}, "odd": {}});
    let on = json!({"enabled": true});
    let scheme = |name: &str| json!({"securitySchemes": {name: on}});
    let cases = [
        (scheme("jwt"), "securitySchemes.jwt.enabled", "asks for JSON Web Tokens"),
        (scheme("basic"), "securitySchemes.basic.enabled", "asks for basic authentication"),
        (scheme("oauth"), "securitySchemes.oauth.enabled", "asks for OAuth 2"),
        (scheme("oidc"), "securitySchemes.oidc.enabled", "asks for OpenID Connect"),
        (scheme("mtls"), "securitySchemes.mtls.enabled", "asks for mutual TLS"),
        (scheme("odd"), "securitySchemes.odd.enabled", "asks for an authentication that"),
        (scheme("unknown"), "securitySchemes.unknown", "`components.securitySchemes` has no `unknown`"),
        (
            json!({"securitySchemes": {"key": {"enabled": true, "enableClientCertificate": true}}}),
            "securitySchemes.key.enableClientCertificate",
            "asks for client certificates",
        ),
        (
            json!({"securitySchemes": {"key": {"enabled": true, "signatureValidation": on}}}),
            "securitySchemes.key.signatureValidation.enabled",
            "asks for signatures",
        ),
        (json!({"hmac": on}), "hmac.enabled", "asks for request signatures"),
        (json!({"oidc": on}), "oidc.enabled", "asks for OpenID Connect"),
        (json!({"goPlugin": on}), "goPlugin.enabled", "asks for a Go plugin"),
        (json!({"custom": on}), "custom.enabled", "asks for authentication by a plugin"),
        (
            json!({"custom": {"enabled": true, "config": {"enabled": true, "functionName": "check", "driver": "grpc"}}}),
            "custom.config",
            "is for the driver `grpc`",
        ),
        (
            json!({"securitySchemes": {"key": on, "other": on}}),
            "securitySchemes.other.enabled",
            "asks for a second key",
        ),
        (
            json!({"securitySchemes": {"other": {"enabled": true, "header": {"enabled": true, "name": "not a name"}}}}),
            "securitySchemes.other.header.name",
            "`not a name` is not a header name",
        ),
        (scheme("bad"), "securitySchemes.bad.header.name", "`not a name` is not a header name"),
        (
            json!({"securityProcessingMode": "compliant", "security": [["a"], ["b"]]}),
            "securityProcessingMode",
            "is `compliant`",
        ),
    ];
    for (mut authentication, field, message) in cases {
        authentication["enabled"] = true.into();
        let read = read(with(&[
            ("/components/securitySchemes", schemes.clone()),
            ("!/server/authentication", authentication),
        ]));
        assert!(read.definition.is_none(), "{field} was served");
        let field = format!("x-tyk-api-gateway.server.authentication.{field}");
        let found = refusals(&read);
        assert!(
            found.iter().any(|(at, text)| *at == field && text.starts_with(message)),
            "{field} {message}: {found:?}"
        );
    }
    let required = read(with(&[
        ("/components/securitySchemes", schemes.clone()),
        ("/security", json!([{"jwt": []}])),
        ("!/server/authentication", json!({"enabled": true})),
    ]));
    assert!(
        refusals(&required)
            .iter()
            .any(|(field, text)| *field == "security" && text.starts_with("`jwt` asks for JSON Web Tokens"))
    );
    let by_plugin = json!({"enabled": true, "custom": {"enabled": true, "config": {"enabled": true, "functionName": "check", "path": "a.so", "onLoadFailure": "proxy"}}});
    let open = read(with(&[
        ("!/server/authentication", by_plugin),
        ("!/middleware/global/pluginConfig/driver", json!("rust")),
    ]));
    assert_eq!(refusals(&open)[0].0, "x-tyk-api-gateway.server.authentication.custom.config.onLoadFailure");
}

#[test]
fn what_has_no_effect_is_said() {
    let on = json!({"enabled": true});
    let cases = [
        (
            vec![("!/middleware/operations/getUser2", json!({"block": on}))],
            "x-tyk-api-gateway.middleware.operations.getUser2",
            "has no effect: the document's `paths` have no operation with the id `getUser2`; did you mean `getUser`?",
        ),
        (
            vec![("!/middleware/global/cache", on.clone())],
            "x-tyk-api-gateway.middleware.global.cache.timeout",
            "is not a number of seconds above 0: answers are kept only where an endpoint or the upstream says for how long",
        ),
        (
            vec![(
                "!/server/eventHandlers",
                json!([{"enabled": true, "trigger": "HostDown", "type": "log"}]),
            )],
            "x-tyk-api-gateway.server.eventHandlers[0].trigger",
            "does not happen in this gateway: its handlers never run",
        ),
        (
            vec![(
                "!/server/eventHandlers",
                json!([{"enabled": false}, {"enabled": true, "trigger": "AuthFailure", "type": "sms"}]),
            )],
            "x-tyk-api-gateway.server.eventHandlers[1].type",
            "`sms` is not one of log, webhook, custom: it does nothing",
        ),
        (
            vec![(
                "!/server/eventHandlers",
                json!([{"enabled": true, "trigger": "AuthFailure", "type": "webhook", "url": "x", "method": "PUT"}]),
            )],
            "x-tyk-api-gateway.server.eventHandlers[0].url",
            "`x` is not an http or https URL: this web hook is not sent",
        ),
        (
            vec![("!/upstream/tlsTransport", json!({"minVersion": "1.3", "maxVersion": "1.3"}))],
            "x-tyk-api-gateway.upstream.tlsTransport.minVersion",
            UPSTREAM_TLS,
        ),
        (
            vec![("!/upstream/tlsTransport", json!({"minVersion": "1.2", "ciphers": ["X"]}))],
            "x-tyk-api-gateway.upstream.tlsTransport.ciphers",
            UPSTREAM_TLS,
        ),
        (
            vec![("!/server/protocol", json!("tcp"))],
            "x-tyk-api-gateway.server.protocol",
            "has no effect: every API is served over HTTP",
        ),
        (
            vec![(
                "!/server/customDomain",
                json!({"enabled": true, "name": "a.example", "certificates": ["x.pem"]}),
            )],
            "x-tyk-api-gateway.server.customDomain.certificates",
            "have no effect: clients see the certificates of `http_server_options`",
        ),
        (
            vec![("!/middleware/operations/getUsers", json!({"doNotTrackEndpoint": on}))],
            "x-tyk-api-gateway.middleware.operations.getUsers.doNotTrackEndpoint",
            "operation `getUsers` (GET /users): has no effect: analytics hooks of the API see its requests",
        ),
        (
            vec![("!/middleware/operations/getUsers", json!({"circuitBreaker": on}))],
            "x-tyk-api-gateway.middleware.operations.getUsers.circuitBreaker",
            "operation `getUsers` (GET /users): is not available: every request goes to the upstream",
        ),
        (
            vec![
                ("!/server/made_up", json!(1)),
                ("!/middleware/operations/getUsers", json!({"new": 1, "empty": {"a": [0, ""]}})),
            ],
            "",
            "fields without effect here: x-tyk-api-gateway.middleware.operations.getUsers.new, x-tyk-api-gateway.server.made_up",
        ),
        (
            vec![
                (
                    "/components/securitySchemes",
                    json!({"k": {"type": "apiKey", "in": "header", "name": "X-Key"}}),
                ),
                (
                    "!/server/authentication",
                    json!({"enabled": true, "securitySchemes": {"k": {"enabled": true, "header": {"enabled": true, "name": "X-Other"}}}}),
                ),
            ],
            "x-tyk-api-gateway.server.authentication.securitySchemes.k.header.name",
            "has no effect: `components.securitySchemes` says that it is `X-Key`, which counts",
        ),
        (
            vec![("/security", json!([{"a": []}]))],
            "security",
            "names `a`, which counts only where `x-tyk-api-gateway.server.authentication.enabled` is true: everybody may call this API",
        ),
        (
            vec![
                ("/paths/~1users~1{id}/get/operationId", json!("getUsers")),
                ("!/middleware/operations/getUsers", json!({"block": on})),
            ],
            "paths./users.get.operationId",
            "`getUsers` is the id of another operation too: its middleware counts for both",
        ),
    ];
    for (changes, field, message) in cases {
        let read = read(with(&changes));
        assert!(read.definition.is_some(), "{:?}", read.problems.refusals);
        let found: Vec<_> = read
            .problems
            .warnings
            .iter()
            .map(|problem| (problem.field.as_str(), problem.message.as_str()))
            .collect();
        assert_eq!(found, [(field, message)]);
    }
}
