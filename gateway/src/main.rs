//! The life of the process: read the command line, do what it says, leave with a code that tells how it went.

use std::process::ExitCode;

use gatehouse::{
    cli::{self, Command},
    js::walled::worker,
    plugin_command,
};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: gatehouse::allocator::Mimalloc = gatehouse::allocator::Mimalloc;

fn main() -> ExitCode {
    let done = match cli::command() {
        Command::Run { conf } => gatehouse::run::from_file(conf.as_deref()),
        Command::Check { conf } => gatehouse::run::check(conf.as_deref()).map(|()| ExitCode::SUCCESS),
        Command::Demo { port } => gatehouse::demo::run(port).map(|()| ExitCode::SUCCESS),
        Command::JsWorker => Ok(worker::run()),
        Command::Plugin(command) => Ok(plugin_command::run(command)),
        Command::Settings => {
            print!("{}", gatehouse::config::reference_markdown());
            Ok(ExitCode::SUCCESS)
        }
        Command::Types => {
            print!("{}", gatehouse::js::types::declarations());
            Ok(ExitCode::SUCCESS)
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("gatehouse: {error}");
            ExitCode::FAILURE
        }
    }
}
