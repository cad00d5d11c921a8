//! Validation of requests: JSON schemas, and what an OpenAPI document says of an operation's parameters and body.
//!
//! Everything is compiled when a definition is read; `schema` has the limits that keep a check short. `openapi` turns the
//! schemas of a document into JSON schemas, `parameter`, `body` and `multipart` read what a request has, `defaults` fills in what it leaves out, `words` says what is wrong as Tyk
//! does.

mod body;
mod defaults;
mod multipart;
mod openapi;
mod parameter;
mod path;
mod request;
mod schema;
mod words;

pub use self::{
    body::{BodyRule, ContentRule, Kind},
    defaults::Defaults,
    multipart::Parts,
    openapi::{Dialect, SchemaReader},
    parameter::{Addition, Parameter, ParameterDefault, Place, Shape, Style},
    path::PathPattern,
    request::{JsonRule, Refusal, RequestRule, Validation},
    schema::{Schema, SchemaError},
};
