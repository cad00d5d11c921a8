//! The shapes of a test and of what it says, for the document of the admin API.

use serde_json::{Value, json};

use super::given::HookType;

/// The body of `POST /tyk/plugins/test`.
pub(in crate::admin) fn test() -> Value {
    let text = |description: &str| json!({ "type": "string", "nullable": true, "description": description });
    let any = |description: &str| json!({ "description": description });
    let words = HookType::WORDS.map(|(word, _)| word);
    json!({
        "type": "object",
        "description": "One of `code` (with `org_id`), `plugin_path` with `func_name`, or the `api_id` of a loaded API",
        "required": ["hook_type"],
        "properties": {
            "code": text("JavaScript, loaded for this test alone"),
            "code_base64": text("The same in base64"),
            "plugin_path": text("File of a plugin"),
            "func_name": text("Function in it"),
            "hook_type": { "type": "string", "enum": words, "description": "Where it runs" },
            "org_id": text("Organisation of the API; required with code"),
            "api_id": text("A loaded API, or with code or plugin_path the id that it sees"),
            "name": text("The hook's object, or the virtual endpoint's function"),
            "index": { "type": "integer", "minimum": 0, "nullable": true,
                "description": "Which of a loaded API's hooks at this place" },
            "driver": text("JavaScript driver"),
            "config": any("`config` of the plugin's place"),
            "config_data": any("`config_data` of the API"),
            "request": request(true),
            "response": response(true),
            "record": any("The record of analytics"),
            "session": { "type": "object", "nullable": true, "description": "The caller's session" },
            "recorded": { "type": "array", "nullable": true, "items": recorded(),
                "description": "Answers to outbound calls" },
            "live": { "type": "boolean", "nullable": true,
                "description": "Outbound calls without a recorded answer are made" },
            "storage": { "type": "object", "nullable": true, "additionalProperties": { "type": "string" },
                "description": "Script storage at the beginning" },
            "keys": { "type": "object", "nullable": true, "additionalProperties": { "type": "object" },
                "description": "Keys that the code finds, with their sessions" },
        },
        "example": {
            "code": "var m = new TykJS.TykMiddleware.NewMiddleware({});\nm.NewProcessRequest(function (request, session) {\n  \
                     request.SetHeaders['X-Test'] = 'yes';\n  return m.ReturnData(request, session.meta_data);\n});",
            "hook_type": "pre", "org_id": "default",
            "request": { "Method": "GET", "Path": "/shop/a", "Headers": { "X-Name": ["Ada"] } },
        },
    })
}

/// Its answer.
pub(in crate::admin) fn result() -> Value {
    let number = json!({ "type": "number" });
    let whole = json!({ "type": "integer" });
    let position = json!({
        "type": "object",
        "required": ["source", "line", "column"],
        "properties": { "source": { "type": "string" }, "line": whole, "column": whole },
    });
    json!({
        "type": "object",
        "required": ["outcome", "logs", "calls", "storage", "execution_ms", "milliseconds", "bytes"],
        "properties": {
            "outcome": { "enum": ["continue", "respond", "allow", "deny", "fail"] },
            "request_before": request(false),
            "request_after": request(false),
            "response_before": response(false),
            "response_after": response(false),
            "record_before": {},
            "record_after": {},
            "session_after": { "type": "object" },
            "session": { "type": "object", "properties": {
                "before": { "type": "object", "nullable": true }, "after": { "type": "object", "nullable": true },
            } },
            "answer": response(false),
            "answer_headers": headers(),
            "logs": { "type": "array", "items": {
                "type": "object",
                "required": ["level", "message", "time"],
                "properties": {
                    "level": { "enum": ["trace", "debug", "info", "warn", "error"] },
                    "message": { "type": "string" },
                    "time": { "type": "string", "format": "date-time" },
                },
            } },
            "calls": { "type": "array", "items": {
                "type": "object",
                "required": ["method", "url", "recorded", "code", "bytes", "milliseconds"],
                "properties": {
                    "method": { "type": "string" }, "url": { "type": "string" }, "recorded": { "type": "boolean" },
                    "code": whole, "bytes": whole, "milliseconds": number, "error": { "type": "string" },
                },
            } },
            "storage": { "type": "array", "items": {
                "type": "object",
                "required": ["function", "arguments", "gave"],
                "properties": {
                    "function": { "type": "string" }, "gave": { "type": "string" },
                    "arguments": { "type": "array", "items": { "type": "string" } },
                },
            } },
            "error": {
                "type": "object",
                "required": ["message", "type", "class"],
                "properties": {
                    "message": { "type": "string" },
                    "type": { "enum": ["syntax", "timeout", "runtime"] },
                    "class": { "type": "string" },
                    "position": position,
                    "stack": { "type": "array", "items": { "type": "string" } },
                },
            },
            "execution_ms": whole,
            "milliseconds": number,
            "bytes": {
                "type": "object",
                "required": ["returned", "answer", "outbound"],
                "properties": { "returned": whole, "answer": whole, "outbound": whole },
            },
        },
    })
}

fn headers() -> Value {
    let text = json!({ "type": "string" });
    let one_or_several = json!({ "anyOf": [text, { "type": "array", "items": text }] });
    json!({ "type": "object", "nullable": true, "additionalProperties": one_or_several })
}

fn request(nullable: bool) -> Value {
    let text = json!({ "type": "string", "nullable": true });
    json!({
        "type": "object",
        "nullable": nullable,
        "properties": {
            "Method": text, "Path": text, "URL": text, "RequestURI": text, "Headers": headers(), "Body": text,
            "BodyBase64": text, "Params": headers(), "Scheme": text,
        },
    })
}

fn response(nullable: bool) -> Value {
    let text = json!({ "type": "string", "nullable": true });
    json!({
        "type": "object",
        "nullable": nullable,
        "properties": {
            "StatusCode": { "type": "integer", "nullable": true }, "Headers": headers(), "Body": text,
            "BodyBase64": text,
        },
    })
}

fn recorded() -> Value {
    let text = json!({ "type": "string", "nullable": true });
    json!({
        "type": "object",
        "required": ["url"],
        "properties": {
            "method": text, "url": { "type": "string" }, "code": { "type": "integer", "nullable": true },
            "headers": headers(), "body": text, "body_base64": text, "error": text,
        },
    })
}
