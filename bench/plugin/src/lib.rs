//! The benchmark's jobs as a Rust endpoint plugin: what `hyper-peer` does with nothing around it.
#![forbid(unsafe_code)]

use gatehouse_plugin::prelude::*;
use serde::Deserialize;
use serde_json::Value;

/// A text and two headers.
#[endpoint]
fn plain(_: &mut Request, _: &Context) -> Response {
    Response::new(200)
        .header("content-type", "text/plain")
        .header("foo-header", "bar")
        .header("foo-header-2", "baz")
        .body("This is a virtual endpoint!")
}

#[derive(Deserialize)]
struct Config {
    upstream: String,
}

/// One call to the upstream, its JSON with a field added.
#[endpoint]
async fn aggregate(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    let config: &Config = context.config()?;
    let mut item: Value = context.send(OutboundRequest::get(&config.upstream)).await?.json()?;
    let name = item["name"].as_str().ok_or("the upstream's answer has no name")?;
    item["greeting"] = format!("Hello {name}").into();
    Response::json(200, &item)
}

/// Answers once the upstream has, which is what many requests do at once in `waiting.py`.
#[endpoint]
async fn wait(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    let config: &Config = context.config()?;
    Ok(Response::new(context.send(OutboundRequest::get(&config.upstream)).await?.status()))
}
