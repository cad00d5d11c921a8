//! Starts the log: text for people or JSON for machines, to standard error.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use super::access_log;
use crate::config::settings::{LogFormat, LogLevel, LogSettings};

/// Starts logging for the process; later calls change nothing.
pub fn start(settings: &LogSettings) {
    let mut targets = Targets::new().with_default(filter(settings.level));
    // The access log has a switch of its own, so that it does not depend on the level.
    let access = if settings.access_log { LevelFilter::INFO } else { LevelFilter::OFF };
    targets = targets.with_target(access_log::TARGET, access);
    for (target, level) in &settings.targets {
        targets = targets.with_target(target, filter(*level));
    }
    let registry = tracing_subscriber::registry().with(targets);
    // A second start (tests in one process) keeps the first logger, which is what is wanted.
    let _ = match settings.format {
        LogFormat::Text => {
            let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry
                .with(
                    tracing_subscriber::fmt::layer()
                        .with_writer(std::io::stderr)
                        .with_ansi(ansi)
                        .with_target(false),
                )
                .try_init()
        }
        LogFormat::Json => registry
            .with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr))
            .try_init(),
    };
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    }
}
