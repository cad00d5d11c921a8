//! Reads all definitions of an `app_path`, each with what was found in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    ApiDefinition, Problem, Problems,
    companions::Companions,
    read::{self, Kind, Place, Read},
};

/// One definition file.
#[derive(Debug)]
pub struct DefinitionFile {
    /// The file.
    pub path: PathBuf,
    /// Its text, for line numbers.
    text: String,
    /// What it is written as; `None` when it could not be read as JSON.
    pub kind: Option<Kind>,
    /// Id of its API, empty when it could not be read.
    pub api_id: Arc<str>,
    /// It is the Classic form that Tyk keeps of an OAS definition.
    is_copy_of_oas: bool,
    /// The definition, when it is to be served.
    pub definition: Option<ApiDefinition>,
    /// What was found.
    pub problems: Problems,
}

/// Reads every `*.json` file of a folder, in the order of their names; folders inside are left alone.
///
/// # Errors
/// When the folder itself cannot be read. A file that cannot be read is a problem of that file only.
pub fn read(folder: &Path, companions: &Companions<'_>) -> io::Result<Vec<DefinitionFile>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json") && path.is_file())
        .collect();
    paths.sort();
    let mut files: Vec<DefinitionFile> =
        paths.iter().cloned().map(|path| read_file(path, companions)).collect();
    files.retain(|file| !stands_for_oas(file, &paths));
    Ok(files)
}

/// Tyk keeps two files for an API with an OAS definition, `ID.json` in Classic form and `ID-oas.json`: the second is
/// the one that people write.
fn stands_for_oas(file: &DefinitionFile, paths: &[PathBuf]) -> bool {
    let Some(stem) = file.path.file_stem().filter(|_| file.is_copy_of_oas) else { return false };
    let mut document = stem.to_owned();
    document.push("-oas.json");
    paths.contains(&file.path.with_file_name(document))
}

fn read_file(path: PathBuf, companions: &Companions<'_>) -> DefinitionFile {
    match fs::read_to_string(&path) {
        Ok(text) => parse(path, text, Some(companions)),
        Err(error) => {
            let mut problems = Problems::default();
            problems.refuse("", format!("cannot be read: {error}"));
            DefinitionFile::new(path, String::new(), Read::refused(None, problems))
        }
    }
}

/// Reads a definition from text that stands for a file, with what belongs to it.
///
/// Without `companions` one that names a bundle is refused.
pub fn parse(path: PathBuf, text: String, companions: Option<&Companions<'_>>) -> DefinitionFile {
    let read = read::read_with(&text, companions);
    DefinitionFile::new(path, text, read)
}

impl DefinitionFile {
    fn new(path: PathBuf, text: String, read: Read) -> Self {
        let Read { kind, api_id, is_copy_of_oas, definition, inactive: _, problems } = read;
        Self { path, text, kind, api_id, is_copy_of_oas, definition, problems }
    }

    /// Logs every finding once.
    pub fn report(&self) {
        for Problem { field, message } in &self.problems.refusals {
            self.report_one(field, message);
        }
        for Problem { field, message } in &self.problems.warnings {
            let pointer = self.pointer(field);
            tracing::warn!(file = %self.place(field), field, pointer, "{message}");
        }
    }

    /// Logs one more finding that keeps the API from being served.
    pub fn report_one(&self, field: &str, message: &str) {
        let pointer = self.pointer(field);
        tracing::error!(file = %self.place(field), field, pointer, "API not served: {message}");
    }

    /// File, line and column of a field, or of the nearest place above it that is there.
    pub fn place(&self, field: &str) -> String {
        let path = self.path.display();
        match read::place(&self.text, field) {
            Place { position: Some(position), .. } => format!("{path}:{}:{}", position.line, position.column),
            Place { position: None, .. } => path.to_string(),
        }
    }

    /// The field as a JSON pointer, for documents: their keys are paths with dots and slashes.
    fn pointer(&self, field: &str) -> Option<String> {
        let in_document = self.kind == Some(Kind::Oas) && !field.is_empty();
        in_document.then(|| read::place(&self.text, field).pointer)
    }
}
