//! What can be wrong with a configuration, as values; [`std::fmt::Display`] turns them into lines for people.

use std::{fmt, io, path::PathBuf};

use super::locate::Position;

/// A start that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file where one was looked for.
    #[error(
        "no configuration file: looked for {}\n    name one with `--conf FILE`, or try `gatehouse demo`, which needs none",
        listed(looked_for)
    )]
    Missing {
        /// Every path that was tried.
        looked_for: Vec<PathBuf>,
    },
    /// A file that is there but cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Everything that is wrong with the content, in the order of the file, variables last.
    #[error("{}", joined(problems))]
    Invalid {
        /// At least one.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written.
    pub place: Place,
    /// Dotted path of the key; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub complaint: Complaint,
    /// What to do, where that does not follow from the complaint.
    pub advice: Option<String>,
}

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Where in it; for a key that is missing, what should hold it.
        position: Option<Position>,
    },
    /// In an environment variable of this name.
    Variable(String),
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// The value is of the wrong type, out of range, or names something that is not there.
    Value {
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The key has to be there.
    Required {
        /// When it has to.
        because: String,
    },
    /// No such key.
    UnknownKey {
        /// The key that was probably meant.
        meant: Option<String>,
    },
    /// The value would protect nothing.
    Weak {
        /// What has to be protected, and why this does not do it.
        because: String,
    },
    /// The value is right for Tyk, but this version cannot do what it asks for.
    Unsupported {
        /// What it asks for.
        asks_for: String,
    },
    /// The text is not JSON.
    Syntax {
        /// What the parser met.
        message: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { path, position: Some(Position { line, column }) } => {
                write!(f, "{}:{line}:{column}: ", path.display())?;
            }
            Place::File { path, position: None } => write!(f, "{}: ", path.display())?,
            Place::Variable(name) => write!(f, "{name}: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.complaint)?;
        match &self.advice {
            Some(advice) => write!(f, "\n    {advice}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Required { because } => write!(f, "missing; {because}"),
            Self::Weak { because } => f.write_str(because),
            Self::UnknownKey { meant: None } => write!(f, "unknown key"),
            Self::UnknownKey { meant: Some(meant) } => write!(f, "unknown key; did you mean `{meant}`?"),
            Self::Unsupported { asks_for } => write!(f, "not supported by this version: {asks_for}"),
            Self::Syntax { message } => write!(f, "not valid JSON: {message}"),
        }
    }
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_one_line_and_advice() {
        let mut problem = Problem {
            place: Place::File { path: "tyk.conf".into(), position: Some(Position { line: 3, column: 18 }) },
            key: "listen_port".into(),
            complaint: Complaint::Value {
                expected: "a port between 0 and 65535".into(),
                found: "\"eighty\"".into(),
            },
            advice: None,
        };
        let line = "tyk.conf:3:18: listen_port: expected a port between 0 and 65535, found \"eighty\"";
        assert_eq!(problem.to_string(), line);
        problem.place = Place::Variable("TYK_GW_LISTENPORT".into());
        problem.complaint = Complaint::UnknownKey { meant: Some("x".into()) };
        problem.advice = Some("do this".into());
        assert_eq!(
            problem.to_string(),
            "TYK_GW_LISTENPORT: listen_port: unknown key; did you mean `x`?\n    do this"
        );
    }

    #[test]
    fn a_missing_file_says_how_to_start() {
        let error = ConfigError::Missing { looked_for: vec!["tyk.conf".into(), "/etc/tyk/tyk.conf".into()] };
        assert_eq!(
            error.to_string(),
            "no configuration file: looked for tyk.conf, /etc/tyk/tyk.conf\n    name one with `--conf FILE`, or try \
             `gatehouse demo`, which needs none"
        );
    }
}
