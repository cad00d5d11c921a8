//! From the event handlers of a definition to handlers that can run: templates are read, targets checked.

use std::{fs, path::Path, sync::Arc};

use super::scripts::ApiScripts;
use crate::{
    apidef::{
        ApiDefinition,
        events::{BodyTemplate, EventHandlerKind, EventHandlerUse, EventName, EventScript, WebHook},
        folder::DefinitionFile,
    },
    chain::script_hook::ScriptState,
    events::{
        ApiEvents,
        handler::Handler,
        queue::EventQueue,
        script::ScriptEventHandler,
        template::{DEFAULT, DEFAULT_OF_KEYS, Template},
        web_hook::WebHookHandler,
    },
    js::engine::ErrorClass,
    telemetry::metrics::Metrics,
};

/// Name of the template, in the folder of templates, that web hooks without their own have.
const DEFAULT_FILE: &str = "default_webhook.json";

/// Makes the handlers of one API ready.
pub(super) struct EventCompiler<'a> {
    pub(super) queue: &'a Arc<EventQueue>,
    /// Folder of templates.
    pub(super) templates: &'a Path,
    pub(super) file: &'a DefinitionFile,
    /// The API's program; `None` when scripts are off or it has none.
    pub(super) scripts: Option<&'a ApiScripts>,
    pub(super) metrics: &'a Metrics,
}

impl EventCompiler<'_> {
    /// The handlers; one that cannot run is left out and said so.
    pub(super) fn compile(&self, definition: &ApiDefinition) -> ApiEvents {
        let handlers = definition.event_handlers.iter().filter_map(|place| {
            let handler = match &place.handler {
                EventHandlerKind::Log { prefix } => Handler::Log { prefix: prefix.clone() },
                EventHandlerKind::WebHook(hook) => Handler::WebHook(Box::new(self.web_hook(hook, place)?)),
                EventHandlerKind::Script(script) => Handler::Script(self.script(script, definition, place)?),
            };
            Some((place.event, handler))
        });
        ApiEvents::new(&definition.id, self.queue, handlers)
    }

    fn script(
        &self,
        script: &EventScript,
        definition: &ApiDefinition,
        place: &EventHandlerUse,
    ) -> Option<ScriptEventHandler> {
        let Some(scripts) = self.scripts else {
            self.warn(place, "is not run because `enable_jsvm` is false in the configuration");
            return None;
        };
        let script_of_api = match scripts.state(script.source.as_ref()) {
            ScriptState::Ready(script) => Ok(script),
            ScriptState::Failed(error) => Err(error),
            ScriptState::Off => return None,
        };
        let classes = ErrorClass::ALL.map(ErrorClass::as_str);
        Some(ScriptEventHandler {
            script: script_of_api,
            function: format!("{}.DoProcessEvent", script.object).into(),
            failures: self.metrics.script_failures(&definition.id, classes),
        })
    }

    fn web_hook(&self, hook: &WebHook, place: &EventHandlerUse) -> Option<WebHookHandler> {
        let own = match &hook.template {
            BodyTemplate::File(path) => match fs::read_to_string(path) {
                Ok(text) => Some((text, Some(path.as_path()))),
                Err(error) => {
                    self.warn(
                        place,
                        &format!("{}: {error}: the default template is used, as in Tyk", path.display()),
                    );
                    None
                }
            },
            BodyTemplate::Text(text) => Some((text.clone(), None)),
            BodyTemplate::Default => None,
        };
        let made = match own {
            Some((text, path)) => {
                Template::parse(&text, place.event).map_err(|error| error.to_string()).and_then(|template| {
                    WebHookHandler::new(hook.clone(), template, path).map_err(|error| error.to_string())
                })
            }
            None => WebHookHandler::new(hook.clone(), self.default_template(place), None)
                .map_err(|error| error.to_string()),
        };
        match made {
            Ok(handler) => Some(handler),
            Err(error) => {
                let template = match &hook.template {
                    BodyTemplate::File(path) => format!("{}: ", path.display()),
                    _ => String::new(),
                };
                let (at, field) = (self.file.place(&place.field), &*place.field);
                tracing::error!(file = %at, field, "this web hook is not sent: {template}{error}");
                None
            }
        }
    }

    /// The template of the folder, if there is one that can be used, or the built-in one.
    fn default_template(&self, place: &EventHandlerUse) -> Template {
        let path = self.templates.join(DEFAULT_FILE);
        if let Ok(text) = fs::read_to_string(&path) {
            match Template::parse(&text, place.event) {
                Ok(template) => return template,
                Err(error) => {
                    self.warn(place, &format!("{}: {error}: the built-in template is used", path.display()))
                }
            }
        }
        let text = match place.event {
            EventName::TokenCreated | EventName::TokenUpdated | EventName::TokenDeleted => DEFAULT_OF_KEYS,
            _ => DEFAULT,
        };
        Template::parse(text, place.event).expect("a test reads the built-in templates")
    }

    fn warn(&self, place: &EventHandlerUse, message: &str) {
        let (at, field) = (self.file.place(&place.field), &*place.field);
        tracing::warn!(file = %at, field, "{message}");
    }
}
