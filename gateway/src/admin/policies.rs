//! `/tyk/policies`: policies in their file or folder. Changes count after a reload, as those of definitions.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::PoisonError,
};

use http::StatusCode;
use serde_json::{Value, value::RawValue};

use super::{
    answer::{Answer, FieldError, Outcome, Refused},
    atomic_file,
    call::Call,
    definitions, rights_shape, routes,
};
use crate::session::{Partitions, Policy, key};

/// All of them, as written.
pub fn list(call: &Call) -> Outcome {
    let texts = match place(call) {
        Ok(place) => place.all()?.into_iter().map(|policy| policy.text).collect(),
        Err(_) => Vec::new(),
    };
    Ok(Answer::json_text(definitions::json_list(texts.into_iter())))
}

/// One, as written.
pub fn get(call: &Call) -> Outcome {
    Ok(Answer::json_text(find(&place(call)?, call.parameter("polID"))?.text))
}

/// A new one; without an id it gets a generated one.
pub fn add(call: &Call) -> Outcome {
    let place = place(call)?;
    let mut written = Written::read(call)?;
    let named = call.parameter("polID");
    if written.id.is_empty() {
        let id = match named {
            "" => key::new_id().ok_or_else(Refused::no_randomness)?,
            named => named.to_owned(),
        };
        written.set_id(&id);
    } else if !named.is_empty() && written.id != named {
        return Err(other_id());
    }
    let _writing = call.gateway.admin.writing.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(other) = place.all()?.into_iter().find(|policy| policy.id == written.id) {
        let message = format!(
            "`{}` is the id of a policy in {} already; PUT changes it",
            written.id,
            other.path.display()
        );
        return Err(Refused::conflict(message));
    }
    place.write(&written.id, Some(&written.text))?;
    Ok(Answer::modified(&written.id, "added"))
}

/// Another one in its place.
pub fn update(call: &Call) -> Outcome {
    let place = place(call)?;
    let id = call.parameter("polID");
    let mut written = Written::read(call)?;
    if written.id.is_empty() {
        written.set_id(id);
    } else if written.id != id {
        return Err(other_id());
    }
    let _writing = call.gateway.admin.writing.lock().unwrap_or_else(PoisonError::into_inner);
    find(&place, id)?;
    place.write(id, Some(&written.text))?;
    Ok(Answer::modified(id, "modified"))
}

/// Removes one. Keys that name it are refused after the next reload.
pub fn delete(call: &Call) -> Outcome {
    let place = place(call)?;
    let id = call.parameter("polID");
    let _writing = call.gateway.admin.writing.lock().unwrap_or_else(PoisonError::into_inner);
    find(&place, id)?;
    place.write(id, None)?;
    Ok(Answer::modified(id, "deleted"))
}

fn other_id() -> Refused {
    Refused::bad("Request ID does not match that in policy! For Update operations these must match.")
}

/// A policy that was sent.
struct Written {
    id: String,
    text: String,
}

impl Written {
    fn read(call: &Call) -> Result<Self, Refused> {
        let text = call.text()?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let policy: Policy = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { String::new() } else { path };
            Refused::malformed(FieldError { field, ..FieldError::of_json(error.inner()) })
        })?;
        deserializer.end().map_err(|error| Refused::malformed(FieldError::of_json(&error)))?;
        rights_shape::check(text.as_bytes())?;
        let Partitions { quota, rate_limit, complexity, acl, per_api } = policy.partitions;
        if per_api && (quota || rate_limit || complexity || acl) {
            let message = "does not go with the other partitions: no key could use this policy".to_owned();
            let field = "partitions.per_api".to_owned();
            let error = FieldError { field, line: None, column: None, message };
            return Err(Refused::bad("The policy cannot be applied").because(vec![error]));
        }
        if !policy.id.is_empty() {
            routes::checked_name("id", &policy.id)?;
        }
        Ok(Self { id: policy.id, text: text.to_owned() })
    }

    /// Gives it an id; it is then written anew, with its members sorted.
    fn set_id(&mut self, id: &str) {
        self.id = id.to_owned();
        // It was read before.
        let mut json: Value = serde_json::from_str(&self.text).unwrap_or_default();
        json["id"] = id.into();
        self.text = serde_json::to_string_pretty(&json).unwrap_or_default();
    }
}

/// A policy that is there.
struct Stored {
    id: String,
    text: String,
    path: PathBuf,
}

/// Where policies are.
enum Place {
    /// A file for each.
    Folder(PathBuf),
    /// One file with an object of all of them by id.
    File(PathBuf),
}

fn place(call: &Call) -> Result<Place, Refused> {
    let Some(settings) = &call.gateway.settings.policies else {
        return Err(Refused::not_found(
            "There are no policies: tyk.conf has neither policies.policy_path nor policies.policy_record_name",
        ));
    };
    let path = settings.path.clone();
    Ok(if path.is_dir() { Place::Folder(path) } else { Place::File(path) })
}

fn find(place: &Place, id: &str) -> Result<Stored, Refused> {
    let found = place.all()?.into_iter().find(|policy| policy.id == id);
    found.ok_or_else(|| Refused::not_found("Policy not found"))
}

impl Place {
    /// All policies. A file that is none is left out of a folder; it is an error of the one file for all.
    fn all(&self) -> Result<Vec<Stored>, Refused> {
        match self {
            Self::Folder(folder) => {
                let failed = |error: io::Error| unreadable(folder, &error);
                let entries = fs::read_dir(folder).map_err(failed)?;
                let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
                paths.sort();
                Ok(paths.into_iter().filter_map(stored).collect())
            }
            Self::File(path) => {
                let policies = read_file(path)?.into_iter();
                Ok(policies
                    .map(|(id, text)| Stored { id, text: text.get().to_owned(), path: path.clone() })
                    .collect())
            }
        }
    }

    /// Writes a policy, or removes it.
    fn write(&self, id: &str, text: Option<&str>) -> Result<(), Refused> {
        match self {
            Self::Folder(folder) => {
                let path = match self.all()?.into_iter().find(|policy| policy.id == id) {
                    Some(policy) => policy.path,
                    None => new_file(folder, id)?,
                };
                let written = match text {
                    Some(text) => atomic_file::replace(&path, text.as_bytes()),
                    None => atomic_file::remove(&path),
                };
                written.map_err(|error| unwritable(&path, &error))
            }
            Self::File(path) => {
                let mut policies = read_file(path)?;
                match text.map(|text| RawValue::from_string(text.to_owned())) {
                    Some(Ok(text)) => drop(policies.insert(id.to_owned(), text)),
                    Some(Err(error)) => return Err(Refused::malformed(FieldError::of_json(&error))),
                    None => drop(policies.remove(id)),
                }
                let text =
                    serde_json::to_string_pretty(&policies).map_err(|error| Refused::failed(&error))?;
                atomic_file::replace(path, text.as_bytes()).map_err(|error| unwritable(path, &error))
            }
        }
    }
}

fn stored(path: PathBuf) -> Option<Stored> {
    if path.extension().is_none_or(|extension| extension != "json") {
        return None;
    }
    let text = fs::read_to_string(&path).ok()?;
    let json: Value = serde_json::from_str(&text).ok()?;
    let id = json.get("id")?.as_str()?.to_owned();
    Some(Stored { id, text, path })
}

/// The file for all; one that is not there yet has none. Each policy stays as it was written.
fn read_file(path: &Path) -> Result<BTreeMap<String, Box<RawValue>>, Refused> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    serde_json::from_str(&text).map_err(|error| {
        let message = format!("{} is not an object of policies: {error}", path.display());
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    })
}

fn new_file(folder: &Path, id: &str) -> Result<PathBuf, Refused> {
    let path = folder.join(definitions::file_stem("id", id)?.to_owned() + ".json");
    if path.exists() {
        return Err(Refused::conflict(format!(
            "{} is there already and is not this policy's",
            path.display()
        )));
    }
    Ok(path)
}

fn unreadable(path: &Path, error: &io::Error) -> Refused {
    Refused::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{} cannot be read: {error}", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Refused {
    Refused::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{} cannot be written: {error}", path.display()))
}
