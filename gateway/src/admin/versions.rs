//! Versions that are APIs of their own: a new definition is linked with its base, and bases say which versions they have.

use std::path::PathBuf;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Outcome, Refused},
    call::Call,
    definitions::{self, Written},
    json_object::object,
};
use crate::apidef::{folder::DefinitionFile, read::Kind};

/// What Tyk calls the base in its own list.
const BASE: &str = "self";

/// Where requests name versions when the base does not say it.
const DEFAULT_KEY: &str = "x-api-version";

/// What a call says about the base of a new definition.
#[derive(Debug)]
pub(super) struct Link {
    base: String,
    base_name: String,
    name: String,
    is_default: bool,
}

impl Link {
    /// `None` for a definition that is no version.
    pub(super) fn of(call: &Call) -> Result<Option<Self>, Refused> {
        let base = call.query("base_api_id").to_owned();
        if base.is_empty() {
            return Ok(None);
        }
        let name = call.query("new_version_name").to_owned();
        if name.is_empty() {
            return Err(Refused::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "The new version name is required: new_version_name",
            ));
        }
        // Tyk's documentation has the first name, its source the second.
        let is_default = ["set_default", "setDefault"].iter().any(|name| call.query(name) == "true");
        Ok(Some(Self { base, base_name: call.query("base_api_version_name").to_owned(), name, is_default }))
    }

    /// The base with the new version in its list.
    pub(super) fn apply(&self, files: &[DefinitionFile], id: &str) -> Result<(PathBuf, Written), Refused> {
        let base = files.iter().find(|file| *file.api_id == *self.base);
        let base =
            base.ok_or_else(|| Refused::bad(format!("{} is not a valid Base API version", self.base)))?;
        let (kind, mut json) = parsed(base)?;
        let mut versions = Versions::of(kind, &mut json);
        if self.base_name.is_empty() && versions.text("name").is_empty() {
            let message = format!("you need to provide a version name for the new Base API: {}", self.base);
            return Err(Refused::bad(message));
        }
        versions.set("enabled", true.into());
        if !self.base_name.is_empty() {
            versions.set("name", self.base_name.as_str().into());
        }
        let defaults = [("key", DEFAULT_KEY), ("location", "header"), ("default", BASE)];
        for (field, value) in defaults {
            if versions.text(field).is_empty() {
                versions.set(field, value.into());
            }
        }
        if self.is_default {
            versions.set("default", self.name.as_str().into());
        }
        versions.add(&self.name, id);
        let written = Written::changed(kind, &self.base, json);
        Ok((base.path.clone(), written))
    }
}

/// The bases that have an API in their lists, each without it.
pub(super) fn without(files: &[DefinitionFile], id: &str) -> Result<Vec<(PathBuf, Written)>, Refused> {
    let mut changed = Vec::new();
    for file in files.iter().filter(|file| *file.api_id != *id && file.text.contains(id)) {
        let (kind, mut json) = parsed(file)?;
        let mut versions = Versions::of(kind, &mut json);
        let names: Vec<String> =
            versions.list().into_iter().filter(|(_, of)| of == id).map(|(name, _)| name).collect();
        if names.is_empty() {
            continue;
        }
        if names.contains(&versions.text("default").to_owned()) {
            versions.set("default", BASE.into());
        }
        names.iter().for_each(|name| versions.remove(name));
        changed.push((file.path.clone(), Written::changed(kind, &file.api_id, json)));
    }
    Ok(changed)
}

/// The versions of an API: itself, and those in its list that are there.
pub fn list(call: &Call) -> Outcome {
    let files = definitions::all(&call.gateway.settings)?;
    let id = call.parameter("apiID");
    let base = files.iter().find(|file| &*file.api_id == id);
    let base = base.ok_or_else(|| Refused::not_found("API not found"))?;
    let (kind, mut json) = parsed(base)?;
    let versions = Versions::of(kind, &mut json);
    let default = versions.text("default").to_owned();
    let own_name = versions.text("name").to_owned();
    let enabled = versions.get("enabled").and_then(Value::as_bool) == Some(true);
    let list = versions.list();
    let own_is_default = enabled && (default == BASE || default == own_name);
    let mut apis = vec![described(base, &own_name, own_is_default)?];
    for (name, id) in &list {
        if let Some(file) = files.iter().find(|file| *file.api_id == **id) {
            apis.push(described(file, name, enabled && *name == default)?);
        }
    }
    let text = call.query("searchText").to_lowercase();
    let wanted = |api: &Value, field: &str| api[field].as_str().unwrap_or("").to_lowercase().contains(&text);
    apis.retain(|api| wanted(api, "name") || wanted(api, "versionName"));
    match call.query("accessType") {
        "internal" => apis.retain(|api| api["internal"] == true),
        "external" => apis.retain(|api| api["internal"] == false),
        _ => {}
    }
    Ok(Answer::json(&json!({"status": "success", "apis": apis})))
}

/// Tyk's `VersionMeta`.
fn described(file: &DefinitionFile, version: &str, is_default: bool) -> Result<Value, Refused> {
    let (kind, json) = parsed(file)?;
    let at = |classic: &str, oas: &str| match kind {
        Kind::Classic => json.pointer(classic),
        Kind::Oas => json.pointer(&format!("/x-tyk-api-gateway/info{oas}")),
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
    Ok(json!({
        "id": &*file.api_id,
        "name": text(at("/name", "/name")),
        "versionName": version,
        "internal": at("/internal", "/state/internal").and_then(Value::as_bool) == Some(true),
        "expirationDate": text(at("/expiration", "/expiration")),
        "isDefaultVersion": is_default,
    }))
}

fn parsed(file: &DefinitionFile) -> Result<(Kind, Value), Refused> {
    let json = serde_json::from_str(&file.text).map_err(|error| Refused::failed(&error))?;
    Ok((file.kind.unwrap_or(Kind::Classic), json))
}

/// The section of a definition that lists its versions.
struct Versions<'a> {
    kind: Kind,
    section: &'a mut Map<String, Value>,
}

impl<'a> Versions<'a> {
    fn of(kind: Kind, json: &'a mut Value) -> Self {
        let path: &[&str] = match kind {
            Kind::Classic => &["definition"],
            Kind::Oas => &["x-tyk-api-gateway", "info", "versioning"],
        };
        let section = path.iter().fold(json, |value, key| object(value).entry(*key).or_insert(Value::Null));
        Self { kind, section: object(section) }
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.section.get(field)
    }

    fn text(&self, field: &str) -> &str {
        self.get(field).and_then(Value::as_str).unwrap_or("")
    }

    fn set(&mut self, field: &str, value: Value) {
        self.section.insert(field.to_owned(), value);
    }

    /// Names and ids.
    fn list(&self) -> Vec<(String, String)> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
        match self.get("versions") {
            Some(Value::Object(map)) => map.iter().map(|(name, id)| (name.clone(), text(Some(id)))).collect(),
            Some(Value::Array(list)) => {
                list.iter().map(|entry| (text(entry.get("name")), text(entry.get("id")))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn add(&mut self, name: &str, id: &str) {
        self.remove(name);
        let versions = self.section.entry("versions").or_insert(Value::Null);
        match self.kind {
            Kind::Classic => drop(object(versions).insert(name.to_owned(), id.into())),
            Kind::Oas => {
                if !versions.is_array() {
                    *versions = json!([]);
                }
                if let Some(list) = versions.as_array_mut() {
                    list.push(json!({"name": name, "id": id}));
                }
            }
        }
    }

    fn remove(&mut self, name: &str) {
        match self.section.get_mut("versions") {
            Some(Value::Object(map)) => drop(map.remove(name)),
            Some(Value::Array(list)) => list.retain(|entry| entry.get("name") != Some(&Value::from(name))),
            _ => {}
        }
    }
}
