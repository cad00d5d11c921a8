//! What handlers do. A further kind is a variant here, its execution an arm of `Handler::run`.

use super::{
    message::EventMessage,
    queue::EventServices,
    script::{EventScriptError, ScriptEventHandler},
    web_hook::{WebHookError, WebHookHandler},
};
use crate::apidef::events::EventName;

/// Target of the lines of `eh_log_handler`.
pub const LOG_TARGET: &str = "gatehouse::events";

/// A handler, ready to run.
#[derive(Debug)]
pub enum Handler {
    /// Writes a line to the log.
    Log {
        /// What the line begins with.
        prefix: String,
    },
    /// Sends a request.
    WebHook(Box<WebHookHandler>),
    /// Calls a script.
    Script(ScriptEventHandler),
}

/// Why a handler came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// A web hook.
    #[error(transparent)]
    WebHook(#[from] WebHookError),
    /// A script.
    #[error(transparent)]
    Script(#[from] EventScriptError),
}

impl Handler {
    /// Its name in definitions.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Log { .. } => "eh_log_handler",
            Self::WebHook(_) => "eh_web_hook_handler",
            Self::Script(_) => "eh_dynamic_handler",
        }
    }

    /// Whether it has a use for the request that an event came from.
    pub fn wants_request(&self) -> bool {
        match self {
            Self::Log { .. } => false,
            Self::WebHook(hook) => hook.wants_request(),
            // It may read any of it.
            Self::Script(_) => true,
        }
    }

    /// Runs it to its end, in a task of its own; the queue bounds the time.
    pub(super) async fn run(
        &self,
        api_id: &str,
        message: &EventMessage,
        services: &EventServices,
    ) -> Result<(), HandlerError> {
        match self {
            Self::Log { prefix } => log(prefix, api_id, message),
            Self::WebHook(hook) => hook.send(message, services).await?,
            Self::Script(script) => script.run(message, services).await?,
        }
        Ok(())
    }
}

/// Tyk's line, with the facts as fields.
fn log(prefix: &str, api_id: &str, message: &EventMessage) {
    let EventMessage { name, meta, .. } = message;
    let (path, origin) = (meta.field("Path"), meta.field("Origin"));
    let (event, key) = (name.as_str(), obscured(&meta.key));
    let mut line = format!("{prefix}:{event}");
    if *name == EventName::QuotaExceeded {
        line = format!("{line}:{key}:{origin}:{path}");
    }
    let (reason, said) = (meta.field("Reason"), meta.message);
    tracing::warn!(target: LOG_TARGET, api_id, event, path, origin, key, reason, said, "{line}");
}

/// The end of a key, which is enough to know it again.
fn obscured(key: &str) -> String {
    match key.char_indices().rev().nth(3) {
        Some((start, _)) if start > 0 => format!("****{}", &key[start..]),
        _ => "--".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::obscured;

    #[test]
    fn keys_are_not_shown_whole() {
        for (key, expected) in [("", "--"), ("abcd", "--"), ("abcde", "****bcde"), ("xäöüß", "****äöüß")]
        {
            assert_eq!(obscured(key), expected);
        }
    }
}
