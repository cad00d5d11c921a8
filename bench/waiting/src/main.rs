//! Starts a gateway whose endpoint is an async plugin (or, with `--script`, a JavaScript virtual endpoint) that waits for an
//! upstream, sends it many requests at once, and prints how long they took and how much memory the gateway had.
//!
//! The requests are streams of few HTTP/2 connections, so that the limit on open files is spent on the upstream's side.

mod gateway;
mod load;
mod upstream;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How many requests can wait in async plugins or scripts at once, and what they cost
#[derive(Debug, Parser)]
struct Arguments {
    /// The gateway
    #[arg(long, default_value = "target/release/gatehouse")]
    gatehouse: PathBuf,
    /// The plugin with the endpoint `wait`
    #[arg(long, default_value = "target/release/libbench_plugin.so")]
    plugin: PathBuf,
    /// A script at the endpoint instead of the plugin
    #[arg(long)]
    script: bool,
    /// Requests that wait at the same time
    #[arg(long, default_value_t = 10_000)]
    requests: usize,
    /// How long the upstream takes for an answer
    #[arg(long, default_value_t = 3_000)]
    milliseconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("waiting: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: Arguments) -> Result<(), BoxError> {
    let delay = Duration::from_millis(arguments.milliseconds);
    let upstream = upstream::Upstream::start(delay).await?;
    let plugin = (!arguments.script).then_some(&*arguments.plugin);
    let gateway = gateway::Gateway::start(&arguments.gatehouse, plugin, upstream.address).await?;
    load::run(gateway.address, 1, load::STREAMS).await?;
    let before = gateway.resident_bytes()?;
    upstream.forget_most();
    let took = load::run(gateway.address, arguments.requests, load::STREAMS).await?;
    let peak = gateway.peak_resident_bytes()?;
    let most = upstream.most();
    let percentile = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].as_millis();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!("requests            {}", took.len());
    println!("waiting at once     {most} (as the upstream saw them)");
    println!("upstream takes      {} ms", delay.as_millis());
    println!(
        "answered after      p50 {} ms, p99 {} ms, all {} ms",
        percentile(50),
        percentile(99),
        percentile(100)
    );
    println!(
        "gateway's memory    {:.1} MB before, {:.1} MB at its peak: {:.1} KB for each request",
        megabytes(before),
        megabytes(peak),
        (peak.saturating_sub(before)) as f64 / 1e3 / took.len() as f64
    );
    if most < arguments.requests { Err(format!("only {most} waited at once").into()) } else { Ok(()) }
}
