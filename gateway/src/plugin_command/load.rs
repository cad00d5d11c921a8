//! `plugin load -f FILE -s NAME`: the command that Tyk has under this name, with its first words.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    CommandError,
    opened::{self, kind_name, mode_name},
    output,
};

/// Arguments of `plugin load`.
#[derive(Debug, Args)]
pub struct LoadOptions {
    /// The library; several may be given with commas between them
    #[arg(short, long = "file", value_name = "FILE", value_delimiter = ',', required = true)]
    files: Vec<PathBuf>,
    /// The function, as a definition names it
    #[arg(short, long, value_name = "NAME")]
    symbol: String,
}

/// Loads each file and finds the function in it.
///
/// # Errors
/// When one is refused; those after it are not tried.
pub(super) fn run(options: &LoadOptions) -> Result<ExitCode, CommandError> {
    for path in &options.files {
        let opened = opened::open(path)?;
        let (kind, function) = opened.function(&options.symbol)?;
        let (file, line) = function.place();
        output::print(&format!(
            "[file={}, symbol={}] loaded ok, got {}, {}, from {file}:{line}\n",
            path.display(),
            options.symbol,
            kind_name(Some(kind)),
            mode_name(function.mode()),
        ));
    }
    Ok(ExitCode::SUCCESS)
}
