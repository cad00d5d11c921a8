//! Validation of requests: JSON schemas, and what an OpenAPI document says of an operation's parameters and body.
//!
//! Everything is compiled when a definition is read; `schema` has the limits that keep a check short. `openapi` turns the
//! schemas of a document into JSON schemas, `parameter` and `body` read what a request has, `words` says what is wrong as Tyk
//! does.

mod body;
mod openapi;
mod parameter;
mod path;
mod request;
mod schema;
mod words;

pub use self::{
    body::{BodyRule, Content, ContentRule},
    openapi::{Dialect, SchemaReader},
    parameter::{Parameter, Place, Shape, Style},
    path::PathPattern,
    request::{JsonRule, Refusal, RequestRule, Validation},
    schema::{Schema, SchemaError},
};
