//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{js::walled::worker, plugin_command::PluginCommand};

/// A gateway that runs your own code at the endpoint, on Tyk's configuration and API definitions.
#[derive(Debug, Parser)]
#[command(name = "gatehouse", version, about, arg_required_else_help = false)]
struct Arguments {
    /// Configuration file in Tyk's form; without it ./tyk.conf, then /etc/tyk/tyk.conf
    #[arg(long, value_name = "FILE", global = true)]
    conf: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Subcommands>,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Run the gateway (also what happens without a command)
    Run,
    /// Read the configuration and all definitions, say what is wrong with them, and leave
    Check,
    /// Run a gateway with example APIs and upstreams of its own; needs nothing else
    Demo {
        /// Port to listen on; 0 lets the system choose
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Make, build, check and try endpoint plugins in Rust
    Plugin {
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Print every setting with its default as a page in Markdown
    Settings,
    /// Run scripts for a gateway, which starts this by itself
    #[command(name = worker::SUBCOMMAND, hide = true)]
    JsWorker,
    /// Print the types of what scripts see as a TypeScript declaration file, for editors
    Types,
}

/// What the process is to do.
#[derive(Debug)]
pub enum Command {
    /// Serve.
    Run {
        /// Configuration file.
        conf: Option<PathBuf>,
    },
    /// Check configuration and definitions.
    Check {
        /// Configuration file.
        conf: Option<PathBuf>,
    },
    /// Serve the examples.
    Demo {
        /// Port.
        port: u16,
    },
    /// Work on plugins.
    Plugin(PluginCommand),
    /// Print the settings.
    Settings,
    /// Run scripts for a gateway.
    JsWorker,
    /// Print the types of scripts.
    Types,
}

/// Reads the command line; leaves the process for `--help`, `--version` and mistakes.
pub fn command() -> Command {
    let Arguments { conf, command } = Arguments::parse();
    match command {
        None | Some(Subcommands::Run) => Command::Run { conf },
        Some(Subcommands::Check) => Command::Check { conf },
        Some(Subcommands::Demo { port }) => Command::Demo { port },
        Some(Subcommands::Plugin { command }) => Command::Plugin(command),
        Some(Subcommands::Settings) => Command::Settings,
        Some(Subcommands::JsWorker) => Command::JsWorker,
        Some(Subcommands::Types) => Command::Types,
    }
}
