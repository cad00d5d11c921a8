//! The driver on QuickJS, through [`gatehouse_quickjs`].
//!
//! A few arenas (`arenas`) serve all programs and threads. A call takes one, and its run goes on for a slice at a time;
//! while it waits for the network it stands aside, so that others can have the arena. What a script did is undone by
//! copying its program's image back. Only this folder names the engine.

mod arenas;
mod begun;
mod call;
mod failure;
mod globals;
mod slow;

use std::sync::Arc;

use arc_swap::ArcSwap;
use gatehouse_quickjs::{Arena, Engine, HostReply, Program as EngineProgram, Run, Source as EngineSource};

use self::{arenas::Arenas, slow::SlowFunctions};
use super::{
    engine::{
        Call, CallBounds, Deadline, Driver, FirstPiece, Host, LoadedProgram, Program, ScriptError, Source, Vm,
    },
    tape::Replay,
};
use crate::config::settings::script_ranges::MEMORY_BYTES;

/// VMs are handles, which take no memory worth saving.
const IDLE_VMS: usize = 64;

/// Makes VMs on QuickJS.
pub struct QuickJsDriver {
    arenas: Arc<Arenas>,
}

impl QuickJsDriver {
    /// A driver for as many scripts at the same time as `slots`.
    pub fn new(slots: usize) -> Self {
        let engine = Arc::new(Engine {
            functions: globals::functions(),
            envelope: Some(globals::envelope()),
            lazy_globals: globals::lazy_globals(),
            objects: globals::objects(),
            names: globals::names(),
            most_memory: usize::try_from(MEMORY_BYTES.1).unwrap_or(usize::MAX),
            ..Engine::default()
        });
        Self { arenas: Arc::new(Arenas::new(engine, slots)) }
    }

    /// What the driver keeps of a program.
    fn prepared<'a>(&self, loaded: &'a LoadedProgram) -> Result<&'a Arc<Prepared>, ScriptError> {
        loaded
            .prepared
            .get_or_init(|| Box::new(Arc::new(Prepared::new(loaded, &self.arenas))))
            .downcast_ref()
            .ok_or_else(|| failure::engine("the program was loaded by another driver"))
    }
}

impl Driver for QuickJsDriver {
    fn name(&self) -> &'static str {
        "quickjs"
    }

    fn load(
        &self,
        program: &Arc<Program>,
        mut host: Box<dyn Host>,
        deadline: Deadline,
    ) -> Result<Vec<(usize, ScriptError)>, ScriptError> {
        let sources = program.sources.iter().map(source).collect();
        let loading = Arc::new(EngineProgram {
            config_json: Arc::clone(&program.config_json),
            seed: program.seed,
            ..EngineProgram::new(sources)
        });
        let mut arena = self.arenas.take(None)?;
        arena.set_memory(program.memory_bytes);
        let mut ended = None;
        let failures = arena.load(&loading, Some(deadline.at), &mut |function, arguments| match call::ask(
            &mut *host, function, &arguments,
        ) {
            Ok(answer) => HostReply::Answer(answer),
            Err(error) => {
                ended = Some(error);
                HostReply::End
            }
        });
        self.arenas.give(arena);
        let failures = failures.map_err(|failure| failure::of_script(failure, deadline))?;
        let error = |failure: gatehouse_quickjs::Failure| match (&ended, failure.kind) {
            (Some(ended), gatehouse_quickjs::FailureKind::Ended) => ended.clone(),
            _ => failure::of_script(failure, deadline),
        };
        Ok(failures.into_iter().map(|(index, failure)| (index, error(failure))).collect())
    }

    fn vm(&self, loaded: &Arc<LoadedProgram>) -> Result<Box<dyn Vm>, ScriptError> {
        Ok(Box::new(QuickJsVm {
            loaded: Arc::clone(loaded),
            prepared: Arc::clone(self.prepared(loaded)?),
            spent: None,
        }))
    }

    fn begin(
        &self,
        loaded: &Arc<LoadedProgram>,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
    ) -> Option<FirstPiece> {
        Some(match self.prepared(loaded) {
            Ok(prepared) => begun::begin(loaded, prepared, call, host, bounds),
            Err(error) => FirstPiece::Over(Err(error)),
        })
    }

    fn idle_vms_per_thread(&self) -> usize {
        IDLE_VMS
    }
}

fn source(source: &Source) -> EngineSource {
    EngineSource { name: Arc::clone(&source.name), text: Arc::clone(&source.text) }
}

/// What all VMs of a program share.
struct Prepared {
    arenas: Arc<Arenas>,
    /// Replaced when its runs touched globals that it does not make beforehand.
    program: ArcSwap<EngineProgram>,
    slow: SlowFunctions,
}

impl Prepared {
    fn new(loaded: &LoadedProgram, arenas: &Arc<Arenas>) -> Self {
        Self {
            arenas: Arc::clone(arenas),
            program: ArcSwap::from_pointee(Self::program(loaded, 0)),
            slow: SlowFunctions::default(),
        }
    }

    fn program(loaded: &LoadedProgram, warm: u32) -> EngineProgram {
        EngineProgram {
            sources: loaded.program.sources.iter().map(source).collect(),
            skipped: loaded.failed.clone(),
            config_json: Arc::clone(&loaded.program.config_json),
            seed: loaded.program.seed,
            clock_millis: Some(loaded.loaded_at_millis),
            warm,
        }
    }

    /// Gives a run's arena back as it was, and learns from what the run touched.
    fn finish(&self, loaded: &LoadedProgram, run: Run) -> Arena {
        if run.touched() != 0 {
            self.warm(loaded, run.touched());
        }
        run.finish()
    }

    /// Makes what was touched beforehand from now on.
    fn warm(&self, loaded: &LoadedProgram, touched: u32) {
        self.program.rcu(|program| {
            if touched & !program.warm == 0 {
                return Arc::clone(program);
            }
            Arc::new(Self::program(loaded, program.warm | touched))
        });
    }
}

/// Loads a program into an arena once more, without effects.
fn load_again(
    loaded: &LoadedProgram,
    arena: &mut Arena,
    program: &Arc<EngineProgram>,
) -> Result<(), ScriptError> {
    let deadline = Deadline::after(loaded.load_limit);
    let mut host = Replay::new(Arc::clone(&loaded.tape));
    arena.set_memory(loaded.program.memory_bytes);
    let failures = arena.load(program, Some(deadline.at), &mut |function, arguments| match call::ask(
        &mut host, function, &arguments,
    ) {
        Ok(answer) => HostReply::Answer(answer),
        Err(_) => HostReply::End,
    });
    let failures = failures.map_err(|failure| failure::of_script(failure, deadline))?;
    failures.into_iter().next().map_or(Ok(()), |(_, failure)| Err(failure::of_script(failure, deadline)))
}

/// What a call leaves behind until there is time to tidy up.
enum Spent {
    Run(Run),
    Arena(Arena),
}

struct QuickJsVm {
    loaded: Arc<LoadedProgram>,
    prepared: Arc<Prepared>,
    spent: Option<Spent>,
}

impl QuickJsVm {
    fn tidy(&mut self) {
        let arena = match self.spent.take() {
            Some(Spent::Run(run)) => self.prepared.finish(&self.loaded, run),
            Some(Spent::Arena(arena)) => arena,
            None => return,
        };
        self.prepared.arenas.give(arena);
    }
}

impl Vm for QuickJsVm {
    fn call(
        &mut self,
        call: &Call,
        mut host: Box<dyn Host>,
        bounds: &CallBounds,
    ) -> Result<String, ScriptError> {
        self.tidy();
        let program = self.prepared.program.load();
        let mut arena = self.prepared.arenas.take(Some(&program))?;
        if !arena.has(&program)
            && let Err(error) = load_again(&self.loaded, &mut arena, &program)
        {
            self.spent = Some(Spent::Arena(arena));
            return Err(error);
        }
        let run = match call::start(arena, &program, call, bounds) {
            Ok(run) => run,
            Err(not) => {
                self.spent = Some(Spent::Arena(not.arena));
                return Err(failure::of_script(not.failure, bounds.deadline));
            }
        };
        let (run, result) = call::drive(run, &self.prepared.arenas, call, &mut *host, bounds);
        self.spent = run.map(Spent::Run);
        result
    }

    fn reset(&mut self) -> Result<(), ScriptError> {
        self.tidy();
        Ok(())
    }
}

impl Drop for QuickJsVm {
    fn drop(&mut self) {
        self.tidy();
    }
}

#[cfg(test)]
mod tests;
