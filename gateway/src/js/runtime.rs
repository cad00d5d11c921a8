//! The face of this room: loads programs and calls their functions.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::runtime::Handle;

use super::{
    engine::{
        Begun, Call, CallBounds, Deadline, Driver, ErrorClass, Host, LoadedProgram, Program, ScriptError,
        Source, Vm,
    },
    host::ScriptHost,
    outbound::{Outbound, OutboundClient},
    pool::{JobOrder, Pool, PoolError, PoolLimits, PoolStats, Slot},
    script_log::ScriptLog,
    store::ScriptStore,
    tape::{Recorder, TapeWriter},
    vms::VmCache,
};
use crate::config::settings::{DriverName, JavaScriptSettings};

/// A loaded program, ready to be called from anywhere; [`JsRuntime::call`] runs it.
pub struct Script {
    id: u64,
    driver: Arc<dyn Driver>,
    loaded: Arc<LoadedProgram>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("id", &self.id)
            .field("driver", &self.driver.name())
            .finish_non_exhaustive()
    }
}

impl Script {
    /// A VM of this script for the calling thread.
    ///
    /// # Errors
    /// When the engine cannot make one.
    pub fn make_vm(&self) -> Result<Box<dyn Vm>, ScriptError> {
        self.driver.vm(&self.loaded)
    }

    /// How many of its VMs, and others, a thread keeps.
    pub fn idle_vms_per_thread(&self) -> usize {
        self.driver.idle_vms_per_thread()
    }

    /// Id of its API.
    pub fn api_id(&self) -> &Arc<str> {
        &self.loaded.program.api_id
    }

    /// Name of the driver that runs it.
    pub fn driver_name(&self) -> &'static str {
        self.driver.name()
    }
}

/// Runs all the scripts of the gateway.
pub struct JsRuntime {
    pool: Pool,
    outbound: Arc<Outbound>,
    #[cfg(feature = "boa")]
    boa: Arc<dyn Driver>,
    #[cfg(feature = "quickjs")]
    quickjs: Arc<dyn Driver>,
    store: Option<ScriptStore>,
    extra_source: Option<Source>,
    timeout: Duration,
    response_bytes: usize,
    next_id: AtomicU64,
}

impl JsRuntime {
    /// A runtime without programs. Outbound calls go through `outbound`; timers and connections live on `handle`.
    pub fn new(settings: &JavaScriptSettings, outbound: OutboundClient, handle: Handle) -> Self {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let slots = settings.threads.unwrap_or_else(cores).max(1);
        let limits = PoolLimits { slots, threads: settings.max_threads.max(slots), queue: settings.queue };
        Self {
            pool: Pool::new(limits, handle.clone()),
            outbound: Outbound::new(outbound, handle, settings),
            #[cfg(feature = "boa")]
            boa: Arc::new(super::boa::BoaDriver),
            #[cfg(feature = "quickjs")]
            quickjs: Arc::new(super::quickjs::QuickJsDriver::new(slots)),
            store: None,
            extra_source: settings.extra_source.as_deref().and_then(read_extra_source),
            timeout: settings.timeout,
            response_bytes: settings.response_bytes,
            next_id: AtomicU64::new(0),
        }
    }

    /// With keys and script storage.
    pub fn with_store(mut self, store: ScriptStore) -> Self {
        self.store = Some(store);
        self
    }

    /// What the script threads are doing.
    pub fn stats(&self) -> PoolStats {
        self.pool.stats()
    }

    /// Loads a program: runs its sources once, with their effects. Blocks; not for async threads.
    ///
    /// The sources that failed are the second part of the result, by index into `program.sources`; the others
    /// can be called.
    ///
    /// # Errors
    /// When the engine itself fails, or the sources do not end.
    #[allow(clippy::type_complexity, reason = "one caller; a named type would hide more than it shows")]
    pub fn load(
        &self,
        driver: DriverName,
        program: Program,
    ) -> Result<(Arc<Script>, Vec<(usize, ScriptError)>), ScriptError> {
        let driver = self.driver(driver);
        let extra = usize::from(self.extra_source.is_some());
        let program = Arc::new(self.with_extra_source(program));
        let order = JobOrder {
            affinity: u64::MAX,
            limit: self.timeout,
            label: format!("{} (load)", program.api_id).into(),
        };
        let (outbound, store, limit) = (Arc::clone(&self.outbound), self.store.clone(), self.timeout);
        let (loader, loading) = (Arc::clone(&driver), Arc::clone(&program));
        let loaded = self.pool.run_blocking(order, move |_, slot, answer| {
            answer.send(first_load(&*loader, &loading, (outbound, store), slot, limit));
        });
        let (loaded, mut failures) = loaded.unwrap_or_else(|error| Err(self.pool_failure(error)))?;
        failures.retain_mut(|(index, failure)| {
            if *index < extra {
                tracing::error!(api_id = %program.api_id, error = %failure, "tyk_js_path does not load");
                return false;
            }
            *index -= extra;
            true
        });
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        Ok((Arc::new(Script { id, driver, loaded: Arc::new(loaded) }), failures))
    }

    /// Calls a function of a script and gives the text that it returned.
    ///
    /// The time limit counts from when the call starts to run; it waits for a thread at most as long, and is
    /// refused at once when too many wait already.
    ///
    /// # Errors
    /// As [`ErrorClass`] says.
    pub async fn call(&self, script: &Arc<Script>, call: Call) -> Result<String, ScriptError> {
        let bounds =
            CallBounds { deadline: Deadline::after(self.timeout), response_bytes: self.response_bytes };
        if let Some(begun) = script.driver.begin(&script.loaded, &call, &bounds) {
            return self.go_on(script, call, bounds, begun?).await;
        }
        let order = JobOrder { affinity: script.id, limit: self.timeout, label: Arc::clone(&call.function) };
        let (script, outbound, store) = (Arc::clone(script), Arc::clone(&self.outbound), self.store.clone());
        let (limit, response_bytes) = (self.timeout, self.response_bytes);
        let result = self.pool.run(order, move |vms, slot, answer| {
            let bounds = CallBounds { deadline: Deadline::after(limit), response_bytes };
            let log = ScriptLog::new(Arc::clone(script.api_id()), call.request.request_id.clone());
            let host = ScriptHost::new(outbound, Some(slot.clone()), log, bounds.deadline).with_store(store);
            let mut vm = match vms.take(&script) {
                Ok(vm) => vm,
                Err(error) => return answer.send(Err(error)),
            };
            answer.send(vm.call(&call, Box::new(host), &bounds));
            tidy(vms, &script, vm);
        });
        result.await.unwrap_or_else(|error| Err(self.pool_failure(error)))
    }

    /// Runs what began on this thread: here for a moment, then on a script thread.
    async fn go_on(
        &self,
        script: &Script,
        call: Call,
        bounds: CallBounds,
        mut begun: Box<dyn Begun>,
    ) -> Result<String, ScriptError> {
        let log = ScriptLog::new(Arc::clone(script.api_id()), call.request.request_id.clone());
        let mut host = ScriptHost::new(Arc::clone(&self.outbound), None, log, bounds.deadline)
            .with_store(self.store.clone());
        if let Some(result) = begun.run_briefly(&call, &mut host, &bounds) {
            return result;
        }
        let label = Arc::clone(&call.function);
        let order = JobOrder { affinity: script.id, limit: bounds.deadline.remaining(), label };
        let result = self.pool.run(order, move |_, slot, answer| {
            host.attach(slot.clone());
            answer.send(begun.run_to_end(&call, &mut host, &bounds));
        });
        result.await.unwrap_or_else(|error| Err(self.pool_failure(error)))
    }

    fn driver(&self, name: DriverName) -> Arc<dyn Driver> {
        match name {
            #[cfg(feature = "boa")]
            DriverName::Boa => Arc::clone(&self.boa),
            #[cfg(feature = "quickjs")]
            DriverName::QuickJs => Arc::clone(&self.quickjs),
        }
    }

    fn with_extra_source(&self, mut program: Program) -> Program {
        program.sources.splice(0..0, self.extra_source.clone());
        program
    }

    fn pool_failure(&self, error: PoolError) -> ScriptError {
        match error {
            PoolError::Overload => {
                ScriptError::new(ErrorClass::Overload, "all script threads are busy and the queue is full")
            }
            PoolError::GivenUp => Deadline::after(self.timeout).error(),
            PoolError::Lost => {
                ScriptError::new(ErrorClass::Engine, "the script thread ended without an answer")
            }
        }
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

fn first_load(
    driver: &dyn Driver,
    program: &Arc<Program>,
    (outbound, store): (Arc<Outbound>, Option<ScriptStore>),
    slot: &Slot,
    limit: Duration,
) -> Result<(LoadedProgram, Vec<(usize, ScriptError)>), ScriptError> {
    let loaded_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = Deadline::after(limit);
    let log = ScriptLog::new(Arc::clone(&program.api_id), String::new());
    let host = ScriptHost::new(outbound, Some(slot.clone()), log, deadline).with_store(store);
    let writer = TapeWriter::default();
    let recorder: Box<dyn Host> = Box::new(Recorder::new(Box::new(host), writer.clone()));
    let failures = driver.load(program, recorder, deadline)?;
    let mut failed = vec![false; program.sources.len()];
    for (index, _) in &failures {
        failed[*index] = true;
    }
    let loaded = LoadedProgram {
        program: Arc::clone(program),
        failed,
        tape: Arc::new(writer.into_tape()),
        loaded_at_millis: i64::try_from(loaded_at.as_millis()).unwrap_or_default(),
        load_limit: limit,
        prepared: OnceLock::new(),
    };
    Ok((loaded, failures))
}

fn read_extra_source(path: &std::path::Path) -> Option<Source> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(Source { name: path.display().to_string().into(), text: text.into() }),
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "tyk_js_path cannot be read");
            None
        }
    }
}

#[cfg(test)]
mod tests;
