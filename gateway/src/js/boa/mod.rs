//! The driver on Boa, the pure Rust engine.
//!
//! Every call runs in a context of its own, so that nothing that a script does to globals, prototypes or closures
//! outlives it. The next context is made in [`Vm::reset`], after the answer has gone out: a call finds its
//! context ready. Only this folder names boa.

mod arguments;
mod context;
mod failure;
mod globals;
mod nesting;
mod run;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use self::context::{CallShape, Prepared, WarmParts};
use super::{
    engine::{Call, CallBounds, Deadline, Driver, ErrorClass, Host, LoadedProgram, Program, ScriptError, Vm},
    seed,
    tape::Replay,
};

/// Idle VMs of one thread. Each is a heap of some hundred kilobytes that every garbage collection walks.
const IDLE_VMS: usize = 4;
/// Functions of a program whose call is compiled ahead.
const CALLS_AHEAD: usize = 4;

/// Makes VMs on Boa.
#[derive(Debug, Clone, Copy)]
pub struct BoaDriver;

impl Driver for BoaDriver {
    fn name(&self) -> &'static str {
        "boa"
    }

    fn load(
        &self,
        program: &Arc<Program>,
        host: Box<dyn Host>,
        deadline: Deadline,
    ) -> Result<Vec<(usize, ScriptError)>, ScriptError> {
        contained(|| {
            let mut prepared =
                Prepared::without_sources(None, seed::of_program(program), WarmParts::default())?;
            let mut failures = Vec::new();
            prepared.with_host(host, |prepared| {
                for (index, source) in program.sources.iter().enumerate() {
                    if let Err(error) = prepared.load(source, deadline) {
                        failures.push((index, failure::with_place_of_name(error, &program.sources)));
                    }
                }
            });
            drop(prepared);
            collect_garbage();
            Ok(failures)
        })
    }

    fn vm(&self, loaded: &Arc<LoadedProgram>) -> Result<Box<dyn Vm>, ScriptError> {
        let config = serde_json::from_str(&loaded.program.config_json).map_err(|error| {
            ScriptError::new(ErrorClass::Engine, format!("the config of the program is not JSON: {error}"))
        })?;
        let loaded = Arc::clone(loaded);
        let mut vm =
            BoaVm { loaded, config, calls: Vec::new(), warm: WarmParts::default(), ready: None, spent: None };
        vm.prepare()?;
        Ok(Box::new(vm))
    }

    fn idle_vms_per_thread(&self) -> usize {
        IDLE_VMS
    }
}

struct BoaVm {
    loaded: Arc<LoadedProgram>,
    config: serde_json::Value,
    /// Functions that were called, the last one last.
    calls: Vec<CallShape>,
    /// What earlier calls touched of the parts that are made at first touch.
    warm: WarmParts,
    ready: Option<Prepared>,
    /// The context of the last call, until there is time to drop it.
    spent: Option<Prepared>,
}

impl BoaVm {
    fn prepare(&mut self) -> Result<(), ScriptError> {
        let (loaded, warm) = (&self.loaded, self.warm);
        let prepared = contained(|| {
            let mut prepared = {
                let seed = seed::of_program(&loaded.program);
                Prepared::without_sources(Some(loaded.loaded_at_millis), seed, warm)?
            };
            let host = Box::new(Replay::new(Arc::clone(&loaded.tape)));
            let deadline = Deadline::after(loaded.load_limit);
            prepared.with_host(host, |prepared| {
                loaded.sources().try_for_each(|source| prepared.load(source, deadline))
            })?;
            prepared.make_ready(&self.config, &self.calls);
            Ok(prepared)
        })?;
        self.ready = Some(prepared);
        Ok(())
    }

    fn remember(&mut self, call: &Call) {
        let shape = (Arc::clone(&call.function), call.kind.arguments());
        if self.calls.last() == Some(&shape) {
            return;
        }
        self.calls.retain(|known| *known != shape);
        if self.calls.len() == CALLS_AHEAD {
            self.calls.remove(0);
        }
        self.calls.push(shape);
    }
}

impl Vm for BoaVm {
    fn call(&mut self, call: &Call, host: Box<dyn Host>, bounds: &CallBounds) -> Result<String, ScriptError> {
        if self.ready.is_none() {
            self.prepare()?;
        }
        let Some(prepared) = self.ready.take() else {
            return Err(ScriptError::new(ErrorClass::Engine, "there is no context for the call"));
        };
        let prepared = self.spent.insert(prepared);
        let result = contained(|| prepared.with_host(host, |prepared| prepared.call(call, bounds)));
        let result = result.map_err(|error| failure::with_place_of_name(error, &self.loaded.program.sources));
        self.warm = self.warm.with(prepared.touched());
        self.remember(call);
        result
    }

    fn reset(&mut self) -> Result<(), ScriptError> {
        if let Some(spent) = self.spent.take() {
            contained(|| {
                drop(spent);
                collect_garbage();
                Ok(())
            })?;
            self.prepare()?;
        }
        Ok(())
    }
}

impl Drop for BoaVm {
    fn drop(&mut self) {
        let _ = contained(|| {
            self.spent = None;
            self.ready = None;
            collect_garbage();
            Ok(())
        });
    }
}

/// Runs something in the engine; a panic there, of which Boa has some, is an error here. What it worked on is
/// thrown away by the callers.
fn contained<T>(run: impl FnOnce() -> Result<T, ScriptError>) -> Result<T, ScriptError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
        Err(ScriptError::new(ErrorClass::Engine, format!("the engine panicked: {text}")))
    })
}

thread_local! {
    static GARBAGE: Cell<Garbage> = const { Cell::new(Garbage { living: 0, dropped: 0 }) };
}

/// Contexts of a thread. A collection walks the living ones to free the dropped ones, so it pays off when there are
/// no fewer of these; Boa itself would wait for a bound and then collect in the middle of a call.
#[derive(Clone, Copy)]
struct Garbage {
    living: usize,
    dropped: usize,
}

fn note_context_made() {
    let garbage = GARBAGE.get();
    GARBAGE.set(Garbage { living: garbage.living + 1, ..garbage });
}

fn note_context_dropped() {
    let garbage = GARBAGE.get();
    GARBAGE.set(Garbage { living: garbage.living.saturating_sub(1), dropped: garbage.dropped + 1 });
}

fn collect_garbage() {
    let garbage = GARBAGE.get();
    if garbage.dropped >= garbage.living.min(IDLE_VMS) {
        boa_gc::force_collect();
        GARBAGE.set(Garbage { dropped: 0, ..garbage });
    }
}

#[cfg(test)]
mod tests;
