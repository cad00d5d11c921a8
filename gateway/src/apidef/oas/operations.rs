//! `middleware.operations`: rules for single operations of the document.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    at, cache,
    convert::{rate_limit, written_headers},
    document::{Document, DocumentOperation},
    examples, hooks,
    operation_file::{self as file, Allowance, Operation},
    validation,
};
use crate::{
    apidef::{
        model::{
            Endpoint, Endpoints, MethodActions, Mock, RewriteTrigger, ScriptSource, TriggerMatch, UrlRewrite,
            VirtualEndpoint,
        },
        reader::Reader,
    },
    config::nearest,
    router::pattern::IGNORE_CASE,
};

/// Rules of all operations, in the order in which they are matched.
pub(super) fn endpoints(
    reader: &mut Reader<'_>,
    written: &BTreeMap<String, Operation>,
    document: &Document<'_>,
) -> Endpoints {
    let mut endpoints = Endpoints::default();
    let operations = document.operations();
    let mut seen = BTreeSet::new();
    for operation in &operations {
        let Some(rules) = written.get(operation.id) else { continue };
        if !seen.insert(operation.id) {
            reader.problems.warn(
                operation.field("operationId"),
                format!(
                    "`{}` is the id of another operation too: its middleware counts for both",
                    operation.id
                ),
            );
        }
        let (refusals, warnings) = (reader.problems.refusals.len(), reader.problems.warnings.len());
        add(reader, &mut endpoints, rules, operation, document);
        let found = reader.problems.refusals[refusals..].iter_mut();
        for problem in found.chain(&mut reader.problems.warnings[warnings..]) {
            problem.message = format!("{}: {}", operation.describe(), problem.message);
        }
    }
    for id in written.keys().filter(|id| !seen.contains(id.as_str())) {
        let mut message =
            format!("has no effect: the document's `paths` have no operation with the id `{id}`");
        if let Some(meant) = nearest(id, operations.iter().map(|operation| operation.id)) {
            message.push_str(&format!("; did you mean `{meant}`?"));
        }
        reader.problems.warn(at(&format!("middleware.operations.{id}")), message);
    }
    endpoints
}

/// Adds what one operation says to the lists.
fn add(
    reader: &mut Reader<'_>,
    endpoints: &mut Endpoints,
    rules: &Operation,
    operation: &DocumentOperation<'_>,
    document: &Document<'_>,
) {
    let field = |name: &str| at(&format!("middleware.operations.{}.{name}", operation.id));
    reader.check_pattern(operation.path, &format!("paths.{}", operation.path));
    warn_of_rules_without_effect(reader, rules, &field);
    for (allowance, list) in [
        (&rules.ignore_authentication, &mut endpoints.ignored),
        (&rules.allow, &mut endpoints.allowed),
        (&rules.block, &mut endpoints.blocked),
    ] {
        if allowance.enabled {
            list.push(access(allowance, operation));
        }
    }
    let path = operation.path;
    if rules.internal.enabled {
        endpoints.internal.push(here(operation, ()));
    }
    if rules.virtual_endpoint.enabled
        && let Some(rule) =
            virtual_endpoint(reader, &rules.virtual_endpoint, operation, &field("virtualEndpoint"))
    {
        endpoints.virtual_endpoints.push(here(operation, rule));
    }
    if let Some(rule) = hooks::endpoint(reader, &rules.post_plugins, &field("postPlugins")) {
        endpoints.plugins.push(here(operation, rule));
    }
    if rules.validate_request.enabled
        && let Some(rule) =
            validation::rule(reader, &rules.validate_request, operation, document, &field("validateRequest"))
    {
        endpoints.validations.push(here(operation, rule));
    }
    if rules.mock_response.enabled
        && let Some(rule) = mock(reader, &rules.mock_response, operation, document, &field("mockResponse"))
    {
        endpoints.upstream_mocks.push(here(operation, rule));
    }
    if rules.transform_request_headers.enabled {
        let rule = reader.transform(&rules.transform_request_headers, &field("transformRequestHeaders"));
        endpoints.request_headers.push(here(operation, rule));
    }
    if rules.transform_response_headers.enabled {
        let rule = reader.transform(&rules.transform_response_headers, &field("transformResponseHeaders"));
        endpoints.response_headers.push(here(operation, rule));
    }
    if rules.cache.enabled {
        let rule = cache::endpoint(reader, &rules.cache, &field("cache"));
        endpoints.cached.push(here(operation, rule));
    }
    let method = &rules.transform_request_method;
    if method.enabled
        && let Some(rule) = reader.method(&method.to_method, &field("transformRequestMethod.toMethod"))
    {
        endpoints.methods.push(here(operation, rule));
    }
    if rules.url_rewrite.enabled {
        let rule = rewrite(reader, &rules.url_rewrite, &field("urlRewrite"));
        endpoints.rewrites.push(here(operation, rule));
    }
    let timeout = &rules.enforce_timeout;
    if timeout.enabled
        && let Some(rule) = reader.period(&timeout.value, &field("enforceTimeout.value"))
        && !rule.is_zero()
    {
        endpoints.timeouts.push(here(operation, rule));
    }
    if let Some(rule) = rate_limit(reader, &rules.rate_limit, &field("rateLimit.per")) {
        endpoints.rate_limits.push(here(operation, rule));
    }
    let size = &rules.request_size_limit;
    if size.enabled
        && let Ok(limit @ 1..) = u64::try_from(size.value)
    {
        endpoints.size_limits.push(Endpoint {
            path: path.to_owned(),
            method: Some(operation.method.clone()),
            rule: limit,
        });
    }
}

/// What this version does not have.
fn warn_of_rules_without_effect(reader: &mut Reader<'_>, rules: &Operation, field: &impl Fn(&str) -> String) {
    let findings = [
        (
            rules.transform_request_body.enabled,
            "transformRequestBody",
            "is not available: bodies go on as they are",
        ),
        (
            rules.transform_response_body.enabled,
            "transformResponseBody",
            "is not available: bodies go on as they are",
        ),
        (
            rules.do_not_track_endpoint.enabled,
            "doNotTrackEndpoint",
            "has no effect: analytics hooks of the API see its requests",
        ),
        (
            rules.circuit_breaker.enabled,
            "circuitBreaker",
            "is not available: every request goes to the upstream",
        ),
    ];
    for (_, name, message) in findings.into_iter().filter(|(on, ..)| *on) {
        reader.problems.warn(field(name), message);
    }
}

fn here<T>(operation: &DocumentOperation<'_>, rule: T) -> Endpoint<T> {
    Endpoint { path: operation.path.to_owned(), method: Some(operation.method.clone()), rule }
}

fn access(allowance: &Allowance, operation: &DocumentOperation<'_>) -> Endpoint<MethodActions> {
    let mut endpoint = here(operation, MethodActions::default());
    if allowance.ignore_case {
        endpoint.path.insert_str(0, IGNORE_CASE);
    }
    endpoint
}

fn virtual_endpoint(
    reader: &mut Reader<'_>,
    rules: &file::VirtualEndpoint,
    operation: &DocumentOperation<'_>,
    field: &str,
) -> Option<VirtualEndpoint> {
    let names = [rules.function_name.trim(), rules.name.trim()];
    let function = names.into_iter().find(|name| !name.is_empty());
    if function.is_none() {
        let message = "is missing; it names the function that answers";
        reader.problems.refuse(format!("{field}.functionName"), message);
    }
    let source = if !rules.body.is_empty() {
        let name = format!("{} {}", operation.method, operation.path);
        let because = "it holds the source itself; a file goes into `path`";
        reader.inline_script(&rules.body, &format!("{field}.body"), because, &name)
    } else if !rules.path.trim().is_empty() {
        Some(ScriptSource::File(rules.path.trim().into()))
    } else {
        let message =
            "has neither `body` nor `path`; the first holds the script as base64, the second names its file";
        reader.problems.refuse(field, message);
        None
    };
    Some(VirtualEndpoint {
        function: function?.into(),
        source: source?,
        use_session: rules.require_session,
        proxy_on_error: rules.proxy_on_error,
        budget: rules.gatehouse.javascript.checked(&format!("{field}."), reader.problems),
    })
}

fn mock(
    reader: &mut Reader<'_>,
    rules: &file::MockResponse,
    operation: &DocumentOperation<'_>,
    document: &Document<'_>,
    field: &str,
) -> Option<Mock> {
    if rules.from_oas_examples.enabled {
        let answers = examples::answers(reader, &rules.from_oas_examples, operation, document);
        return Some(Mock::Examples(Box::new(answers)));
    }
    let status = reader.status(rules.code, &format!("{field}.code"))?;
    let headers = written_headers(&rules.headers, &format!("{field}.headers"));
    reader.fixed_answer(status, &rules.body, headers).map(Mock::Fixed)
}

fn rewrite(reader: &mut Reader<'_>, rules: &file::UrlRewrite, field: &str) -> UrlRewrite {
    reader.check_regex(&rules.pattern, &format!("{field}.pattern"));
    let triggers = rules.triggers.iter().enumerate();
    let triggers = triggers
        .map(|(index, trigger)| rewrite_trigger(reader, trigger, &format!("{field}.triggers[{index}]")));
    let triggers = triggers.collect();
    UrlRewrite { pattern: rules.pattern.clone(), rewrite_to: rules.rewrite_to.clone(), triggers }
}

fn rewrite_trigger(reader: &mut Reader<'_>, trigger: &file::Trigger, field: &str) -> RewriteTrigger {
    if !matches!(trigger.condition.as_str(), "any" | "all") {
        reader.problems.refuse(
            format!("{field}.condition"),
            format!(
                "`{}` is not one of any, all; it says how many of the rules must hold",
                trigger.condition
            ),
        );
    }
    let mut read = RewriteTrigger {
        any: trigger.condition == "any",
        rewrite_to: trigger.rewrite_to.clone(),
        headers: Vec::new(),
        query: Vec::new(),
        path_parts: Vec::new(),
        metadata: Vec::new(),
        context: Vec::new(),
        payload: None,
    };
    for (index, rule) in trigger.rules.iter().enumerate() {
        let field = format!("{field}.rules[{index}]");
        reader.check_regex(&rule.pattern, &format!("{field}.pattern"));
        let matching =
            TriggerMatch { name: rule.name.clone(), pattern: rule.pattern.clone(), reverse: rule.negate };
        let list = match rule.input.as_str() {
            "header" => &mut read.headers,
            "query" => &mut read.query,
            "path" => &mut read.path_parts,
            "requestBody" => {
                read.payload = Some(TriggerMatch { name: "payload".to_owned(), ..matching });
                continue;
            }
            "sessionMetadata" => &mut read.metadata,
            "requestContext" => &mut read.context,
            other => {
                reader.problems.refuse(
                    format!("{field}.in"),
                    format!("`{other}` is not one of header, query, path, requestBody, sessionMetadata, requestContext"),
                );
                continue;
            }
        };
        // As in Tyk, the last rule about a name is the one that counts.
        list.retain(|other| other.name != matching.name);
        list.push(matching);
    }
    read
}
