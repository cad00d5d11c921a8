//! What scripts find in their global object and in their request, described for the engine.

use gatehouse_quickjs::{Envelope, Field, FieldKind, Function, LazyGlobal, Source};

use crate::js::host::HOST_FUNCTIONS;

/// Index of the function behind `request.BodyBase64`, after the host functions.
pub(super) const BODY_BASE64: usize = HOST_FUNCTIONS.len();

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

/// `TykJsResponse(response, session_meta)`.
pub(super) fn envelope() -> Envelope {
    Envelope {
        name: "TykJsResponse".to_owned(),
        fields: ["Response", "SessionMeta"].map(str::to_owned).into(),
    }
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
