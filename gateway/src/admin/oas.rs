//! `/tyk/apis/oas`: Tyk OAS definitions in `app_path`.

use serde_json::Value;

use super::{
    answer::{Answer, Outcome, Refused},
    apis::other_id,
    call::Call,
    definitions::{self, Written},
    oas_extension::{self, EXTENSION, Wishes},
    versions::Link,
};
use crate::apidef::read::Kind;

/// All of them, as written.
pub fn list(call: &Call) -> Outcome {
    Ok(Answer::json_text(all(call)?))
}

/// One, as written.
pub fn get(call: &Call) -> Outcome {
    Ok(Answer::json_text(one(call)?))
}

/// All of them, to save.
pub fn export_all(call: &Call) -> Outcome {
    Ok(Answer::json_text(all(call)?).to_save(&format!("{}.json", file_name(call))))
}

/// One, to save.
pub fn export(call: &Call) -> Outcome {
    let name = format!("{}-{}.json", file_name(call), call.parameter("apiID"));
    Ok(Answer::json_text(one(call)?).to_save(&name))
}

/// A new one; without an id it gets a generated one.
pub fn add(call: &Call) -> Outcome {
    definitions::add(&call.gateway, Written::oas(call.text()?)?, Link::of(call)?.as_ref())
}

/// A plain OpenAPI document, made into a definition by what the query asks for.
pub fn import(call: &Call) -> Outcome {
    let mut json = Written::parsed(call.text()?)?;
    if json.get(EXTENSION).is_some() {
        return Err(Refused::bad("the import payload should not contain x-tyk-api-gateway"));
    }
    oas_extension::fill(&mut json, &Wishes::of(call), true).map_err(Refused::bad)?;
    definitions::add(&call.gateway, Written::oas(&json.to_string())?.tidy(), Link::of(call)?.as_ref())
}

/// Another document for an API, with the gateway's part of the one before unless it has its own; the query changes that part.
pub fn patch(call: &Call) -> Outcome {
    let id = call.parameter("apiID");
    let before = definitions::find(&call.gateway.settings, id)?;
    if before.kind != Some(Kind::Oas) {
        return Err(Refused::bad(
            "the requested API definition is in Tyk classic format, please use old api endpoint",
        ));
    }
    let mut json = Written::parsed(call.text()?)?;
    if json.get(EXTENSION).is_none() {
        let before = Written::parsed(&before.text)?;
        json[EXTENSION] = before.get(EXTENSION).cloned().unwrap_or_default();
    }
    let wishes = Wishes::of(call);
    if !wishes.is_empty() {
        oas_extension::fill(&mut json, &wishes, false).map_err(Refused::bad)?;
    }
    let written = Written::oas(&json.to_string())?.tidy();
    if written.id != id {
        return Err(other_id());
    }
    definitions::update(&call.gateway, written)
}

/// Another one in its place.
pub fn update(call: &Call) -> Outcome {
    let id = call.parameter("apiID");
    if definitions::find(&call.gateway.settings, id)?.kind != Some(Kind::Oas) {
        return Err(Refused::bad(
            "the supplied API definition is in OAS format, please use the Tyk classic format for this API",
        ));
    }
    let written = Written::oas(call.text()?)?;
    if written.id != id {
        return Err(other_id());
    }
    definitions::update(&call.gateway, written)
}

fn is_public(call: &Call) -> bool {
    call.query("mode") == "public"
}

fn file_name(call: &Call) -> &'static str {
    if is_public(call) { "oas" } else { "TykOasApiDef" }
}

fn all(call: &Call) -> Result<String, Refused> {
    let files = definitions::all(&call.gateway.settings)?.into_iter();
    let texts =
        files.filter(|file| file.kind == Some(Kind::Oas)).map(|file| shown(file.text, is_public(call)));
    Ok(definitions::json_list(texts))
}

fn one(call: &Call) -> Result<String, Refused> {
    let file = definitions::find(&call.gateway.settings, call.parameter("apiID"))?;
    if file.kind != Some(Kind::Oas) {
        return Err(Refused::bad(
            "the requested API definition is in Tyk classic format, please use old api endpoint",
        ));
    }
    Ok(shown(file.text, is_public(call)))
}

/// As written, or without what is between Tyk and the author.
fn shown(text: String, public: bool) -> String {
    if !public {
        return text;
    }
    let mut json: Value = serde_json::from_str(&text).unwrap_or_default();
    if let Some(document) = json.as_object_mut() {
        document.remove(EXTENSION);
    }
    json.to_string()
}

impl Written {
    /// Written for people to read.
    fn tidy(self) -> Self {
        Self::changed(self.kind, &self.id, self.json)
    }

    /// A Tyk OAS definition that was sent.
    pub(super) fn oas(text: &str) -> Result<Self, Refused> {
        let json = Self::parsed(text)?;
        let Some(extension) = json.get(EXTENSION) else {
            return Err(Refused::bad("the payload should contain x-tyk-api-gateway"));
        };
        definitions::object_or_absent("/x-tyk-api-gateway", Some(extension))?;
        definitions::object_or_absent("/x-tyk-api-gateway/info", extension.get("info"))?;
        let id = definitions::id_in("/x-tyk-api-gateway/info/id", extension.pointer("/info/id"))?;
        Ok(Self { kind: Kind::Oas, id, text: text.to_owned(), json })
    }
}
