//! `event_handlers` of a Classic definition.
//!
//! As in Tyk, a handler that cannot be used does not keep the API from being served: it is left out, with a warning.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use crate::apidef::{
    events::{BodyTemplate, EventHandlerKind, EventHandlerUse, WebHook},
    reader::Reader,
};

/// `event_handlers`, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventHandlers {
    pub(super) events: BTreeMap<String, Vec<Handler>>,
}

/// One handler.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Handler {
    pub(super) handler_name: String,
    pub(super) handler_meta: Value,
}

/// `handler_meta` of a web hook.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WebHookMeta {
    disabled: bool,
    name: String,
    method: String,
    target_path: String,
    template_path: String,
    header_map: BTreeMap<String, String>,
    /// Seconds.
    event_timeout: i64,
}

impl Reader<'_> {
    /// The handlers that can be used.
    pub(super) fn event_handlers(&mut self, written: &EventHandlers) -> Vec<EventHandlerUse> {
        let mut uses = Vec::new();
        for (name, handlers) in &written.events {
            let field = format!("event_handlers.events.{name}");
            if handlers.is_empty() {
                continue;
            }
            let Some(event) = self.event_name(name, &field) else { continue };
            for (index, handler) in handlers.iter().enumerate() {
                let field = format!("{field}[{index}]");
                if let Some(handler) = self.event_handler(handler, &field) {
                    uses.push(EventHandlerUse { event, handler, field: field.into() });
                }
            }
        }
        uses
    }

    fn event_handler(&mut self, handler: &Handler, field: &str) -> Option<EventHandlerKind> {
        match handler.handler_name.as_str() {
            "eh_log_handler" => {
                let prefix = handler.handler_meta.get("prefix").and_then(Value::as_str).unwrap_or("");
                Some(EventHandlerKind::Log { prefix: prefix.to_owned() })
            }
            "eh_web_hook_handler" => self
                .web_hook(&handler.handler_meta, &format!("{field}.handler_meta"))
                .map(|hook| EventHandlerKind::WebHook(Box::new(hook))),
            "eh_dynamic_handler" => {
                let text = |key: &str| handler.handler_meta.get(key).and_then(Value::as_str).unwrap_or("");
                let name = (text("name"), format!("{field}.handler_meta.name"));
                self.event_script(name, text("path")).map(EventHandlerKind::Script)
            }
            other => {
                self.problems.warn(
                    format!("{field}.handler_name"),
                    format!(
                        "`{other}` is not one of eh_log_handler, eh_web_hook_handler, eh_dynamic_handler: it does \
                         nothing"
                    ),
                );
                None
            }
        }
    }

    fn web_hook(&mut self, meta: &Value, field: &str) -> Option<WebHook> {
        let meta: WebHookMeta = match WebHookMeta::deserialize(meta) {
            Ok(meta) => meta,
            Err(error) => {
                self.problems.warn(field, format!("cannot be read ({error}): this web hook is not sent"));
                return None;
            }
        };
        if meta.disabled {
            return None;
        }
        let target = self.web_hook_target(&meta.target_path, &format!("{field}.target_path"))?;
        let method = self.web_hook_method(&meta.method, &format!("{field}.method"));
        let headers = meta.header_map.iter();
        let headers = headers
            .map(|(name, value)| (name.as_str(), value.as_str(), format!("{field}.header_map.{name}")));
        let headers = self.web_hook_headers(headers);
        let template = match meta.template_path.trim() {
            "" => BodyTemplate::Default,
            path => BodyTemplate::File(path.into()),
        };
        let cooldown = Duration::from_secs(u64::try_from(meta.event_timeout).unwrap_or(0));
        Some(WebHook { name: meta.name, method, target, headers, template, cooldown })
    }
}
