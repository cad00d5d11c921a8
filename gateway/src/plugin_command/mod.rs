//! `gatehouse plugin …`: what authors of plugins do before a gateway runs them.
//!
//! One file for each command. All of them are thin over [`crate::plugins`]: a file is read, copied, opened and called as a
//! gateway does it, and what is said about it are the gateway's words. Nothing here is part of a running gateway.
//!
//! Codes to leave with: 0 when it is well, 1 when a gateway would refuse the plugin or the call failed, 2 when the command
//! itself could not do its work (an argument, a file). `plugin build` leaves with cargo's code when cargo fails.

mod build;
mod check;
mod isolated;
mod load;
mod new;
mod opened;
mod output;
mod run;
mod table;

use std::{io, path::PathBuf, process::ExitCode};

use clap::Subcommand;

pub use self::{
    build::BuildOptions, check::CheckOptions, load::LoadOptions, new::NewOptions, run::RunOptions,
};
use crate::plugins::{PluginError, Problem};

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Make a crate with an endpoint, an `#[init]` and a test, which builds at once
    New(NewOptions),
    /// Build the crate of a plugin with cargo, check what comes out, and print how a definition names it
    Build(BuildOptions),
    /// Say what a library is and whether a gateway would load it
    Check(CheckOptions),
    /// Load a library and find a function in it, as Tyk's command of this name
    Load(LoadOptions),
    /// Call a function once, without a gateway, and print what it decided, changed and logged
    Run(Box<RunOptions>),
}

/// Does what the command says; the code tells how it went.
///
/// What runs a plugin's code runs in a child of this process, so that a crash is told of like any other failure.
pub fn run(command: PluginCommand) -> ExitCode {
    let done = match command {
        PluginCommand::New(options) => new::run(options),
        _ if !isolated::is_child() => isolated::run_child(),
        command => run_here(command),
    };
    done.unwrap_or_else(|error| {
        output::complain(&error.to_string());
        error.code()
    })
}

fn run_here(command: PluginCommand) -> Result<ExitCode, CommandError> {
    isolated::report_crashes();
    match command {
        PluginCommand::New(options) => new::run(options),
        PluginCommand::Build(options) => build::run(options),
        PluginCommand::Check(options) => check::run(&options),
        PluginCommand::Load(options) => load::run(&options),
        PluginCommand::Run(options) => run::run(*options),
    }
}

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// What a gateway would say about the plugin.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// An argument that is not what it has to be.
    #[error("{argument}: {problem}")]
    Argument {
        /// As it is written on the command line.
        argument: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A file or folder.
    #[error("{}: {doing}: {error}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
    /// Cargo cannot be run, or what it built is not a plugin.
    #[error(transparent)]
    Cargo(#[from] build::CargoError),
    /// Native code ended the process.
    #[error(transparent)]
    Crash(#[from] isolated::Crash),
    /// Something that the system refuses.
    #[error("{doing}: {error}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
}

impl CommandError {
    fn argument(argument: &'static str, problem: impl Into<String>) -> Self {
        Self::Argument { argument, problem: problem.into() }
    }

    fn code(&self) -> ExitCode {
        match self {
            Self::Plugin(error) => code_of(&error.problem),
            Self::Crash(_) => REFUSED.into(),
            _ => UNABLE.into(),
        }
    }
}

/// A gateway would refuse the plugin, or the call failed.
const REFUSED: u8 = 1;
/// The command could not do its work.
const UNABLE: u8 = 2;

/// A file that is not there tells nothing about a plugin.
fn code_of(problem: &Problem) -> ExitCode {
    match problem {
        Problem::NotFound { .. } | Problem::Read(_) | Problem::Cache { .. } => UNABLE.into(),
        _ => REFUSED.into(),
    }
}
