//! What scripts find in their global object and in their request, described for the engine.

use gatehouse_quickjs::{Envelope, Field, FieldKind, Function, LazyGlobal, Source};

use crate::js::{engine::RETURN_OVERRIDES, host::HOST_FUNCTIONS};

/// Index of the function behind `request.BodyBase64`, after the host functions.
pub(super) const BODY_BASE64: usize = HOST_FUNCTIONS.len();
/// The same for `response.BodyBase64`.
pub(super) const RESPONSE_BODY_BASE64: usize = BODY_BASE64 + 1;

/// Index of the object that [`request_fields`] describes.
pub(super) const REQUEST: usize = 0;
/// The same for [`hook_request_fields`].
pub(super) const HOOK_REQUEST: usize = 1;
/// The same for [`response_fields`].
pub(super) const RESPONSE: usize = 2;

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
    hosts.chain([body.clone(), body]).collect()
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

/// The objects that calls fill, by the indexes above.
pub(super) fn objects() -> Vec<Vec<Field>> {
    vec![request_fields(), hook_request_fields(), response_fields()]
}

fn field(name: &str, kind: FieldKind) -> Field {
    Field { name: name.to_owned(), kind }
}

/// The fields of a virtual endpoint's request in the order in which [`super::call`] gives their values.
fn request_fields() -> Vec<Field> {
    let visible = ["Headers", "Body", "URL", "Params", "Scheme"].map(|name| field(name, FieldKind::Visible));
    let hidden = [
        field("Method", FieldKind::Hidden),
        field("RequestID", FieldKind::Hidden),
        field("BodyBase64", FieldKind::Asked(BODY_BASE64)),
    ];
    visible.into_iter().chain(hidden).collect()
}

/// The same of a hook's request; the order of all is that of Tyk's object.
fn hook_request_fields() -> Vec<Field> {
    vec![
        field("Headers", FieldKind::Visible),
        field("SetHeaders", FieldKind::Given(c"{}")),
        field("DeleteHeaders", FieldKind::Given(c"[]")),
        field("Body", FieldKind::Visible),
        field("URL", FieldKind::Visible),
        field("Params", FieldKind::Visible),
        field("AddParams", FieldKind::Given(c"{}")),
        field("ExtendedParams", FieldKind::Given(c"{}")),
        field("DeleteParams", FieldKind::Given(c"[]")),
        field("ReturnOverrides", FieldKind::Given(RETURN_OVERRIDES)),
        field("IgnoreBody", FieldKind::Given(c"false")),
        field("Method", FieldKind::Visible),
        field("RequestURI", FieldKind::Visible),
        field("Scheme", FieldKind::Visible),
        field("RequestID", FieldKind::Hidden),
        field("BodyBase64", FieldKind::Asked(BODY_BASE64)),
    ]
}

/// The same of a response.
fn response_fields() -> Vec<Field> {
    vec![
        field("StatusCode", FieldKind::Visible),
        field("Body", FieldKind::Visible),
        field("Headers", FieldKind::Visible),
        field("SetHeaders", FieldKind::Given(c"{}")),
        field("DeleteHeaders", FieldKind::Given(c"[]")),
        field("BodyBase64", FieldKind::Asked(RESPONSE_BODY_BASE64)),
    ]
}

pub(super) fn names() -> Vec<String> {
    NAMES.map(str::to_owned).into()
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.into(), text: text.into() }
}
