//! `plugin build`: cargo, then what `plugin check` says of the library, then how a definition names its functions.

mod cargo;
mod definition;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

pub(super) use self::cargo::CargoError;
use self::cargo::{Build, Built, Profile};
use super::{CommandError, check::Report, output};

/// Arguments of `plugin build`.
#[derive(Debug, Args)]
pub struct BuildOptions {
    /// Cargo.toml of the crate [default: the one in this folder or the nearest above it]
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
    /// Build without optimisation, which is quicker
    #[arg(long)]
    debug: bool,
    /// For cargo, after `--`: --offline, --features …
    #[arg(last = true, value_name = "CARGO ARGUMENTS")]
    cargo_arguments: Vec<String>,
}

/// Builds and checks.
///
/// # Errors
/// When cargo cannot be run, or what it built is no library.
pub(super) fn run(options: BuildOptions) -> Result<ExitCode, CommandError> {
    let BuildOptions { manifest_path, debug, cargo_arguments } = options;
    let profile = if debug { Profile::Debug } else { Profile::Release };
    let libraries = match cargo::build(&Build { manifest_path, profile, cargo_arguments })? {
        Built::Libraries(libraries) => libraries,
        // Cargo and rustc have said why.
        Built::Failed(code) => return Ok(code.into()),
    };
    let mut code = ExitCode::SUCCESS;
    for library in &libraries {
        let report = Report::of(library, true)?;
        output::print(&report.to_text());
        if report.code() != ExitCode::SUCCESS {
            code = report.code();
        } else if let Some(snippet) = definition::snippet(library, report.functions()) {
            output::print(&format!("\nIn an API definition:\n\n{snippet}\n"));
        }
    }
    Ok(code)
}
