//! `server.eventHandlers`: what is done when something happens.

use super::{at, file::EventHandler};
use crate::apidef::{
    events::{BodyTemplate, EventHandlerKind, EventHandlerUse, WebHook},
    reader::Reader,
};

/// The handlers that can be used.
pub(super) fn handlers(reader: &mut Reader<'_>, written: &[EventHandler]) -> Vec<EventHandlerUse> {
    let enabled = written.iter().enumerate().filter(|(_, handler)| handler.enabled);
    let uses = enabled.filter_map(|(index, handler)| {
        let field = at(&format!("server.eventHandlers[{index}]"));
        let event = reader.event_name(&handler.trigger, &format!("{field}.trigger"))?;
        let handler = kind(reader, handler, &field)?;
        Some(EventHandlerUse { event, handler, field: field.into() })
    });
    uses.collect()
}

fn kind(reader: &mut Reader<'_>, handler: &EventHandler, field: &str) -> Option<EventHandlerKind> {
    match handler.kind.as_str() {
        "log" => Some(EventHandlerKind::Log { prefix: handler.log_prefix.clone() }),
        "webhook" => Some(EventHandlerKind::WebHook(Box::new(web_hook(reader, handler, field)?))),
        "custom" => {
            let name = (handler.function_name.as_str(), format!("{field}.functionName"));
            reader.event_script(name, &handler.path).map(EventHandlerKind::Script)
        }
        other => {
            let message = format!("`{other}` is not one of log, webhook, custom: it does nothing");
            reader.problems.warn(format!("{field}.type"), message);
            None
        }
    }
}

fn web_hook(reader: &mut Reader<'_>, handler: &EventHandler, field: &str) -> Option<WebHook> {
    let headers = handler.headers.iter().enumerate();
    let headers = headers
        .map(|(i, header)| (header.name.as_str(), header.value.as_str(), format!("{field}.headers[{i}]")));
    Some(WebHook {
        name: handler.name.clone(),
        method: reader.web_hook_method(&handler.method, &format!("{field}.method")),
        target: reader.web_hook_target(&handler.url, &format!("{field}.url"))?,
        headers: reader.web_hook_headers(headers),
        template: match handler.body_template.trim() {
            "" => BodyTemplate::Default,
            path => BodyTemplate::File(path.into()),
        },
        cooldown: reader.period(&handler.cooldown_period, &format!("{field}.cooldownPeriod"))?,
    })
}
