//! Calls of plugin functions.

use std::{
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use gatehouse_plugin::host::{Function, Kind, Message, Mode, Running, State, Status};
use http::Response;
use serde_json::Value;

use super::{
    context::{CallFacts, CallState},
    outcome::{AuthOutcome, Called, Decided, Effects, PluginFailure, PluginOutcome},
    site::{CallContext, PluginSite},
    subject::{OwnedSubject, Subject},
};
use crate::{
    crash::{self, CallSite},
    deadline,
    exchange::{Exchange, RequestBody},
};

/// A function of a loaded plugin. Calls go on for as long as somebody has it, whatever is loaded from its file since.
pub struct PluginFunction {
    /// File name of the plugin.
    plugin: &'static str,
    path: Arc<str>,
    /// Of the function, checked once: each call names it.
    name: &'static str,
    function: Function,
    state: State,
}

impl std::fmt::Debug for PluginFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginFunction").field("path", &self.path).field("name", &self.name()).finish()
    }
}

impl PluginFunction {
    /// The name is leaked, once per function that is ever loaded; the library stays as well.
    pub(super) fn new(path: Arc<str>, function: Function, state: State) -> Self {
        let name = Path::new(&*path)
            .file_name()
            .map_or_else(|| path.to_string(), |name| name.to_string_lossy().into());
        let plugin: &'static str = String::leak(name);
        Self { plugin, path, name: function.name(), function, state }
    }

    /// Name of the function.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The plugin's file.
    pub fn path(&self) -> &Path {
        Path::new(&*self.path)
    }

    /// Name and version of the plugin's package.
    pub fn package(&self) -> (&'static str, &'static str) {
        self.function.package()
    }

    /// Source file and line of the function, as its compiler saw them.
    pub fn place(&self) -> (&'static str, u32) {
        self.function.place()
    }

    /// Its kind; `None` for one of a later version.
    pub fn kind(&self) -> Option<Kind> {
        self.function.kind()
    }

    /// How it is run; `None` for a mode of a later version.
    pub fn mode(&self) -> Option<Mode> {
        self.function.mode()
    }

    /// Calls an endpoint or request hook. Its changes to method, URI, headers and body are in `exchange` afterwards, even
    /// when it failed later.
    ///
    /// Dropping the future cancels an async function; a blocking one goes on and can see that it is cancelled.
    ///
    /// # Errors
    /// When the function failed, which has been logged, or the body did not come.
    pub async fn call(
        &self,
        exchange: &mut Exchange,
        call: CallContext<'_>,
    ) -> Result<Called<PluginOutcome>, PluginFailure> {
        self.with_request(exchange, call, decide_request).await
    }

    /// As [`call`](Self::call), for a sync function whose request body is in memory or not wanted, which needs no waiting;
    /// `None` for any other.
    pub fn call_now(
        &self,
        exchange: &mut Exchange,
        call: &CallContext<'_>,
    ) -> Option<Result<Called<PluginOutcome>, PluginFailure>> {
        if self.mode() != Some(Mode::Sync) {
            return None;
        }
        let body = match &exchange.body {
            _ if !self.function.wants_body() => Bytes::new(),
            RequestBody::Empty => Bytes::new(),
            RequestBody::Full(bytes) => bytes.clone(),
            RequestBody::Streaming(_) => return None,
        };
        let facts = self.facts(exchange, call);
        let result = self.run_sync(Subject::Request(exchange, body), facts, call, None);
        Some(self.called(result, decide_request, facts, call))
    }

    /// Calls an authentication function; as [`call`](Self::call) in all else.
    ///
    /// # Errors
    /// As for [`call`](Self::call). The caller must not be let in then.
    pub async fn authenticate(
        &self,
        exchange: &mut Exchange,
        call: CallContext<'_>,
    ) -> Result<Called<AuthOutcome>, PluginFailure> {
        let decide = |decided| match decided {
            Decided::Allow(session) => Some(AuthOutcome::Allow(session)),
            Decided::Deny { status, message } => Some(AuthOutcome::Deny { status, message }),
            Decided::Respond(response) => Some(AuthOutcome::Respond(response)),
            Decided::Continue { .. } => None,
        };
        self.with_request(exchange, call, decide).await
    }

    /// Calls a response hook, which changes `response` in place.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn change_response(
        &self,
        exchange: &mut Exchange,
        response: &mut Response<Bytes>,
        call: CallContext<'_>,
    ) -> Result<Effects, PluginFailure> {
        let facts = self.facts(exchange, &call);
        let subject = Subject::Response(exchange, response);
        let result = self.run(subject, facts, call.clone(), None).await;
        result.map(|(_, effects)| effects).inspect_err(|failure| self.log(failure, facts, &call))
    }

    /// Calls an analytics hook, which changes the record in place.
    ///
    /// # Errors
    /// As for [`call`](Self::call); the record is as it was then.
    pub async fn record(&self, record: &mut Value, call: CallContext<'_>) -> Result<(), PluginFailure> {
        let facts = CallFacts {
            plugin: self.plugin,
            function: self.name(),
            client: None,
            scheme: "",
            request_id: None,
            deadline: call.deadline(),
            server: None,
        };
        let result = self.run(Subject::Nothing, facts, call.clone(), Some(Box::new(record.clone()))).await;
        let (decided, _) = result.inspect_err(|failure| self.log(failure, facts, &call))?;
        if let Decided::Continue { record: Some(changed) } = decided {
            *record = *changed;
        }
        Ok(())
    }

    fn facts<'a>(&self, exchange: &Exchange, call: &CallContext<'a>) -> CallFacts<'a> {
        CallFacts {
            plugin: self.plugin,
            function: self.name(),
            client: Some(exchange.client),
            scheme: exchange.scheme,
            request_id: Some(exchange.request_id),
            deadline: call.deadline(),
            server: call.server,
        }
    }

    /// Calls with a request; `decide` gives `None` for what this kind of function cannot decide.
    async fn with_request<T>(
        &self,
        exchange: &mut Exchange,
        call: CallContext<'_>,
        decide: impl FnOnce(Decided) -> Option<T>,
    ) -> Result<Called<T>, PluginFailure> {
        let body = if self.function.wants_body() {
            let limit = call.site.services.buffered_body_bytes;
            exchange.buffer_body(limit).await.map_err(PluginFailure::Body)?
        } else {
            Bytes::new()
        };
        let facts = self.facts(exchange, &call);
        let result = self.run(Subject::Request(exchange, body), facts, call.clone(), None).await;
        self.called(result, decide, facts, &call)
    }

    #[inline]
    fn called<T>(
        &self,
        result: Result<(Decided, Effects), PluginFailure>,
        decide: impl FnOnce(Decided) -> Option<T>,
        facts: CallFacts<'_>,
        call: &CallContext<'_>,
    ) -> Result<Called<T>, PluginFailure> {
        let called = result.and_then(|(decided, effects)| {
            let outcome = decide(decided).ok_or(PluginFailure::WrongKind)?;
            Ok(Called { outcome, effects })
        });
        called.inspect_err(|failure| self.log(failure, facts, call))
    }

    async fn run(
        &self,
        mut subject: Subject<'_>,
        facts: CallFacts<'_>,
        call: CallContext<'_>,
        record: Option<Box<Value>>,
    ) -> Result<(Decided, Effects), PluginFailure> {
        match self.mode() {
            Some(Mode::Async) => {}
            // Boxed: it is the rarest, and has the largest future.
            Some(Mode::Blocking) => return Box::pin(self.run_blocking(subject, facts, call, record)).await,
            _ => return self.run_sync(subject, facts, &call, record),
        }
        let state = CallState::new(facts, call.site, call.session, None).with_record(record);
        let mut view = subject.view();
        let waiting = Waiting::start(self.function, view.message(&state, self.state), call.site.crash_site)?;
        let status = within(facts.deadline, call.site, waiting).await;
        let body = view.changed_body();
        subject.take_body(body);
        state.finish(status?)
    }

    #[inline(always)]
    fn run_sync(
        &self,
        mut subject: Subject<'_>,
        facts: CallFacts<'_>,
        call: &CallContext<'_>,
        record: Option<Box<Value>>,
    ) -> Result<(Decided, Effects), PluginFailure> {
        let state = CallState::new(facts, call.site, call.session.clone(), None).with_record(record);
        let mut view = subject.view();
        let status = {
            let _site = crash::enter(call.site.crash_site);
            self.function.run(view.message(&state, self.state))
        };
        let body = view.changed_body();
        subject.take_body(body);
        state.finish(status)
    }

    /// Runs a blocking function on a thread of its own with copies of what it may change, because it may go on when nobody
    /// waits for it any more.
    async fn run_blocking(
        &self,
        mut subject: Subject<'_>,
        facts: CallFacts<'_>,
        call: CallContext<'_>,
        record: Option<Box<Value>>,
    ) -> Result<(Decided, Effects), PluginFailure> {
        let mut owned = OwnedSubject::copy(&subject);
        let facts = facts.detached();
        let (site, session) = (Arc::clone(call.site), call.session);
        let cancel = CancelOnDrop(Arc::new(AtomicBool::new(false)));
        let (cancelled, function, plugin_state) = (Arc::clone(&cancel.0), self.function, self.state);
        let work = tokio::task::spawn_blocking(move || {
            let state = CallState::new(facts, &site, session, Some(&cancelled)).with_record(record);
            let mut view = OwnedSubject::view(&mut owned);
            let entered = crash::enter(site.crash_site);
            let status = function.run(view.message(&state, plugin_state));
            drop(entered);
            let body = view.changed_body();
            let result = state.finish(status);
            (owned, body, result)
        });
        let finished = within(facts.deadline, call.site, work).await?;
        let (owned, body, result) = finished.map_err(|error| PluginFailure::Thread(error.to_string()))?;
        if let Some(owned) = owned {
            owned.put_back(&mut subject);
        }
        subject.take_body(body);
        result
    }

    fn log(&self, failure: &PluginFailure, facts: CallFacts<'_>, call: &CallContext<'_>) {
        if matches!(failure, PluginFailure::Body(_)) {
            return;
        }
        if let Some(rehearsal) = &call.site.services.rehearsal {
            return rehearsal.failed(failure.into());
        }
        let request_id = facts.request_id.map(|id| id.to_string()).unwrap_or_default();
        let (file, line) = self.function.place();
        tracing::error!(
            plugin = &*self.path,
            function = facts.function,
            defined = format!("{file}:{line}"),
            api_id = &*call.site.api.id,
            request_id,
            "plugin failed: {failure}"
        );
    }
}

/// What an endpoint or request hook can decide.
fn decide_request(decided: Decided) -> Option<PluginOutcome> {
    match decided {
        Decided::Continue { .. } => Some(PluginOutcome::Continue),
        Decided::Respond(response) => Some(PluginOutcome::Respond(response)),
        Decided::Allow(_) | Decided::Deny { .. } => None,
    }
}

/// Waits for what a function does, but not longer than its place allows.
async fn within<F: Future>(
    ends: Option<Instant>,
    site: &PluginSite,
    work: F,
) -> Result<F::Output, PluginFailure> {
    match (ends, site.timeout) {
        (Some(at), Some(limit)) => {
            deadline::until(at, work).await.map_err(|_| PluginFailure::Timeout { limit })
        }
        _ => Ok(work.await),
    }
}

/// An async function under way, noted as the site of a crash whenever its code runs: also when it is dropped.
struct Waiting<'a> {
    /// `None` once dropped.
    running: Option<Running<'a>>,
    site: &'static CallSite,
}

impl<'a> Waiting<'a> {
    fn start(
        function: Function,
        message: Message<'a>,
        site: &'static CallSite,
    ) -> Result<Self, PluginFailure> {
        let _site = crash::enter(site);
        let running = function.start(message).ok_or(PluginFailure::WrongKind)?;
        Ok(Self { running: Some(running), site })
    }
}

impl Future for Waiting<'_> {
    type Output = Status;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Status> {
        let _site = crash::enter(self.site);
        match &mut self.running {
            Some(running) => Pin::new(running).poll(context),
            None => Poll::Pending,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let _site = crash::enter(self.site);
        self.running = None;
    }
}

/// Tells a blocking function that nobody waits any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
