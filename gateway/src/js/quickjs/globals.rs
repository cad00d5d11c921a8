//! What scripts find in their global object and in their request, described for the engine.

use gatehouse_quickjs::{Field, FieldKind, Function, LazyGlobal, Source};

use crate::js::host::HOST_FUNCTIONS;

/// Index of the function behind `request.BodyBase64`, after the host functions.
pub(super) const BODY_BASE64: usize = HOST_FUNCTIONS.len();

/// `JSON.stringify` as it was before any script ran.
const CORE: &str = "\
Object.defineProperty(globalThis, 'TykJsResponse', {
  value: (function (stringify) {
    return function TykJsResponse(response, session_meta) {
      return stringify({Response: response, SessionMeta: session_meta});
    };
  })(JSON.stringify),
  writable: true, enumerable: false, configurable: true
});";

/// Names of headers that most clients send.
const NAMES: [&str; 16] = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Origin",
    "Referer",
    "User-Agent",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Real-Ip",
    "X-Request-Id",
];

pub(super) fn functions() -> Vec<Function> {
    let hosts = HOST_FUNCTIONS.iter().map(|entry| Function {
        name: entry.name.to_owned(),
        arguments: entry.arguments,
        global: true,
    });
    let body = Function { name: "BodyBase64".to_owned(), arguments: 0, global: false };
    hosts.chain([body]).collect()
}

pub(super) fn core() -> Vec<Source> {
    vec![source("gatehouse:core.js", CORE)]
}

pub(super) fn lazy_globals() -> Vec<LazyGlobal> {
    let lazy = |name: &str, file, text| LazyGlobal { name: name.to_owned(), source: source(file, text) };
    vec![
        lazy("_", "gatehouse:underscore.js", include_str!("../underscore.js")),
        lazy("TykJS", "gatehouse:tyk_js.js", include_str!("../tyk_js.js")),
    ]
}

/// The fields of the request in the order in which [`super::call`] gives their values.
pub(super) fn request_fields() -> Vec<Field> {
    let field = |name: &str, kind| Field { name: name.to_owned(), kind };
    let visible = ["Headers", "Body", "URL", "Params", "Scheme"].map(|name| field(name, FieldKind::Visible));
    let hidden = [
        field("Method", FieldKind::Hidden),
        field("RequestID", FieldKind::Hidden),
        field("BodyBase64", FieldKind::Asked(BODY_BASE64)),
    ];
    visible.into_iter().chain(hidden).collect()
}

pub(super) fn names() -> Vec<String> {
    NAMES.map(str::to_owned).into()
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.into(), text: text.into() }
}
