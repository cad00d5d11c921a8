//! Why a plugin is not loaded: file, cause and remedy, on one screen.

use std::{fmt, io, path::PathBuf};

use gatehouse_plugin::host::Kind;

/// A plugin, or a function of one, that cannot be used.
#[derive(Debug)]
pub struct PluginError {
    /// The file as the definition names it.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}: {}\n  remedy: {}", self.path.display(), self.problem, self.problem.remedy())
    }
}

impl std::error::Error for PluginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Read(error) | Problem::Cache { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// A version of the boundary and who speaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltWith {
    /// Major and minor version of the boundary.
    pub abi: (u32, u32),
    /// Version of `gatehouse-plugin`.
    pub sdk: String,
    /// The compiler.
    pub rustc: String,
}

impl fmt::Display for BuiltWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { abi: (major, minor), sdk, rustc } = self;
        write!(f, "ABI {major}.{minor} (gatehouse-plugin {sdk}, {rustc})")
    }
}

/// What can be wrong with a plugin.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such file.
    #[error("there is no such file; looked for {}", tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "))]
    NotFound {
        /// What was looked for, in this order.
        tried: Vec<PathBuf>,
    },
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// No copy can be made.
    #[error("its copy {} cannot be made: {error}", path.display())]
    Cache {
        /// The copy.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Not a library at all.
    #[error("is not a shared library (no ELF header)")]
    NotElf,
    /// Cut off.
    #[error("is cut off: it has {length} bytes and needs {needed}")]
    Truncated {
        /// Bytes that are there.
        length: u64,
        /// Bytes that its headers speak of.
        needed: u64,
    },
    /// Its headers make no sense.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// An executable, an object file or a core dump.
    #[error("is an ELF file, but not a shared library")]
    NotShared,
    /// For another processor.
    #[error("was built for {found}, this gateway runs on {}", std::env::consts::ARCH)]
    Architecture {
        /// What it was built for.
        found: String,
    },
    /// A plugin of Tyk in Go.
    #[error("is a Go library")]
    Go,
    /// Something else.
    #[error("is a library, but not a plugin: it has no symbol `gatehouse_plugin_header`")]
    NoHeader,
    /// Another major version.
    #[error("was built with {found}, this gateway speaks ABI {}.{}", ours.0, ours.1)]
    Abi {
        /// The plugin.
        found: BuiltWith,
        /// The gateway's version.
        ours: (u32, u32),
    },
    /// It would end the gateway with its first panic.
    #[error("was built with panic = \"abort\": its first panic would end the gateway")]
    PanicAbort,
    /// The same version, but not the same types.
    #[error("says {found}, as this gateway does, but its types differ from the gateway's:\n{difference}")]
    Layout {
        /// The plugin.
        found: BuiltWith,
        /// The innermost difference.
        difference: String,
    },
    /// A library that it needs is not there.
    #[error("needs the library {library}, which is not there")]
    MissingLibrary {
        /// Its name.
        library: String,
    },
    /// A symbol that it needs is not there.
    #[error("needs the symbol `{symbol}`, which no library has")]
    MissingSymbol {
        /// The symbol.
        symbol: String,
    },
    /// Built on a newer system.
    #[error("needs `{version}`, which the C library here does not have")]
    CLibrary {
        /// The version it needs, such as `GLIBC_2.38`.
        version: String,
    },
    /// Too many libraries with thread-local variables of the fast kind.
    #[error("has thread-local variables for which there is no room left")]
    StaticTls,
    /// Something else that the dynamic loader says.
    #[error("cannot be loaded: {0}")]
    Open(String),
    /// Its `#[init]` did not succeed.
    #[error("its #[init] failed: {0}")]
    Init(String),
    /// It has no such function.
    #[error("has no function `{function}`{}", available(functions))]
    NoFunction {
        /// What was asked for.
        function: String,
        /// What it has.
        functions: Vec<String>,
    },
    /// A function of another kind.
    #[error("`{function}` is made with {}, and cannot be used {}", found.attribute(), place(*wanted))]
    Kind {
        /// The function.
        function: String,
        /// What it is.
        found: Kind,
        /// What is wanted.
        wanted: Kind,
    },
    /// A function that this gateway does not know how to run.
    #[error("`{function}` is of a kind that this gateway does not know")]
    UnknownKind {
        /// The function.
        function: String,
    },
}

impl Problem {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotFound { .. } => "correct the path in the definition; it is relative to the working directory".into(),
            Self::Read(_) => "let the gateway's user read it".into(),
            Self::Cache { .. } => "give the gateway a folder for copies of plugins that it can write to".into(),
            Self::NotElf | Self::NotShared => {
                "name the file that `cargo build --release` makes: target/release/libNAME.so, of a crate with crate-type = [\"cdylib\"]".into()
            }
            Self::Truncated { .. } | Self::Damaged(_) => {
                "copy it again; to replace a file that is in use, write to another name and rename".into()
            }
            Self::Architecture { .. } => format!("build it with `--target {}-unknown-linux-gnu`", std::env::consts::ARCH),
            Self::Go => "write it again in Rust; docs/src/porting-go-plugins.md has a table, call by call".into(),
            Self::NoHeader => "depend on `gatehouse-plugin`, mark a function with #[endpoint], and build with crate-type = [\"cdylib\"]".into(),
            Self::Abi { found, ours } if found.abi.0 == ours.0 => {
                "use a newer gateway, or build the plugin with an older gatehouse-plugin".into()
            }
            Self::Abi { ours, .. } => format!("build it with a gatehouse-plugin of ABI {}", ours.0),
            Self::PanicAbort => "take `panic = \"abort\"` out of [profile.release] in the Cargo.toml of its workspace".into(),
            Self::Layout { .. } => {
                "build it with the gatehouse-plugin that this gateway was built with, and report this: it should not happen".into()
            }
            Self::MissingLibrary { library } => format!("install {library} where the gateway runs, or link it statically"),
            Self::MissingSymbol { .. } => "build it against the libraries of the system where the gateway runs".into(),
            Self::CLibrary { .. } => "build it on a system that is no newer than the gateway's".into(),
            Self::StaticTls => {
                "build its C dependencies with -ftls-model=global-dynamic, or start the gateway with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096".into()
            }
            Self::Open(_) => "the message is the system's; `ldd FILE` often says more".into(),
            Self::Init(_) => "the message is the plugin's own".into(),
            Self::NoFunction { functions, .. } if functions.is_empty() => {
                "mark a function with #[endpoint]".into()
            }
            Self::NoFunction { .. } => "correct the name in the definition".into(),
            Self::Kind { wanted, .. } => format!("name a function made with {}", wanted.attribute()),
            Self::UnknownKind { .. } => "use a newer gateway".into(),
        }
    }
}

fn available(functions: &[String]) -> String {
    match functions {
        [] => "; it has none".to_owned(),
        functions => format!("; it has {}", functions.join(", ")),
    }
}

fn place(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "at an endpoint or as a pre, post_key_auth or post hook",
        Kind::Auth => "for authentication",
        Kind::Response => "as a response hook",
        Kind::Analytics => "for analytics",
    }
}
