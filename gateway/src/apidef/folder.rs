//! Reads all definitions of an `app_path`, each with what was found in it.

use std::{
    cell::RefCell,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    ApiDefinition, Problem, Problems,
    companions::{Beside, Companions},
    read::{self, Kind, Read},
};
use crate::config::Position;

/// One definition file.
#[derive(Debug)]
pub struct DefinitionFile {
    /// The file.
    pub path: PathBuf,
    /// Its text; empty when it could not be read.
    pub text: String,
    /// What it is written as; `None` when it could not be read as JSON.
    pub kind: Option<Kind>,
    /// Id of its API, empty when it could not be read.
    pub api_id: Arc<str>,
    /// It is the Classic form that Tyk keeps of an OAS definition.
    pub is_copy_of_oas: bool,
    /// The definition, when it is to be served.
    pub definition: Option<ApiDefinition>,
    /// What was found while it was read.
    pub problems: Problems,
    /// What was found later, while it was compiled; see [`note`](Self::note).
    pub findings: RefCell<Vec<Problem>>,
    /// It is only tried: what is found is kept and not logged.
    pub is_trial: bool,
    /// What stands beside it and was read with it.
    pub beside: Beside,
}

/// Reads every `*.json` file of a folder, in the order of their names; folders inside are left alone. As for [`parse`],
/// without `companions` definitions that name a bundle are refused.
///
/// # Errors
/// When the folder itself cannot be read. A file that cannot be read is a problem of that file only.
pub fn read(folder: &Path, companions: Option<&Companions<'_>>) -> io::Result<Vec<DefinitionFile>> {
    let paths = paths(folder)?;
    let read = |path: &PathBuf| match fs::read_to_string(path) {
        Ok(text) => parse(path.clone(), text, companions),
        Err(error) => unreadable(path.clone(), &error),
    };
    let mut files: Vec<DefinitionFile> = paths.iter().map(read).collect();
    files.retain(|file| !stands_for_oas(file, &paths));
    Ok(files)
}

/// The definition files of a folder, in the order of their names.
///
/// # Errors
/// When it cannot be read.
pub fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json") && path.is_file())
        .collect();
    paths.sort();
    Ok(paths)
}

/// Whether a file is not to be served because another of `paths` is.
///
/// Tyk keeps two files for an API with an OAS definition, `ID.json` in Classic form and `ID-oas.json`: the second is
/// the one that people write.
pub fn stands_for_oas(file: &DefinitionFile, paths: &[PathBuf]) -> bool {
    let Some(stem) = file.path.file_stem().filter(|_| file.is_copy_of_oas) else { return false };
    let mut document = stem.to_owned();
    document.push("-oas.json");
    paths.contains(&file.path.with_file_name(document))
}

/// What is known of a file that cannot be read.
pub fn unreadable(path: PathBuf, error: &io::Error) -> DefinitionFile {
    let mut problems = Problems::default();
    problems.refuse("", format!("cannot be read: {error}"));
    DefinitionFile::new(path, String::new(), Read::refused(None, problems))
}

/// Reads a definition from text that stands for a file, with what belongs to it.
///
/// Without `companions` one that names a bundle is refused.
pub fn parse(path: PathBuf, text: String, companions: Option<&Companions<'_>>) -> DefinitionFile {
    let read = read::read_with(&text, companions);
    DefinitionFile::new(path, text, read)
}

impl DefinitionFile {
    /// What was read of a file with this text.
    pub fn new(path: PathBuf, text: String, read: Read) -> Self {
        let Read { kind, api_id, is_copy_of_oas, definition, inactive: _, problems, beside } = read;
        Self {
            path,
            text,
            kind,
            api_id,
            is_copy_of_oas,
            definition,
            problems,
            findings: RefCell::default(),
            is_trial: false,
            beside,
        }
    }

    /// Logs every finding once.
    pub fn report(&self) {
        for Problem { field, message } in &self.problems.refusals {
            self.log(field, message);
        }
        for Problem { field, message } in &self.problems.warnings {
            let pointer = self.pointer(field);
            tracing::warn!(file = %self.place(field), field, pointer, "{message}");
        }
    }

    /// Logs one more finding that keeps the API from being served.
    pub fn report_one(&self, field: &str, message: &str) {
        if self.note(field, message) {
            self.log(field, message);
        }
    }

    /// Keeps a finding, for whoever asks what became of this file. Gives whether it is to be logged, too.
    pub fn note(&self, field: &str, message: impl Into<String>) -> bool {
        self.findings.borrow_mut().push(Problem { field: field.to_owned(), message: message.into() });
        !self.is_trial
    }

    fn log(&self, field: &str, message: &str) {
        let pointer = self.pointer(field);
        tracing::error!(file = %self.place(field), field, pointer, "API not served: {message}");
    }

    /// File, line and column of a field, or of the nearest place above it that is there.
    pub fn place(&self, field: &str) -> String {
        let path = self.path.display();
        match self.position(field) {
            Some(position) => format!("{path}:{}:{}", position.line, position.column),
            None => path.to_string(),
        }
    }

    /// Line and column of a field, or of the nearest place above it that is there.
    pub fn position(&self, field: &str) -> Option<Position> {
        read::place(&self.text, field).position
    }

    /// The field as a JSON pointer, for documents: their keys are paths with dots and slashes.
    pub fn pointer(&self, field: &str) -> Option<String> {
        let in_document = self.kind == Some(Kind::Oas) && !field.is_empty();
        in_document.then(|| read::place(&self.text, field).pointer)
    }
}
