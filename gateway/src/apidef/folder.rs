//! Reads all definitions of an `app_path`, each with what was found in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{ApiDefinition, Problem, Problems, classic, companions::Companions};
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
    Ok(paths.into_iter().map(|path| read_file(path, companions)).collect())
}

fn read_file(path: PathBuf, companions: &Companions<'_>) -> DefinitionFile {
    match fs::read_to_string(&path) {
        Ok(text) => parse(path, text, Some(companions)),
        Err(error) => {
            let mut problems = Problems::default();
            problems.refuse("", format!("cannot be read: {error}"));
            DefinitionFile { path, text: String::new(), api_id: "".into(), definition: None, problems }
        }
    }
}

/// Reads a definition from text that stands for a file, with what belongs to it.
///
/// Without `companions` one that names a bundle is refused.
pub fn parse(path: PathBuf, text: String, companions: Option<&Companions<'_>>) -> DefinitionFile {
    let mut file =
        DefinitionFile { path, text, api_id: "".into(), definition: None, problems: Problems::default() };
    let mut json: Value = match serde_json::from_str(&file.text) {
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
    if let Some(companions) = companions {
        companions.join(&mut json, &mut file.problems);
    }
    let mut read = classic::read(json);
    read.problems.refusals.splice(0..0, std::mem::take(&mut file.problems.refusals));
    if !read.problems.refusals.is_empty() {
        read.definition = None;
    }
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
        tracing::error!(file = %self.place(field), field, "API not served: {message}");
    }

    /// File, line and column of a field, or of the nearest place above it that is there.
    pub fn place(&self, field: &str) -> String {
        let mut path = field;
        loop {
            if let Some(position) =
                (!path.is_empty()).then(|| config::locate_dotted(&self.text, path)).flatten()
            {
                return format!("{}:{}:{}", self.path.display(), position.line, position.column);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.path.display().to_string(),
            }
        }
    }
}
