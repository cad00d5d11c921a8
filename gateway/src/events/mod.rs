//! Events: what happened to a request or a key, told to the handlers that definitions name, off the request's path.
//!
//! A step that sees something happen calls [`ApiEvents::fire`] and goes on; for an API without handlers that is one check.
//! With handlers, a [`message`] with Tyk's metadata is made and each of its [`handler`]s runs in a task of its own, which the
//! [`queue`] bounds in number and time. What finds no room is counted and logged, never waited for.

pub mod handler;
pub mod message;
pub mod queue;
pub mod script;
pub mod template;
pub mod web_hook;

use std::sync::Arc;

pub use self::message::{Happened, KeyChange};
use self::{handler::Handler, message::EventMessage, queue::EventQueue};
use crate::{apidef::events::EventName, exchange::Exchange};

/// The event handlers of one API.
#[derive(Debug, Clone, Default)]
pub struct ApiEvents(Option<Arc<Handlers>>);

#[derive(Debug)]
struct Handlers {
    api_id: Arc<str>,
    queue: Arc<EventQueue>,
    by_name: Vec<(EventName, Arc<Handler>)>,
}

impl ApiEvents {
    /// Handlers that run in this queue.
    pub fn new(
        api_id: &Arc<str>,
        queue: &Arc<EventQueue>,
        handlers: impl IntoIterator<Item = (EventName, Handler)>,
    ) -> Self {
        let by_name: Vec<_> = handlers.into_iter().map(|(name, handler)| (name, Arc::new(handler))).collect();
        if by_name.is_empty() {
            return Self(None);
        }
        Self(Some(Arc::new(Handlers { api_id: Arc::clone(api_id), queue: Arc::clone(queue), by_name })))
    }

    /// Whether nothing is done about any event.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Tells the handlers what happened to a request. Does not wait for them.
    #[inline]
    pub fn fire(&self, exchange: &Exchange, happened: Happened<'_>) {
        if let Some(handlers) = &self.0 {
            handlers.run(happened.name(), |wants_request| {
                EventMessage::of_request(exchange, happened, wants_request)
            });
        }
    }

    /// Tells the handlers what became of a key. Does not wait for them.
    ///
    /// Such an event has no request: it is for the APIs that the key opens.
    pub fn fire_key_change(&self, change: KeyChange<'_>) {
        if let Some(handlers) = &self.0 {
            handlers.run(change.name(), |_| EventMessage::of_key(change));
        }
    }
}

impl Handlers {
    #[cold]
    fn run(&self, name: EventName, message: impl FnOnce(bool) -> EventMessage) {
        let handlers = || self.by_name.iter().filter(|(event, _)| *event == name).map(|(_, handler)| handler);
        if handlers().next().is_none() {
            return;
        }
        let message = Arc::new(message(handlers().any(|handler| handler.wants_request())));
        for handler in handlers() {
            self.queue.push(&self.api_id, handler, &message);
        }
    }
}
