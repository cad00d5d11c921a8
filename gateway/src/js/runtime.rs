//! The face of this room: loads programs and calls their functions.

mod calls;

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
    budget::Budget,
    engine::{Deadline, Driver, ErrorClass, Host, LoadedProgram, Program, ScriptError, Source, Vm},
    host::ScriptHost,
    known_scripts::KnownScripts,
    outbound::{Outbound, OutboundClient},
    pool::{JobOrder, Pool, PoolError, PoolLimits, PoolStats, Slot},
    script_log::ScriptLog,
    store::ScriptStore,
    tape::{Recorder, TapeWriter},
    walled::{ProcessStats, WalledDriver},
};
use crate::{
    config::settings::{DriverName, Isolation, JavaScriptSettings},
    proxy::direct::HostPools,
    rehearsal::Rehearsal,
};

/// A loaded program, ready to be called from anywhere; [`JsRuntime::call`] runs it.
pub struct Script {
    id: u64,
    driver: Arc<dyn Driver>,
    pub(super) loaded: Arc<LoadedProgram>,
    /// What its calls reach, when that is not what all calls do.
    surroundings: Option<Surroundings>,
}

/// What calls reach outside their program.
#[derive(Clone)]
pub struct Surroundings {
    outbound: Arc<Outbound>,
    store: Option<ScriptStore>,
    rehearsal: Option<Arc<Rehearsal>>,
}

impl Surroundings {
    fn host(&self, slot: Option<Slot>, log: ScriptLog, deadline: Deadline, calls: u32) -> ScriptHost {
        ScriptHost::new(Arc::clone(&self.outbound), slot, log, deadline, calls)
            .with_store(self.store.clone())
            .rehearsed(self.rehearsal.clone())
    }
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

    /// The rehearsal that its calls are for.
    pub fn rehearsal(&self) -> Option<&Arc<Rehearsal>> {
        self.surroundings.as_ref()?.rehearsal.as_ref()
    }

    /// The same program with calls that reach these surroundings.
    pub fn rehearsed(&self, surroundings: &Surroundings) -> Arc<Self> {
        Arc::new(Self {
            id: self.id,
            driver: Arc::clone(&self.driver),
            loaded: Arc::clone(&self.loaded),
            surroundings: Some(surroundings.clone()),
        })
    }

    /// Whether its sources asked for nothing outside while they were loaded, so that another load comes to the same.
    pub fn loads_alike(&self) -> bool {
        self.loaded.tape.is_empty()
    }

    /// Name of the driver that runs it.
    pub fn driver_name(&self) -> &'static str {
        self.driver.name()
    }
}

/// Runs all the scripts of the gateway.
pub struct JsRuntime {
    pool: Pool,
    surroundings: Surroundings,
    #[cfg(feature = "boa")]
    boa: Arc<dyn Driver>,
    #[cfg(feature = "quickjs")]
    quickjs: Arc<dyn Driver>,
    /// Those of the drivers whose scripts run in processes.
    walled: Vec<Arc<WalledDriver>>,
    extra_source: Option<Source>,
    budget: Budget,
    next_id: AtomicU64,
    known: KnownScripts,
}

impl JsRuntime {
    /// A runtime without programs. Outbound calls go through `outbound` with TLS and `plain` without; timers and
    /// connections live on `handle`.
    pub fn new(
        settings: &JavaScriptSettings,
        outbound: OutboundClient,
        plain: Arc<HostPools>,
        handle: Handle,
    ) -> Self {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let slots = settings.threads.unwrap_or_else(cores).max(1);
        let limits = PoolLimits { slots, threads: settings.max_threads.max(slots), queue: settings.queue };
        let mut walled = Vec::new();
        Self {
            pool: Pool::new(limits, handle.clone()),
            surroundings: Surroundings {
                outbound: Outbound::new(outbound, plain, handle, settings),
                store: None,
                rehearsal: None,
            },
            #[cfg(feature = "boa")]
            boa: driver_of(DriverName::Boa, settings, slots, &mut walled),
            #[cfg(feature = "quickjs")]
            quickjs: driver_of(DriverName::QuickJs, settings, slots, &mut walled),
            walled,
            extra_source: settings.extra_source.as_deref().and_then(read_extra_source),
            budget: Budget::of_gateway(settings),
            next_id: AtomicU64::new(0),
            known: KnownScripts::default(),
        }
    }

    /// With keys and script storage.
    pub fn with_store(mut self, store: ScriptStore) -> Self {
        self.surroundings.store = Some(store);
        self
    }

    /// What calls of a rehearsal reach: its answers in place of servers, its store in place of the gateway's.
    pub fn surroundings_of(&self, rehearsal: &Arc<Rehearsal>, store: ScriptStore) -> Surroundings {
        Surroundings {
            outbound: self.surroundings.outbound.rehearsed(Arc::clone(rehearsal)),
            store: Some(store),
            rehearsal: Some(Arc::clone(rehearsal)),
        }
    }

    /// What the script threads are doing.
    pub fn stats(&self) -> PoolStats {
        self.pool.stats()
    }

    /// What became of the processes of scripts.
    pub fn process_stats(&self) -> ProcessStats {
        let mut all = ProcessStats::default();
        for stats in self.walled.iter().map(|driver| driver.stats()) {
            all.living += stats.living;
            all.started += stats.started;
            all.ended.iter_mut().zip(stats.ended).for_each(|(all, ended)| *all += ended);
        }
        all
    }

    /// What a call may use where a definition says nothing.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Loads a program within a budget: runs its sources once, with their effects. Blocks; not for async threads.
    ///
    /// A program that is in use already, as it is when an API is reloaded whose sources did not change, is not loaded
    /// again, unless a source failed or asked for something outside: that may be otherwise by now.
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
        budget: &Budget,
    ) -> Result<(Arc<Script>, Vec<(usize, ScriptError)>), ScriptError> {
        let driver = self.driver(driver);
        let program = Arc::new(self.with_extra_source(program));
        if let Some(script) = self.known.find(driver.name(), &program) {
            return Ok((script, Vec::new()));
        }
        let (script, failures) = self.load_in(&self.surroundings, None, driver, program, budget)?;
        if failures.is_empty() && script.loads_alike() {
            self.known.add(&script);
        }
        Ok((script, failures))
    }

    /// Loads a program for a rehearsal: while its sources are loaded too, they reach its surroundings. Blocks.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    #[allow(clippy::type_complexity, reason = "as for `load`")]
    pub fn load_rehearsed(
        &self,
        surroundings: &Surroundings,
        driver: DriverName,
        program: Program,
        budget: &Budget,
    ) -> Result<(Arc<Script>, Vec<(usize, ScriptError)>), ScriptError> {
        let program = Arc::new(self.with_extra_source(program));
        self.load_in(surroundings, Some(surroundings), self.driver(driver), program, budget)
    }

    #[allow(clippy::type_complexity, reason = "as for `load`")]
    fn load_in(
        &self,
        surroundings: &Surroundings,
        of_calls: Option<&Surroundings>,
        driver: Arc<dyn Driver>,
        program: Arc<Program>,
        budget: &Budget,
    ) -> Result<(Arc<Script>, Vec<(usize, ScriptError)>), ScriptError> {
        let extra = usize::from(self.extra_source.is_some());
        let order = JobOrder {
            affinity: u64::MAX,
            limit: budget.time,
            goes_on: false,
            label: format!("{} (load)", program.api_id).into(),
        };
        let (surroundings, budget) = (surroundings.clone(), *budget);
        let (loader, loading) = (Arc::clone(&driver), Arc::clone(&program));
        let loaded = self.pool.run_blocking(order, move |_, slot, answer| {
            answer.send(first_load(&*loader, &loading, &surroundings, slot, budget));
        });
        let (loaded, mut failures) = loaded.unwrap_or_else(|error| Err(pool_failure(error, budget.time)))?;
        failures.retain_mut(|(index, failure)| {
            if *index < extra {
                tracing::error!(api_id = %program.api_id, error = %failure, "tyk_js_path does not load");
                return false;
            }
            *index -= extra;
            true
        });
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let script = Script { id, driver, loaded: Arc::new(loaded), surroundings: of_calls.cloned() };
        Ok((Arc::new(script), failures))
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
}

fn pool_failure(error: PoolError, limit: Duration) -> ScriptError {
    match error {
        PoolError::Overload => {
            ScriptError::new(ErrorClass::Overload, "all script threads are busy and the queue is full")
        }
        PoolError::GivenUp => Deadline::after(limit).error(),
        PoolError::Lost => ScriptError::new(ErrorClass::Engine, "the script thread ended without an answer"),
    }
}

/// The driver of this name, behind walls if the settings say so.
#[cfg_attr(not(feature = "quickjs"), allow(unused_variables, reason = "only QuickJS asks for slots"))]
fn driver_of(
    name: DriverName,
    settings: &JavaScriptSettings,
    slots: usize,
    walled: &mut Vec<Arc<WalledDriver>>,
) -> Arc<dyn Driver> {
    match (settings.isolation.unwrap_or(name.isolation()), name) {
        (Isolation::Process, _) => {
            let driver = Arc::new(WalledDriver::new(name, settings.max_processes));
            walled.push(Arc::clone(&driver));
            driver
        }
        #[cfg(feature = "boa")]
        (Isolation::Thread, DriverName::Boa) => Arc::new(super::boa::BoaDriver),
        #[cfg(feature = "quickjs")]
        (Isolation::Thread, DriverName::QuickJs) => Arc::new(super::quickjs::QuickJsDriver::new(slots)),
    }
}

fn first_load(
    driver: &dyn Driver,
    program: &Arc<Program>,
    surroundings: &Surroundings,
    slot: &Slot,
    budget: Budget,
) -> Result<(LoadedProgram, Vec<(usize, ScriptError)>), ScriptError> {
    let loaded_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = Deadline::after(budget.time);
    let log = ScriptLog::new(Arc::clone(&program.api_id), String::new());
    let host = surroundings.host(Some(slot.clone()), log, deadline, budget.outbound_calls);
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
        load_limit: budget.time,
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
