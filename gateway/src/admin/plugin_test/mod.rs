//! `POST /tyk/plugins/test`: one call of a hook, a virtual endpoint or a function of a plugin, without a client.
//!
//! `given` is what is asked for, in the shape of Tyk's test runner with additions, `subject` finds or loads what is to be
//! called, `run` calls it as the chain does, and `told` says what came of it. What the code reaches meanwhile is a
//! [`Rehearsal`]'s: no key, counter or stored value of the gateway is touched.

mod given;
mod message;
mod run;
pub(super) mod schema;
mod subject;
mod told;

use std::sync::Arc;

use self::{
    given::{HookType, PluginTest, What},
    message::Messages,
    subject::{Found, Stage},
};
use super::{
    answer::{Answer, Outcome, Refused},
    call::Call,
};
use crate::{
    js::store::ScriptStore,
    limits::Limits,
    rehearsal::{Notes, Rehearsal},
    serve::Gateway,
    session::{KeyedApi, Life, Session, Sessions, StoreError, store::prefix},
};

/// Runs a test. What the code does wrong is in the answer, with status 200, as in Tyk; only a test that cannot be run is
/// refused.
pub async fn test(call: Call) -> Outcome {
    // Tyk calls the reason `error`.
    run_test(call).await.map_err(Refused::with_error_member)
}

async fn run_test(call: Call) -> Outcome {
    let test = PluginTest::read(&call)?;
    let what = test.what()?;
    let hook = test.hook()?;
    let session = test.session(hook)?;
    let messages = Messages::read(&test, hook, call.client)?;
    let gateway = Arc::clone(&call.gateway);
    let rehearsal = Rehearsal::new(test.recording()?).map_err(|error| Refused::failed(&error))?;
    let store = stored(&gateway, &rehearsal, &test).await?;
    let surroundings = gateway.js.surroundings_of(&rehearsal, store);
    let about = format!("{} {}", test.hook_type, what.shown());
    let stage = Stage {
        services: gateway.plugins.rehearsed(&rehearsal),
        surroundings,
        hook,
        has_session: session.is_some(),
    };
    // Scripts are compiled and libraries opened: not on an async thread.
    let (loading, mut messages) = (Arc::clone(&gateway), messages);
    let loaded = tokio::task::spawn_blocking(move || {
        let found = subject::find(&loading, &stage, &test, what, &mut messages);
        found.map(|found| (found, messages))
    });
    let (found, messages) = loaded.await.map_err(|error| Refused::failed(&error))??;
    let told = match found {
        Found::Subject(subject) => {
            let ran = run::run(&gateway, hook, subject, messages, session).await;
            told::told(hook, ran, rehearsal.take_notes())
        }
        Found::Nothing(failure) => {
            let notes = Notes { failure: Some(failure), ..rehearsal.take_notes() };
            told::of_load(messages.before(hook), notes)
        }
    };
    Ok(Answer::json(&told).about(about))
}

/// The store of a test: nothing but the keys and values that it gives.
async fn stored(gateway: &Gateway, rehearsal: &Rehearsal, test: &PluginTest) -> Result<ScriptStore, Refused> {
    let sessions = Sessions::of(rehearsal.store().clone(), gateway.sessions.settings());
    let snapshot = gateway.snapshot();
    let mut apis = snapshot.keyed_apis();
    if !test.org_id.is_empty() {
        let api = KeyedApi { org: test.org_id.as_str().into(), lifetime: None, respects_expiration: false };
        apis.insert(test.api_id.as_str().into(), api);
    }
    sessions.set_apis(apis);
    let failed = |error: StoreError| Refused::failed(&error);
    for (name, session) in &test.keys {
        let session: Session = serde_json::from_value(session.clone())
            .map_err(|error| Refused::bad(format!("keys.{name} is not a session: {error}")))?;
        sessions.write(&sessions.key(name), &session, Life::Forever).await.map_err(failed)?;
    }
    for (name, value) in &test.storage {
        let name = format!("{}{name}", prefix::SCRIPT);
        rehearsal.store().set(&name, value.clone().into(), Life::Forever).await.map_err(failed)?;
    }
    let limits = Arc::new(Limits::of(rehearsal.store().clone()));
    Ok(ScriptStore::new(Arc::new(sessions), limits))
}

impl What {
    fn shown(&self) -> &str {
        match self {
            Self::Code(_) => "of the code in the request",
            Self::File { function, .. } => function,
            Self::Api => "of the API",
        }
    }
}

impl HookType {
    /// Whether there is no session yet when it runs: none is given to it then, as in Tyk.
    fn is_before_session(self) -> bool {
        matches!(self, Self::Pre | Self::AuthCheck)
    }
}
