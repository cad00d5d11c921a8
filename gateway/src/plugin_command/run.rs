//! `plugin run FILE NAME`: one call of a function without a gateway, and what came of it.
//!
//! The call is the gateway's own: a real exchange and place, the pooled client for outbound calls, and a store in memory that
//! ends with the command. What a gateway would do with the decision, such as calling an upstream, is not done.

mod arguments;
mod call;
mod http_text;
mod log_lines;
mod memory_store;
mod report;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use bytes::Bytes;
use clap::Args;
use http::{Request, Response};
use serde_json::Value;

use self::report::Report;
use super::{CommandError, REFUSED, opened, output};
use crate::{plugins::ApiFacts, session::Session};

/// Arguments of `plugin run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// The library, such as target/release/libNAME.so
    file: PathBuf,
    /// The function, as a definition names it
    name: String,
    /// The request: `PATH`, `METHOD`, `METHOD PATH`, with an http or https address in place of PATH if need be, or @FILE with
    /// a request in the form of HTTP/1.1 (@- reads standard input)
    #[arg(short = 'X', long, value_name = "REQUEST", default_value = "/")]
    request: String,
    /// A header of the request, `NAME: VALUE`; may be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Body of the request, or @FILE; without a METHOD it makes the request a POST
    #[arg(short = 'd', long = "data", value_name = "BODY|@FILE")]
    body: Option<String>,
    /// `config` at the function's place in the definition
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
    /// Session of the caller, in the form of Tyk's JSON
    #[arg(long, value_name = "JSON|@FILE")]
    session: Option<String>,
    /// The API's definition, for its id, name, listen path and `config_data`
    #[arg(long, value_name = "JSON|@FILE")]
    definition: Option<String>,
    /// The upstream's answer, for a response hook: a STATUS, or @FILE with an answer in the form of HTTP/1.1 [default: 200]
    #[arg(long, value_name = "STATUS|@FILE")]
    response: Option<String>,
    /// A header of the upstream's answer; may be repeated
    #[arg(long = "response-header", value_name = "HEADER")]
    response_headers: Vec<String>,
    /// Body of the upstream's answer
    #[arg(long = "response-body", value_name = "BODY|@FILE")]
    response_body: Option<String>,
    /// The analytics record, for an analytics function [default: one made of the request]
    #[arg(long, value_name = "JSON|@FILE")]
    record: Option<String>,
    /// Seconds that the call may take; 0 is no bound
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Loads the library, calls the function and prints what came of it.
///
/// # Errors
/// When an argument is wrong, or a gateway would refuse the plugin.
pub(super) fn run(options: RunOptions) -> Result<ExitCode, CommandError> {
    let lines = log_lines::start(!options.json);
    let given = arguments::read(&options)?;
    let opened = opened::open(&options.file)?;
    let (kind, function) = opened.function(&options.name)?;
    given.check_for(kind, &options.name)?;
    let done = call::call(kind, &function, given)?;
    let report =
        Report { kind, function: &function, loading: opened.took, done: &done, lines: &lines.taken() };
    if options.json {
        output::print_json(&report.to_json());
    } else {
        output::print(&report.to_text());
    }
    Ok(if done.has_failed() { REFUSED.into() } else { ExitCode::SUCCESS })
}

/// What a call is given.
struct Given {
    request: Request<Bytes>,
    scheme: &'static str,
    config: Option<Box<str>>,
    session: Option<Arc<Session>>,
    api: ApiFacts,
    /// Whether an answer was named on the command line.
    has_response: bool,
    response: Response<Bytes>,
    record: Option<Value>,
    /// `None` is no bound.
    timeout: Option<Duration>,
}
