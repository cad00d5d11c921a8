//! Reads all definitions of an `app_path`, each with what was found in it.

use std::{
    cell::RefCell,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{ApiDefinition, Problem, Problems, classic};
use crate::config;

/// One definition file.
#[derive(Debug)]
pub struct DefinitionFile {
    /// The file.
    pub path: PathBuf,
    /// Its text, for line numbers.
    text: String,
    /// Id of its API, empty when it could not be read.
    pub api_id: Arc<str>,
    /// The definition, when it is to be served.
    pub definition: Option<ApiDefinition>,
    /// What was found while it was read.
    pub problems: Problems,
    /// What was found later, while it was compiled; see [`note`](Self::note).
    pub findings: RefCell<Vec<Problem>>,
    /// It is only tried: what is found is kept and not logged.
    pub is_trial: bool,
}

/// Reads every `*.json` file of a folder, in the order of their names; folders inside are left alone.
///
/// # Errors
/// When the folder itself cannot be read. A file that cannot be read is a problem of that file only.
pub fn read(folder: &Path) -> io::Result<Vec<DefinitionFile>> {
    Ok(paths(folder)?.into_iter().map(read_file).collect())
}

/// The files that [`read`] reads, in its order.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json") && path.is_file())
        .collect();
    paths.sort();
    Ok(paths)
}

fn read_file(path: PathBuf) -> DefinitionFile {
    match fs::read_to_string(&path) {
        Ok(text) => parse(path, text),
        Err(error) => {
            let mut problems = Problems::default();
            problems.refuse("", format!("cannot be read: {error}"));
            DefinitionFile { problems, ..DefinitionFile::of(path, String::new()) }
        }
    }
}

/// Reads a definition from text that stands for a file.
pub fn parse(path: PathBuf, text: String) -> DefinitionFile {
    let mut file = DefinitionFile::of(path, text);
    let json: Value = match serde_json::from_str(&file.text) {
        Ok(json) => json,
        Err(error) => {
            let message = format!("is not JSON, line {} column {}: {error}", error.line(), error.column());
            file.problems.refuse("", message);
            return file;
        }
    };
    if json.get("openapi").is_some() {
        file.problems.refuse(
            "openapi",
            "Tyk OAS definitions are not read by this version of Gatehouse yet; only Tyk Classic ones are",
        );
        return file;
    }
    let read = classic::read(json);
    if let Some(definition) = &read.definition {
        file.api_id = Arc::clone(&definition.id);
    }
    file.definition = read.definition;
    if let Some(definition) = &mut file.definition
        && definition.uses_plugins()
    {
        definition.written = Some(file.text.as_str().into());
    }
    file.problems = read.problems;
    file
}

impl DefinitionFile {
    fn of(path: PathBuf, text: String) -> Self {
        Self {
            path,
            text,
            api_id: "".into(),
            definition: None,
            problems: Problems::default(),
            findings: RefCell::default(),
            is_trial: false,
        }
    }

    /// Logs every finding once.
    pub fn report(&self) {
        for Problem { field, message } in &self.problems.refusals {
            tracing::error!(file = %self.place(field), field, "API not served: {message}");
        }
        for Problem { field, message } in &self.problems.warnings {
            tracing::warn!(file = %self.place(field), field, "{message}");
        }
    }

    /// Logs one more finding that keeps the API from being served.
    pub fn report_one(&self, field: &str, message: &str) {
        if self.note(field, message) {
            tracing::error!(file = %self.place(field), field, "API not served: {message}");
        }
    }

    /// Keeps a finding, for whoever asks what became of this file. Gives whether it is to be logged, too.
    pub fn note(&self, field: &str, message: impl Into<String>) -> bool {
        self.findings.borrow_mut().push(Problem { field: field.to_owned(), message: message.into() });
        !self.is_trial
    }

    /// File, line and column of a field, or of the nearest place above it that is there.
    pub fn place(&self, field: &str) -> String {
        match self.position(field) {
            Some(position) => format!("{}:{}:{}", self.path.display(), position.line, position.column),
            None => self.path.display().to_string(),
        }
    }

    /// Line and column of a field, or of the nearest place above it that is there.
    pub fn position(&self, field: &str) -> Option<config::Position> {
        let mut path = field;
        loop {
            if let Some(position) =
                (!path.is_empty()).then(|| config::locate_dotted(&self.text, path)).flatten()
            {
                return Some(position);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}
