//! Handlers in JavaScript: `DoProcessEvent(event, context)` of an object of the API's program.

use std::sync::Arc;

use super::{message::EventMessage, queue::EventServices};
use crate::{
    js::{
        engine::{Call, CallKind, ErrorClass, RequestObject, ScriptError},
        runtime::Script,
    },
    telemetry::metrics::Failures,
};

/// A handler in JavaScript, ready to run.
#[derive(Debug)]
pub struct ScriptEventHandler {
    /// The API's program, or why the handler's source did not load.
    pub script: Result<Arc<Script>, Arc<ScriptError>>,
    /// The method of its object.
    pub function: Arc<str>,
    /// By the classes of errors.
    pub failures: Failures,
}

/// A handler that failed.
#[derive(Debug, thiserror::Error)]
#[error("{} {}: {error}", error.class.as_str(), error.position.as_ref().map(ToString::to_string).unwrap_or_default())]
pub struct EventScriptError {
    /// What the script did wrong.
    error: ScriptError,
}

impl ScriptEventHandler {
    /// Calls it. What it returns is of no interest.
    pub(super) async fn run(
        &self,
        message: &EventMessage,
        services: &EventServices,
    ) -> Result<(), EventScriptError> {
        let called = match &self.script {
            Ok(script) => {
                let call = Call {
                    function: Arc::clone(&self.function),
                    kind: CallKind::Event(message.json().into()),
                    request: RequestObject::default(),
                    session_json: None,
                };
                services.js.call(script, call).await.map(drop)
            }
            Err(error) => Err(ScriptError::clone(error)),
        };
        match called {
            // A script with a `TykJS` of its own may return anything.
            Err(error) if error.class == ErrorClass::BadResult => Ok(()),
            Err(error) => {
                self.failures.count(error.class.as_str());
                Err(EventScriptError { error })
            }
            Ok(()) => Ok(()),
        }
    }
}
