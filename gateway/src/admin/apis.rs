//! `/tyk/apis`: Tyk Classic definitions in `app_path`.

use super::{
    answer::{Answer, FieldError, Outcome, Refused},
    call::Call,
    definitions::{self, Written},
    versions::Link,
};
use crate::apidef::read::Kind;

/// All of them, as written.
pub fn list(call: &Call) -> Outcome {
    let files = definitions::all(&call.gateway.settings)?.into_iter();
    let texts = files.filter(|file| file.kind == Some(Kind::Classic)).map(|file| file.text);
    Ok(Answer::json_text(definitions::json_list(texts)))
}

/// One, as written.
pub fn get(call: &Call) -> Outcome {
    let file = definitions::find(&call.gateway.settings, call.parameter("apiID"))?;
    if file.kind == Some(Kind::Oas) {
        return Err(Refused::bad(CLASSIC_EXPECTED));
    }
    Ok(Answer::json_text(file.text))
}

/// A new one. Its id is that of the path, if there is one, or that of the definition, or a generated one.
pub fn add(call: &Call) -> Outcome {
    let mut written = Written::classic(call.text()?)?;
    let named = call.parameter("apiID");
    if !named.is_empty() && written.id.is_empty() {
        written.set_id(named);
    } else if !named.is_empty() && written.id != named {
        return Err(other_id());
    }
    definitions::add(&call.gateway, written, Link::of(call)?.as_ref())
}

/// Another one in its place.
pub fn update(call: &Call) -> Outcome {
    let id = call.parameter("apiID");
    let before = definitions::find(&call.gateway.settings, id)?;
    if before.kind == Some(Kind::Oas) {
        return Err(Refused::bad(CLASSIC_EXPECTED));
    }
    let written = Written::classic(call.text()?)?;
    if written.id != id {
        return Err(other_id());
    }
    definitions::update(&call.gateway, written)
}

/// Removes one of either kind.
pub fn delete(call: &Call) -> Outcome {
    definitions::remove(&call.gateway, call.parameter("apiID"))
}

/// The id in the path is not the one in the definition.
pub fn other_id() -> Refused {
    Refused::bad("Request APIID does not match that in Definition! For Update operations these must match.")
}

const CLASSIC_EXPECTED: &str =
    "this API endpoint only supports Tyk Classic APIs; please use the appropriate Tyk OAS API endpoint";

impl Written {
    /// A Tyk Classic definition that was sent.
    pub(super) fn classic(text: &str) -> Result<Self, Refused> {
        let json = Self::parsed(text)?;
        if json.get("openapi").is_some() || json.get("x-tyk-api-gateway").is_some() {
            let message = "this is a Tyk OAS definition, which goes to /tyk/apis/oas".to_owned();
            let error = FieldError { field: "openapi".into(), line: None, column: None, message };
            return Err(Refused::malformed(error));
        }
        let id = definitions::id_in("api_id", json.get("api_id"))?;
        Ok(Self { kind: Kind::Classic, id, text: text.to_owned(), json })
    }
}
