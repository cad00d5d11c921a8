//! The definitions in `app_path`: found by id, checked as they will be read, written whole.
//!
//! What the admin API shows and changes is the folder; what is served is the folder as it was at the last reload.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::PoisonError,
};

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{Answer, FieldError, Outcome, Refused},
    atomic_file, routes,
    versions::{self, Link},
};
use crate::{
    apidef::{
        Problem,
        folder::{self, DefinitionFile},
        read::Kind,
    },
    config::Settings,
    serve::Gateway,
    session::key,
};

/// A definition that was sent.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) kind: Kind,
    /// Its id, empty when it has none yet.
    pub(super) id: String,
    pub(super) text: String,
    pub(super) json: Value,
}

/// All definitions of the folder that have an id, in the order in which they are loaded.
pub(super) fn all(settings: &Settings) -> Result<Vec<DefinitionFile>, Refused> {
    let folder = &settings.app_path;
    let mut files = folder::read(folder, None).map_err(|error| unreadable(folder, &error))?;
    files.retain(|file| !file.api_id.is_empty());
    Ok(files)
}

/// The definition with an id; of several, the one that is loaded.
pub(super) fn find(settings: &Settings, id: &str) -> Result<DefinitionFile, Refused> {
    let found = all(settings)?.into_iter().find(|file| &*file.api_id == id);
    found.ok_or_else(|| Refused::not_found("API not found"))
}

/// JSON texts as one list.
pub(super) fn json_list(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.collect();
    format!("[{}]\n", texts.join(","))
}

/// An id that was sent, empty when there is none.
pub(super) fn id_in(field: &str, value: Option<&Value>) -> Result<String, Refused> {
    match value {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(id)) => Ok(id.clone()),
        Some(_) => Err(Refused::malformed(error(field, "expected a text in double quotes"))),
    }
}

/// Refuses what should be an object and is not.
pub(super) fn object_or_absent(field: &str, value: Option<&Value>) -> Result<(), Refused> {
    match value {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(Refused::malformed(error(field, "expected an object in { }"))),
    }
}

/// Writes a new definition, once it is known that it will be served; with a link, its base as well, or neither.
pub(super) fn add(gateway: &Gateway, mut written: Written, link: Option<&Link>) -> Outcome {
    let _writing = gateway.admin.writing.lock().unwrap_or_else(PoisonError::into_inner);
    if written.id.is_empty() {
        written.set_id(&key::new_id().ok_or_else(Refused::no_randomness)?);
    }
    let id = written.id.clone();
    let path = gateway.settings.app_path.join(file_name(&id, written.kind)?);
    let files = all(&gateway.settings)?;
    if let Some(other) = files.iter().find(|file| *file.api_id == *id) {
        let message =
            format!("`{id}` is the id of the API in {} already; PUT changes it", other.path.display());
        return Err(refused(StatusCode::CONFLICT, vec![error(id_pointer(written.kind), message)]));
    }
    if path.exists() {
        return Err(Refused::conflict(format!("{} is there already and is not this API's", path.display())));
    }
    check(gateway, &path, &written)?;
    let Some(link) = link else {
        write(&path, &written.text)?;
        return Ok(Answer::modified(&id, "added"));
    };
    let (base, changed) = link.apply(&files, &id)?;
    check(gateway, &base, &changed)?;
    write(&path, &written.text)?;
    if let Err(refused) = write(&base, &changed.text) {
        // A version without its base would be served under its own path; nothing was asked for but both.
        let _ = atomic_file::remove(&path);
        return Err(refused);
    }
    Ok(Answer::modified(&id, "added"))
}

/// Writes a definition over the one with the same id, once it is known that it will be served.
pub(super) fn update(gateway: &Gateway, written: Written) -> Outcome {
    let _writing = gateway.admin.writing.lock().unwrap_or_else(PoisonError::into_inner);
    // Looked up again: it may have been removed while this one waited for its turn.
    let before = find(&gateway.settings, &written.id)?;
    check(gateway, &before.path, &written)?;
    write(&before.path, &written.text)?;
    Ok(Answer::modified(&written.id, "modified"))
}

/// Removes the file of a definition.
pub(super) fn remove(gateway: &Gateway, id: &str) -> Outcome {
    let _writing = gateway.admin.writing.lock().unwrap_or_else(PoisonError::into_inner);
    let file = find(&gateway.settings, id)?;
    // Bases first: one that names an API which is gone would answer 404 for it.
    for (base, changed) in versions::without(&all(&gateway.settings)?, id)? {
        write(&base, &changed.text)?;
    }
    // The copy first: alone, it would be served.
    for path in copy_of(&file).iter().chain([&file.path]) {
        atomic_file::remove(path).map_err(|error| {
            let message = format!("Delete failed: {}: {error}", path.display());
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        })?;
    }
    Ok(Answer::modified(id, "deleted"))
}

/// The Classic form of an OAS definition, where a Tyk has put one beside it.
fn copy_of(file: &DefinitionFile) -> Option<PathBuf> {
    let stem = file.path.file_name()?.to_str()?.strip_suffix("-oas.json")?;
    let path = file.path.with_file_name(format!("{stem}.json"));
    let copy = folder::parse(path.clone(), fs::read_to_string(&path).ok()?, None);
    (file.kind == Some(Kind::Oas) && copy.is_copy_of_oas).then_some(path)
}

fn write(path: &Path, text: &str) -> Result<(), Refused> {
    atomic_file::replace(path, text.as_bytes()).map_err(|error| {
        let message = format!("file object creation failed, write error: {}: {error}", path.display());
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    })
}

fn unreadable(folder: &Path, error: &io::Error) -> Refused {
    let message = format!("app_path: {} cannot be read: {error}", folder.display());
    Refused::new(StatusCode::INTERNAL_SERVER_ERROR, message)
}

/// The name that Tyk gives the file.
fn file_name(id: &str, kind: Kind) -> Result<String, Refused> {
    let stem = file_stem(id_pointer(kind), id)?;
    Ok(match kind {
        Kind::Classic => format!("{stem}.json"),
        Kind::Oas => format!("{stem}-oas.json"),
    })
}

/// An id that can name a file.
pub(super) fn file_stem<'a>(field: &str, id: &'a str) -> Result<&'a str, Refused> {
    routes::checked_name(field, id)?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if id.chars().all(is_plain) && !id.starts_with('.') && id.len() <= MAX_FILE_ID {
        return Ok(id);
    }
    let message = "an id that is made here names a file: it has letters, digits, `-`, `_` and `.`, does not begin with \
                   `.`, and has 200 of them at most";
    Err(Refused::bad(format!("{field}: {message}")).because(vec![error(field, message)]))
}

/// With the endings of its file and of unfinished ones, no file system finds this too long.
const MAX_FILE_ID: usize = 200;

/// The id's field, as the errors of the two kinds call fields.
fn id_pointer(kind: Kind) -> &'static str {
    match kind {
        Kind::Classic => "api_id",
        Kind::Oas => "/x-tyk-api-gateway/info/id",
    }
}

/// Reads and compiles the definition as a reload would, beside the others of the folder.
fn check(gateway: &Gateway, path: &Path, written: &Written) -> Result<(), Refused> {
    let file = gateway.read_definition(path.to_owned(), written.text.clone());
    let refusals: Vec<FieldError> =
        file.problems.refusals.iter().map(|problem| field_error(&file, problem)).collect();
    if !refusals.is_empty() {
        return Err(refused(StatusCode::BAD_REQUEST, refusals));
    }
    if file.definition.is_none() {
        // An inactive definition is not compiled by a reload either.
        return Ok(());
    }
    let others = gateway.read_definitions();
    let others = others.map_err(|error| unreadable(&gateway.settings.app_path, &error))?;
    let others: Vec<DefinitionFile> = others.into_iter().filter(|other| other.path != path).collect();
    let trial = gateway.try_definition(file, &others);
    if let Some(conflict) = trial.conflict {
        let errors = vec![field_error(&trial.file, &conflict)];
        return Err(refused(StatusCode::CONFLICT, errors));
    }
    let failures: Vec<FieldError> =
        trial.failures.iter().map(|problem| field_error(&trial.file, problem)).collect();
    if failures.is_empty() { Ok(()) } else { Err(refused(StatusCode::BAD_REQUEST, failures)) }
}

fn field_error(file: &DefinitionFile, problem: &Problem) -> FieldError {
    let position = file.position(&problem.field);
    FieldError {
        field: file.pointer(&problem.field).unwrap_or_else(|| problem.field.clone()),
        line: position.map(|position| position.line),
        column: position.map(|position| position.column),
        message: problem.message.clone(),
    }
}

fn error(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), line: None, column: None, message: message.into() }
}

/// Tyk's words, with the first reason in them.
fn refused(status: StatusCode, errors: Vec<FieldError>) -> Refused {
    let reason = errors.first().map_or_else(String::new, |first| {
        if first.field.is_empty() {
            first.message.clone()
        } else {
            format!("{}: {}", first.field, first.message)
        }
    });
    Refused::new(status, format!("Validation of API Definition failed. Reason: {reason}.")).because(errors)
}

impl Written {
    /// What was sent, as JSON.
    pub(super) fn parsed(text: &str) -> Result<Value, Refused> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| Refused::malformed(FieldError::of_json(&error)))?;
        if json.is_object() {
            Ok(json)
        } else {
            Err(Refused::malformed(error("", "expected one object in { }")))
        }
    }

    /// A definition that was read and changed; its members are written anew, sorted.
    pub(super) fn changed(kind: Kind, id: &str, json: Value) -> Self {
        Self { kind, id: id.to_owned(), text: serde_json::to_string_pretty(&json).unwrap_or_default(), json }
    }

    /// Gives a definition without an id one; it is then written anew, with its members sorted.
    pub(super) fn set_id(&mut self, id: &str) {
        self.id = id.to_owned();
        match self.kind {
            Kind::Classic => self.json["api_id"] = id.into(),
            Kind::Oas => {
                let extension = &mut self.json["x-tyk-api-gateway"];
                if !extension.is_object() {
                    *extension = json!({});
                }
                if !extension["info"].is_object() {
                    extension["info"] = json!({});
                }
                extension["info"]["id"] = id.into();
            }
        }
        self.text = serde_json::to_string_pretty(&self.json).unwrap_or_default();
    }
}
