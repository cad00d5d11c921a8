//! The SDK for endpoint plugins of Gatehouse: Rust functions, compiled to a library, that the gateway calls for a request.
//!
//! ```
//! use gatehouse_plugin::prelude::*;
//!
//! #[endpoint]
//! fn hello(request: &mut Request, _: &Context) -> Response {
//!     Response::text(format!("Hello from {}\n", request.path()))
//! }
//! ```
//!
//! The crate of a plugin is a `cdylib` that depends on this crate alone; a definition names the library and the function.
//! Attributes say what a function is: [`endpoint`], [`request_hook`], [`auth`], [`response_hook`], [`analytics`], and
//! [`init`] makes what the plugin keeps. [`Request`], [`Response`] and [`Context`] are what it works with; [`mod@test`]
//! calls it without a gateway.
//!
//! Inside, `ffi` is the only room with unsafe code. [`host`] is for whoever runs plugins, such as the gateway.

mod analytics;
mod auth;
mod context;
mod error;
#[allow(unsafe_code, reason = "the boundary; its invariants are at the top of its module")]
mod ffi;
mod form;
mod join;
mod message;
mod outbound;
mod outcome;
mod request;
mod response;
mod storage;
pub mod test;
mod upstream_response;

pub use gatehouse_plugin_macros::{analytics, auth, endpoint, init, request_hook, response_hook};

pub use self::{
    analytics::Record,
    auth::{Denied, IntoVerdict, Session, Verdict},
    context::{Api, Level},
    error::{Error, Result},
    ffi::{
        guest::Context,
        guest_message::{Request, UpstreamResponse},
        host,
    },
    join::{block_on, entered, join, join_all},
    outbound::{OutboundRequest, OutboundResponse, Sending},
    outcome::{IntoOutcome, IntoResult, Outcome},
    response::{Body, Response},
    storage::Storage,
};

/// Compiles and runs what authors read in the book.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../docs/src/writing-a-plugin.md")]
    struct WritingAPlugin;
    #[doc = include_str!("../../docs/src/porting-go-plugins.md")]
    struct PortingGoPlugins;
}

/// What the attributes expand to; not for authors.
#[doc(hidden)]
pub mod expanded {
    pub use gatehouse_plugin_abi::numbers::{flag, kind};

    pub use crate::{
        analytics::{record, record_async},
        ffi::entry::{About, Arguments, AsyncFunction, Exported, ExportedInit, Init, SyncFunction},
        outcome::{Decision, Made, from_outcome, from_result, from_state, from_state_result, from_verdict},
    };

    /// What a function says when the gateway calls it as another kind.
    pub const WRONG_KIND: &str = "the gateway called this function as one of another kind";
}

/// What most plugins need: `use gatehouse_plugin::prelude::*`.
pub mod prelude {
    pub use crate::{
        Context, Denied, OutboundRequest, Outcome, Record, Request, Response, Session, UpstreamResponse,
        Verdict, analytics, auth, endpoint, init, join, join_all, request_hook, response_hook,
    };
}
