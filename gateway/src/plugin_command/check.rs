//! `plugin check FILE`: what a library is, and what a gateway would say about it.
//!
//! The file is read first, which runs none of its code. Then, unless told otherwise, it is loaded as a gateway does:
//! that runs its initialisers and its `#[init]`, because an `#[init]` that fails is a plugin that is refused. No function
//! is called.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use gatehouse_plugin_abi::{ABI_MAJOR, ABI_MINOR};
use serde_json::{Value, json};

use super::{
    CommandError, REFUSED, code_of,
    opened::{self, Opened, kind_name, mode_name},
    output,
    table::{Table, columns, size, time},
};
use crate::plugins::{
    Kind, PluginError, Problem,
    file::{self, FunctionEntry, PluginFile},
    registry,
};

/// Arguments of `plugin check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// The library, such as target/release/libNAME.so
    file: PathBuf,
    /// Only read the file and run none of its code, not even `#[init]`
    #[arg(long)]
    no_load: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Checks the file and prints what there is to know.
///
/// # Errors
/// When the file is not there or cannot be read.
pub(super) fn run(options: &CheckOptions) -> Result<ExitCode, CommandError> {
    let report = Report::of(&options.file, !options.no_load)?;
    if options.json {
        output::print_json(&report.to_json());
    } else {
        output::print(&report.to_text());
    }
    Ok(report.code())
}

/// What is known of a library.
pub(super) struct Report {
    /// The file that was looked at.
    path: PathBuf,
    size: u64,
    /// What it says of itself; `None` when it is not a plugin for this gateway.
    file: Option<PluginFile>,
    verdict: Verdict,
}

enum Verdict {
    /// A gateway loads it.
    Loads(Opened),
    /// Nothing speaks against it that can be seen without loading it.
    NotLoaded,
    /// A gateway does not load it.
    Refused(CommandError),
    /// It can be loaded, and nothing can be done with it.
    NoFunctions,
}

impl Report {
    /// Looks at the file that a gateway takes for `path`, and loads it if it should.
    pub(super) fn of(path: &Path, load: bool) -> Result<Self, CommandError> {
        let unread = |problem| PluginError { path: path.to_owned(), problem };
        let path = registry::locate(path).map_err(unread)?;
        let bytes = fs::read(&path).map_err(|error| unread(Problem::Read(error)))?;
        let size = bytes.len() as u64;
        let (file, verdict) = match file::inspect(&bytes) {
            Err(problem) => (None, Verdict::Refused(PluginError { path: path.clone(), problem }.into())),
            Ok(file) => {
                let verdict = match load.then(|| opened::open(&path)) {
                    Some(Err(error)) => Verdict::Refused(error),
                    _ if file.functions.is_empty() => Verdict::NoFunctions,
                    Some(Ok(opened)) => Verdict::Loads(opened),
                    None => Verdict::NotLoaded,
                };
                (Some(file), verdict)
            }
        };
        Ok(Self { path, size, file, verdict })
    }

    /// Its functions.
    pub(super) fn functions(&self) -> &[FunctionEntry] {
        self.file.as_ref().map_or(&[], |file| &file.functions)
    }

    /// The code for the verdict.
    pub(super) fn code(&self) -> ExitCode {
        match &self.verdict {
            Verdict::Loads(_) | Verdict::NotLoaded => ExitCode::SUCCESS,
            Verdict::NoFunctions => REFUSED.into(),
            Verdict::Refused(CommandError::Plugin(error)) => code_of(&error.problem),
            Verdict::Refused(error) => error.code(),
        }
    }

    /// What was loaded.
    fn opened(&self) -> Option<&Opened> {
        match &self.verdict {
            Verdict::Loads(opened) => Some(opened),
            _ => None,
        }
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        let mut table = Table::default();
        table.text(&self.path.display().to_string());
        table.line("size", &size(self.size));
        if let Some(file) = &self.file {
            let (major, minor) = file.built_with.abi;
            table.line("ABI", &format!("{major}.{minor}; this gateway speaks {ABI_MAJOR}.{ABI_MINOR}"));
            table.line("SDK", &format!("gatehouse-plugin {}", file.built_with.sdk));
            table.line("compiler", &file.built_with.rustc);
            table.line("target", &file.target);
            table.line("panics", "unwind");
            if let Some((name, version)) = self.opened().and_then(package) {
                table.line("package", &format!("{name} {version}"));
            }
            table.line("#[init]", &self.init(file.has_init));
            let rows: Vec<_> = file.functions.iter().map(|entry| self.row(entry)).collect();
            table.line("functions", if rows.is_empty() { "none" } else { "" });
            for line in columns(&rows).lines() {
                table.text(&format!("  {line}"));
            }
        }
        match &self.verdict {
            Verdict::Loads(opened) => {
                let took = time(opened.took);
                table
                    .line("verdict", &format!("a gateway loads it (here in {took}; no function was called)"));
            }
            Verdict::NotLoaded => table.line("verdict", "nothing speaks against it; it was not loaded"),
            Verdict::NoFunctions => table.line("verdict", NO_FUNCTIONS),
            Verdict::Refused(error) => {
                table.line("verdict", "a gateway refuses it");
                table.text(&error.to_string());
            }
        }
        table.into_text()
    }

    fn init(&self, has_init: bool) -> String {
        match (&self.verdict, has_init) {
            (_, false) => "none",
            (Verdict::Loads(_) | Verdict::NoFunctions, true) => "has run",
            (Verdict::NotLoaded, true) => "there is one; it was not run",
            (Verdict::Refused(_), true) => "there is one",
        }
        .to_owned()
    }

    fn row(&self, entry: &FunctionEntry) -> [String; 4] {
        [
            entry.name.clone(),
            kind_name(entry.kind).to_owned(),
            mode_name(entry.mode).to_owned(),
            self.place(entry).unwrap_or_else(|| format!("line {}", entry.line)),
        ]
    }

    /// Source file and line, which only a loaded library tells.
    fn place(&self, entry: &FunctionEntry) -> Option<String> {
        let (_, function) = self.opened()?.function(&entry.name).ok()?;
        let (file, line) = function.place();
        Some(format!("{file}:{line}"))
    }

    /// For machines.
    fn to_json(&self) -> Value {
        let (verdict, error) = match &self.verdict {
            Verdict::Loads(_) => ("loads", None),
            Verdict::NotLoaded => ("not loaded", None),
            Verdict::NoFunctions => ("refused", Some(NO_FUNCTIONS.to_owned())),
            Verdict::Refused(error) => ("refused", Some(error.to_string())),
        };
        let mut report = json!({
            "file": self.path, "size": self.size, "verdict": verdict, "error": error,
            "gateway_abi": format!("{ABI_MAJOR}.{ABI_MINOR}"),
        });
        if let Some(opened) = self.opened() {
            report["package"] = package(opened).map(|(name, version)| json!([name, version])).into();
            report["load_microseconds"] = microseconds(opened.took);
        }
        if let Some(file) = &self.file {
            let (major, minor) = file.built_with.abi;
            report["abi"] = format!("{major}.{minor}").into();
            report["sdk"] = (*file.built_with.sdk).into();
            report["rustc"] = (*file.built_with.rustc).into();
            report["target"] = (*file.target).into();
            report["panic"] = "unwind".into();
            report["init"] = file.has_init.into();
            let function = |entry: &FunctionEntry| {
                json!({
                    "name": entry.name, "kind": entry.kind.map(kind_word), "mode": entry.mode.map(|mode| mode_name(Some(mode))),
                    "place": self.place(entry), "line": entry.line,
                })
            };
            report["functions"] = file.functions.iter().map(function).collect();
        }
        report
    }
}

const NO_FUNCTIONS: &str = "it has no function that a definition could name; mark one with #[endpoint]";

/// One word for a kind, for machines.
pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "request",
        Kind::Auth => "auth",
        Kind::Response => "response",
        Kind::Analytics => "analytics",
    }
}

/// A time as a number.
pub(super) fn microseconds(time: Duration) -> Value {
    (time.as_secs_f64() * 1e6).into()
}

fn package(opened: &Opened) -> Option<(&'static str, &'static str)> {
    let first = opened.plugin.file.functions.first()?;
    opened.function(&first.name).ok().map(|(_, function)| function.package())
}
