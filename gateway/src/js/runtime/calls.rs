//! Calls of scripts: on a script thread from beginning to end, or a piece at a time.

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::task::yield_now;

use super::{JsRuntime, Script, Surroundings, pool_failure};
use crate::{
    deadline,
    js::{
        budget::Budget,
        engine::{
            Begun, Call, CallBounds, Deadline, FirstPiece, Host, HostReturn, Progress, ScriptError, Vm,
        },
        host::{HostFunction, ScriptHost},
        pool::{JobOrder, PoolError, Slot},
        script_log::ScriptLog,
        vms::VmCache,
    },
};

/// How long the task of a call goes on before others have their turn, where all that it waits for is there at once.
const AT_A_STRETCH: Duration = Duration::from_millis(1);

impl JsRuntime {
    /// Calls a function of a script within a budget and gives the text that it returned.
    ///
    /// The time limit counts from when the call starts to run; it waits for a thread at most as long, and is
    /// refused at once when too many wait already.
    ///
    /// # Errors
    /// As [`ErrorClass`](crate::js::engine::ErrorClass) says.
    pub async fn call(
        &self,
        script: &Arc<Script>,
        call: Call,
        budget: &Budget,
    ) -> Result<String, ScriptError> {
        let called = self.call_in_pieces(script, call, budget).await;
        if let (Some(rehearsal), Ok(text)) = (script.rehearsal(), &called) {
            rehearsal.returned(text);
        }
        called
    }

    fn surroundings_for<'a>(&'a self, script: &'a Script) -> &'a Surroundings {
        script.surroundings.as_ref().unwrap_or(&self.surroundings)
    }

    /// A call whose driver needs a script thread from its beginning to its end.
    async fn call_on_thread(
        &self,
        script: &Arc<Script>,
        call: Call,
        budget: &Budget,
    ) -> Result<String, ScriptError> {
        let label = Arc::clone(&call.function);
        let order = JobOrder { affinity: script.id, limit: budget.time, goes_on: false, label };
        let (script, surroundings) = (Arc::clone(script), self.surroundings_for(script).clone());
        let budget = *budget;
        let result = self.pool.run(order, move |vms, slot, answer| {
            let bounds = budget.from_now();
            let log = ScriptLog::new(Arc::clone(script.api_id()), call.request.request_id.clone());
            let host = surroundings.host(Some(slot.clone()), log, bounds.deadline, budget.outbound_calls);
            let mut vm = match vms.take(&script) {
                Ok(vm) => vm,
                Err(error) => return answer.send(Err(error)),
            };
            answer.send(vm.call(&call, Box::new(host), &bounds));
            tidy(vms, &script, vm);
        });
        result.await.unwrap_or_else(|error| Err(pool_failure(error, budget.time)))
    }

    /// A call that begins on this thread, where most are over, if its driver can do that.
    async fn call_in_pieces(
        &self,
        script: &Arc<Script>,
        call: Call,
        budget: &Budget,
    ) -> Result<String, ScriptError> {
        let bounds = budget.from_now();
        let make = || {
            let log = ScriptLog::new(Arc::clone(script.api_id()), call.request.request_id.clone());
            self.surroundings_for(script).host(None, log, bounds.deadline, budget.outbound_calls)
        };
        let mut host = HostWhenAsked { make, made: None };
        match script.driver.begin(&script.loaded, &call, &mut host, &bounds) {
            Some(FirstPiece::Over(result)) => result,
            Some(FirstPiece::GoesOn(begun, progress)) => {
                let host = host.into_host();
                let pieces = Pieces { call, begun, host, bounds };
                let rest: BoxFuture<'_, _> = Box::pin(self.go_on(script.id, pieces, progress));
                rest.await
            }
            None => {
                drop(host);
                Box::pin(self.call_on_thread(script, call, budget)).await
            }
        }
    }

    /// Goes on with a call that is not over after its first piece: waits here for what it asks for, and runs it on a
    /// script thread where it takes long.
    async fn go_on(
        &self,
        affinity: u64,
        mut pieces: Pieces,
        mut progress: Progress,
    ) -> Result<String, ScriptError> {
        let mut goes_on = false;
        let mut since = Instant::now();
        loop {
            progress = match progress {
                Progress::Over(result) => return result,
                Progress::Asks(function, arguments) => {
                    if pieces.wait_for(function, &arguments).await? {
                        since = Instant::now();
                    } else if since.elapsed() > AT_A_STRETCH {
                        // Answers that are there at once would keep this thread from everybody else.
                        yield_now().await;
                        since = Instant::now();
                    }
                    goes_on = true;
                    pieces.run_briefly()
                }
                Progress::TakesLong => {
                    let (has_begun, deadline) = (pieces.begun.has_begun(), pieces.bounds.deadline);
                    let limit = if has_begun { deadline.remaining() } else { deadline.limit };
                    let order =
                        JobOrder { affinity, limit, goes_on, label: Arc::clone(&pieces.call.function) };
                    let ran = self.pool.run(order, move |_, slot, answer| {
                        if !has_begun {
                            pieces.restart(limit);
                        }
                        match pieces.run_on(slot) {
                            Progress::Over(result) => {
                                answer.send((Progress::Over(result), None));
                                drop(pieces);
                            }
                            progress => answer.send((progress, Some(pieces))),
                        }
                    });
                    match ran.await {
                        Ok((progress, Some(back))) => {
                            pieces = back;
                            goes_on = true;
                            progress
                        }
                        Ok((Progress::Over(result), None)) => return result,
                        Ok((_, None)) => return Err(pool_failure(PoolError::Lost, limit)),
                        // Its time was over before it had another turn.
                        Err(PoolError::Overload) if goes_on || has_begun && deadline.passed() => {
                            return Err(deadline.error());
                        }
                        Err(error) => return Err(pool_failure(error, limit)),
                    }
                }
            };
        }
    }
}

/// The host of a call in its first piece, made when something is asked of it: most calls ask for nothing.
struct HostWhenAsked<F> {
    make: F,
    made: Option<ScriptHost>,
}

impl<F: Fn() -> ScriptHost> HostWhenAsked<F> {
    fn host(&mut self) -> &mut ScriptHost {
        self.made.get_or_insert_with(&self.make)
    }

    fn into_host(self) -> ScriptHost {
        self.made.unwrap_or_else(self.make)
    }
}

impl<F: Fn() -> ScriptHost> Host for HostWhenAsked<F> {
    fn call(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        self.host().call(function, arguments)
    }

    fn while_waiting(&mut self, wait: &mut dyn FnMut()) {
        self.host().while_waiting(wait);
    }
}

/// A call that goes on a piece at a time, with what belongs to it.
struct Pieces {
    call: Call,
    begun: Box<dyn Begun>,
    host: ScriptHost,
    bounds: CallBounds,
}

impl Pieces {
    fn run_briefly(&mut self) -> Progress {
        self.begun.run_briefly(&self.call, &mut self.host, &self.bounds)
    }

    fn run_on(&mut self, slot: &Slot) -> Progress {
        self.begun.run_on(&self.call, &mut self.host, &self.bounds, &|| slot.is_wanted())
    }

    /// Its time counts from now on.
    fn restart(&mut self, limit: Duration) {
        self.bounds.deadline = Deadline::after(limit);
        self.host.set_deadline(self.bounds.deadline);
    }

    /// Gives the script the answer of a host function; ready when it can go on. Tells whether others had their turn meanwhile.
    async fn wait_for(&mut self, function: HostFunction, arguments: &[String]) -> Result<bool, ScriptError> {
        let Self { begun, host, bounds, .. } = self;
        let mut waited = false;
        let answer = {
            let mut answer = pin!(host.wait_for(function, arguments));
            poll_fn(|context| {
                let polled = answer.as_mut().poll(context);
                if polled.is_pending() {
                    waited = true;
                    begun.stand_aside();
                }
                polled
            })
            .await
        };
        begun.answer(answer)?;
        // Whoever has what it stood aside from is done with it in a moment; if not, a script thread waits for it.
        let ready = poll_fn(|context| begun.poll_ready(context));
        let _ = deadline::until(bounds.deadline.at, ready).await;
        Ok(waited)
    }
}

/// Makes the VM pristine again, after its answer has gone out.
fn tidy(vms: &mut VmCache, script: &Arc<Script>, mut vm: Box<dyn Vm>) {
    // Only the pool's own jobs hold a script that a reload replaced.
    if Arc::strong_count(script) == 1 {
        return;
    }
    match vm.reset() {
        Ok(()) => vms.put(script, vm),
        Err(error) => tracing::warn!(api_id = %script.api_id(), %error, "a script's VM cannot be used again"),
    }
}
