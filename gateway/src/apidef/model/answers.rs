//! Answers that a definition gives itself.

use http::{HeaderMap, HeaderValue, StatusCode};

/// An answer given by the definition itself.
#[derive(Debug, Clone)]
pub struct FixedAnswer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: bytes::Bytes,
}

/// An answer instead of the upstream's.
#[derive(Debug, Clone)]
pub enum Mock {
    /// Always the same.
    Fixed(FixedAnswer),
    /// One of the examples in an OpenAPI document.
    Examples(Box<ExampleAnswers>),
}

/// The examples of an operation, and which of them is meant when the request does not say.
#[derive(Debug, Clone)]
pub struct ExampleAnswers {
    /// Status; any number that the definition has, since it may have no example.
    pub code: i64,
    /// Content type.
    pub content_type: String,
    /// Name of the example.
    pub name: Option<String>,
    /// What there is.
    pub responses: Vec<ExampleResponse>,
}

/// Examples with one status.
#[derive(Debug, Clone)]
pub struct ExampleResponse {
    /// The status.
    pub status: StatusCode,
    /// Headers besides the content type.
    pub headers: HeaderMap,
    /// By content type.
    pub media: Vec<ExampleMedia>,
}

/// Examples with one content type.
#[derive(Debug, Clone)]
pub struct ExampleMedia {
    /// The content type as written; may be a range such as `text/*`.
    pub content_type: String,
    /// The same for a header.
    pub header: HeaderValue,
    /// The bodies.
    pub body: ExampleBody,
}

/// The body or bodies of an example; `None` where there is no value.
#[derive(Debug, Clone)]
pub enum ExampleBody {
    /// One for all.
    One(Option<bytes::Bytes>),
    /// By name, in the order of names.
    Named(Vec<(String, Option<bytes::Bytes>)>),
}
