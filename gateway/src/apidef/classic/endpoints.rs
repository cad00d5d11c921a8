//! `extended_paths` and `paths` of a Classic definition: lists of rules for single endpoints.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::file;
use crate::{
    apidef::{
        model::{
            Endpoint, Endpoints, FixedAnswer, MethodActions, RateLimit, RewriteTrigger, ScriptSource,
            TriggerMatch, UrlRewrite, VirtualEndpoint,
        },
        reader::{Reader, WrittenHeader, unavailable},
    },
    router::pattern::IGNORE_CASE,
    validation::{JsonRule, Schema, Validation},
};

impl Reader<'_> {
    pub(super) fn extended(&mut self, paths: &file::ExtendedPaths, field: &str) -> Endpoints {
        if paths.validate_request.iter().any(is_enabled) {
            self.problems.refuse(
                format!("{field}.validate_request"),
                format!(
                    "{}. Set `disabled` on the entries to serve it without them",
                    unavailable::ENDPOINT_RULE
                ),
            );
        }
        Endpoints {
            ignored: self.access(&paths.ignored, &format!("{field}.ignored")),
            allowed: self.access(&paths.white_list, &format!("{field}.white_list")),
            blocked: self.access(&paths.black_list, &format!("{field}.black_list")),
            internal: self.list(&paths.internal, &format!("{field}.internal"), |_, _, _| Some(())),
            virtual_endpoints: self.list(
                &paths.virtual_endpoints,
                &format!("{field}.virtual"),
                Self::virtual_endpoint,
            ),
            plugins: {
                // Two names for one list, Tyk's first.
                let mut plugins =
                    self.list(&paths.go_plugin, &format!("{field}.go_plugin"), Self::endpoint_plugin);
                plugins.extend(self.list(
                    &paths.rust_plugin,
                    &format!("{field}.rust_plugin"),
                    Self::endpoint_plugin,
                ));
                plugins
            },
            cached: self.cached_endpoints(&paths.cache, &paths.advance_cache_config, field),
            request_headers: self.list(
                &paths.transform_headers,
                &format!("{field}.transform_headers"),
                |reader, entry, field| {
                    Some(reader.header_changes(&entry.add_headers, &entry.delete_headers, field))
                },
            ),
            response_headers: self.list(
                &paths.transform_response_headers,
                &format!("{field}.transform_response_headers"),
                |reader, entry, field| {
                    Some(reader.header_changes(&entry.add_headers, &entry.delete_headers, field))
                },
            ),
            timeouts: self.list(
                &paths.hard_timeouts,
                &format!("{field}.hard_timeouts"),
                |reader, entry, field| reader.seconds(entry.timeout, &format!("{field}.timeout")),
            ),
            rate_limits: self.list(&paths.rate_limit, &format!("{field}.rate_limit"), |_, entry, _| {
                RateLimit::new(entry.rate, entry.per)
            }),
            size_limits: self.list(&paths.size_limits, &format!("{field}.size_limits"), |_, entry, _| {
                u64::try_from(entry.size_limit).ok().filter(|limit| *limit > 0)
            }),
            methods: self.list(
                &paths.method_transforms,
                &format!("{field}.method_transforms"),
                |reader, entry, field| reader.method(&entry.to_method, &format!("{field}.to_method")),
            ),
            rewrites: self.list(&paths.url_rewrites, &format!("{field}.url_rewrites"), Self::rewrite),
            mocks: self.list(
                &paths.mock_response,
                &format!("{field}.mock_response"),
                |reader, entry, field| reader.answer(entry.code, &entry.body, &entry.headers, field),
            ),
            // Tyk has these in documents only.
            upstream_mocks: Vec::new(),
            validations: self.list(&paths.validate_json, &format!("{field}.validate_json"), Self::validation),
        }
    }

    /// Reads a list of entries: the disabled ones are left out, a bad one is a refusal.
    pub(super) fn list<E: Entry, T>(
        &mut self,
        entries: &[E],
        field: &str,
        rule: impl Fn(&mut Self, &E, &str) -> Option<T>,
    ) -> Vec<Endpoint<T>> {
        let mut list = Vec::new();
        for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.disabled()) {
            let field = format!("{field}[{index}]");
            self.check_pattern(entry.path(), &format!("{field}.path"));
            // An entry without a method never matches in Tyk; here it is for every method, which is what was meant.
            let method = match entry.method() {
                "" => None,
                method => self.method(method, &format!("{field}.method")),
            };
            if let Some(rule) = rule(self, entry, &field) {
                let case = if entry.ignore_case() { IGNORE_CASE } else { "" };
                list.push(Endpoint { path: format!("{case}{}", entry.path()), method, rule });
            }
        }
        list
    }

    fn access(&mut self, entries: &[file::AccessEntry], field: &str) -> Vec<Endpoint<MethodActions>> {
        self.list(entries, field, |reader, entry, field| {
            let mut by_method = Vec::new();
            for (method, action) in &entry.method_actions {
                let field = format!("{field}.method_actions.{method}");
                let Some(method) = reader.method(method, &field) else { continue };
                let answer = match action.action.as_str() {
                    "reply" => Some(reader.answer(action.code, &action.data, &action.headers, &field)?),
                    "" | "no_action" => None,
                    other => {
                        reader.problems.refuse(
                            format!("{field}.action"),
                            format!("`{other}` is not one of no_action, reply"),
                        );
                        return None;
                    }
                };
                by_method.push((method, answer));
            }
            Some(MethodActions { by_method })
        })
    }

    fn validation(&mut self, entry: &file::ValidateJsonEntry, field: &str) -> Option<Validation> {
        let from_base64;
        let (schema, schema_field) = match &entry.schema {
            Some(schema) if !schema.is_null() => (schema, format!("{field}.schema")),
            _ if !entry.schema_b64.is_empty() => {
                let field = format!("{field}.schema_b64");
                let decoded = STANDARD.decode(&entry.schema_b64).map_err(|error| error.to_string());
                match decoded
                    .and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()))
                {
                    Ok(schema) => from_base64 = schema,
                    Err(error) => {
                        self.problems.refuse(field, format!("is not a JSON schema in base64: {error}"));
                        return None;
                    }
                }
                (&from_base64, field)
            }
            _ => {
                self.problems
                    .refuse(format!("{field}.schema"), "is missing; it is the JSON schema of bodies");
                return None;
            }
        };
        let status =
            self.refusal_status(entry.error_response_code, &format!("{field}.error_response_code"))?;
        match Schema::compile(schema) {
            Ok(schema) => Some(Validation::Json(Arc::new(JsonRule { status, schema }))),
            Err(error) => {
                self.problems.refuse(schema_field, format!("is not a schema that can be checked: {error}"));
                None
            }
        }
    }

    fn virtual_endpoint(&mut self, entry: &file::VirtualEntry, field: &str) -> Option<VirtualEndpoint> {
        if entry.response_function_name.trim().is_empty() {
            self.problems.refuse(
                format!("{field}.response_function_name"),
                "is missing; it names the function that answers",
            );
        }
        let source = match entry.function_source_type.as_str() {
            "file" => ScriptSource::File(entry.function_source_uri.as_str().into()),
            "blob" => {
                let method = if entry.method.is_empty() { "ANY" } else { &entry.method };
                self.inline_script(
                    &entry.function_source_uri,
                    &format!("{field}.function_source_uri"),
                    "`function_source_type` is `blob`, so it holds the source itself",
                    &format!("{method} {}", entry.path),
                )?
            }
            other => {
                self.problems.refuse(
                    format!("{field}.function_source_type"),
                    format!("`{other}` is not one of file, blob"),
                );
                return None;
            }
        };
        Some(VirtualEndpoint {
            function: entry.response_function_name.trim().into(),
            source,
            use_session: entry.use_session,
            proxy_on_error: entry.proxy_on_error,
            budget: entry.gatehouse.javascript.checked(&format!("{field}."), self.problems),
        })
    }

    fn rewrite(&mut self, entry: &file::RewriteEntry, field: &str) -> Option<UrlRewrite> {
        self.check_regex(&entry.match_pattern, &format!("{field}.match_pattern"));
        let triggers = entry.triggers.iter().enumerate().map(|(index, trigger)| {
            let field = format!("{field}.triggers[{index}]");
            let options = &trigger.options;
            let mut matches = |entries: &BTreeMap<String, file::Match>, name: &str| {
                let convert = |(key, condition): (&String, &file::Match)| {
                    self.check_regex(&condition.match_rx, &format!("{field}.options.{name}.{key}.match_rx"));
                    TriggerMatch {
                        name: key.clone(),
                        pattern: condition.match_rx.clone(),
                        reverse: condition.reverse,
                    }
                };
                entries.iter().map(convert).collect::<Vec<_>>()
            };
            let headers = matches(&options.header_matches, "header_matches");
            let query = matches(&options.query_val_matches, "query_val_matches");
            let path_parts = matches(&options.path_part_matches, "path_part_matches");
            let metadata = matches(&options.session_meta_matches, "session_meta_matches");
            let context = matches(&options.request_context_matches, "request_context_matches");
            let payload = (!options.payload_matches.match_rx.is_empty()).then(|| TriggerMatch {
                name: "payload".to_owned(),
                pattern: options.payload_matches.match_rx.clone(),
                reverse: options.payload_matches.reverse,
            });
            if let Some(payload) = &payload {
                self.check_regex(&payload.pattern, &format!("{field}.options.payload_matches.match_rx"));
            }
            RewriteTrigger {
                any: trigger.on == "any",
                rewrite_to: trigger.rewrite_to.clone(),
                headers,
                query,
                path_parts,
                metadata,
                context,
                payload,
            }
        });
        let triggers = triggers.collect();
        Some(UrlRewrite {
            pattern: entry.match_pattern.clone(),
            rewrite_to: entry.rewrite_to.clone(),
            triggers,
        })
    }

    fn answer(
        &mut self,
        code: i64,
        body: &str,
        headers: &BTreeMap<String, String>,
        field: &str,
    ) -> Option<FixedAnswer> {
        let status = self.status(code, &format!("{field}.code"))?;
        let headers = headers.iter().map(|(name, value)| WrittenHeader {
            name,
            name_field: format!("{field}.headers"),
            value,
            value_field: format!("{field}.headers.{name}"),
        });
        self.fixed_answer(status, body, headers)
    }
}

/// The simple `paths` lists are for every method.
pub(super) fn simple_paths(paths: &file::Paths) -> Endpoints {
    let list = |paths: &[String]| -> Vec<Endpoint<MethodActions>> {
        paths
            .iter()
            .map(|path| Endpoint { path: path.clone(), method: None, rule: MethodActions::default() })
            .collect()
    };
    Endpoints {
        ignored: list(&paths.ignored),
        allowed: list(&paths.white_list),
        blocked: list(&paths.black_list),
        ..Endpoints::default()
    }
}

fn is_enabled(entry: &Value) -> bool {
    entry.get("disabled").and_then(Value::as_bool) != Some(true)
        && entry.get("enabled").and_then(Value::as_bool) != Some(false)
}

/// What all entries of `extended_paths` have.
pub(super) trait Entry {
    fn disabled(&self) -> bool;
    fn path(&self) -> &str;
    fn method(&self) -> &str;
    /// Whether the path matches without regard to case, whatever the version says.
    fn ignore_case(&self) -> bool {
        false
    }
}

macro_rules! entries {
    ($($entry:ty),+) => { $(impl Entry for $entry {
        fn disabled(&self) -> bool { self.disabled }
        fn path(&self) -> &str { &self.path }
        fn method(&self) -> &str { &self.method }
    })+ };
}

macro_rules! entries_with_case {
    ($($entry:ty),+) => { $(impl Entry for $entry {
        fn disabled(&self) -> bool { self.disabled }
        fn path(&self) -> &str { &self.path }
        fn method(&self) -> &str { &self.method }
        fn ignore_case(&self) -> bool { self.ignore_case }
    })+ };
}

impl Entry for file::RateLimitEntry {
    fn disabled(&self) -> bool {
        self.disabled || self.enabled == Some(false)
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn method(&self) -> &str {
        &self.method
    }
}

entries_with_case!(file::AccessEntry, file::MockEntry);
entries!(
    file::VirtualEntry,
    file::PluginEntry,
    file::HeaderEntry,
    file::TimeoutEntry,
    file::SizeEntry,
    file::MethodEntry,
    file::RewriteEntry,
    file::InternalEntry,
    file::ValidateJsonEntry,
    file::CacheEntry
);
