//! `/tyk/apis/oas`: Tyk OAS definitions in `app_path`.

use serde_json::Value;

use super::{
    answer::{Answer, Outcome, Refused},
    apis::other_id,
    call::Call,
    definitions::{self, Written},
};
use crate::apidef::read::Kind;

/// Tyk's part of the document.
const EXTENSION: &str = "x-tyk-api-gateway";

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
    definitions::add(&call.gateway, Written::oas(call.text()?)?)
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
