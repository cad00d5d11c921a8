//! A driver whose scripts run in processes of their own, whatever the engine.
//!
//! Each process is this binary (`gatehouse js-worker`) with the real driver in it. It serves one call at a time and keeps the
//! VMs of several programs; a call that has to be ended costs its process, nothing else. Host functions are asked over
//! the socket and answered by the thread that waits for the call. The gateway trusts nothing that a process says.
//!
//! | Module | |
//! |---|---|
//! | `children` | the processes: how many, who has which, started ahead, ended when idle |
//! | `child` | one of them as the gateway sees it |
//! | `protocol` | what is said, and how |
//! | `worker`, `confine` | the process itself: its loop, and what it gives up before it begins |

mod child;
mod children;
mod confine;
mod protocol;
pub mod worker;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use self::children::{EndReason, ProcessStats};
use self::{
    child::{Child, Lost},
    children::Children,
    protocol::{Order, Report},
};
use super::{
    engine::{Call, CallBounds, Deadline, Driver, ErrorClass, Host, LoadedProgram, Program, ScriptError, Vm},
    host::HostFunction,
};
use crate::config::settings::DriverName;

/// Time after its deadline in which a call may say itself that it is over; then its process is ended.
const GRACE: Duration = Duration::from_millis(50);
/// Time after which a call takes long.
const MOMENT: Duration = Duration::from_millis(10);
/// VMs are handles here, which take no memory worth saving.
const IDLE_VMS: usize = 64;

/// Runs the scripts of another driver in processes of their own.
pub struct WalledDriver {
    inner: DriverName,
    children: Arc<Children>,
}

impl WalledDriver {
    /// A driver without processes, which start when they are needed; at most `processes` at the same time.
    pub fn new(inner: DriverName, processes: usize) -> Self {
        let vms = worker::driver(inner).idle_vms_per_thread();
        Self { inner, children: Arc::new(Children::new(inner, processes, vms)) }
    }

    /// What became of its processes so far.
    pub fn stats(&self) -> ProcessStats {
        self.children.stats()
    }
}

impl Driver for WalledDriver {
    fn name(&self) -> &'static str {
        self.inner.as_str()
    }

    fn load(
        &self,
        program: &Arc<Program>,
        mut host: Box<dyn Host>,
        deadline: Deadline,
    ) -> Result<Vec<(usize, ScriptError)>, ScriptError> {
        let mut child = take(&self.children, None, &mut *host, deadline)?;
        let order = Order::Load { program: Arc::clone(program), limit: deadline.remaining() };
        child.expect_at_most(program.memory_bytes);
        let loaded = converse(&mut child, &order, &mut *host, deadline, |report| match report {
            Report::Loaded(result) => Some(result),
            _ => None,
        });
        match loaded {
            Ok(loaded) => {
                self.children.settle(child, deadline.limit, None);
                loaded
            }
            Err(lost) => {
                // A source that does not end, or takes the process with it, fails with all the others: which it was
                // is not known.
                let error = self.children.lost(child, lost, deadline);
                match error.class {
                    ErrorClass::Timeout | ErrorClass::Memory => {
                        Ok((0..program.sources.len()).map(|index| (index, error.clone())).collect())
                    }
                    _ => Err(error),
                }
            }
        }
    }

    fn vm(&self, loaded: &Arc<LoadedProgram>) -> Result<Box<dyn Vm>, ScriptError> {
        let known = loaded.prepared.get_or_init(|| Box::new(Arc::new(Known::new())));
        let Some(known) = known.downcast_ref::<Arc<Known>>() else {
            return Err(ScriptError::new(ErrorClass::Engine, "the program was loaded by another driver"));
        };
        let (children, known, loaded) = (Arc::clone(&self.children), Arc::clone(known), Arc::clone(loaded));
        Ok(Box::new(WalledVm { children, loaded, known, spent: None }))
    }

    fn idle_vms_per_thread(&self) -> usize {
        IDLE_VMS
    }
}

/// A program as processes know it; they forget it when it is gone.
#[derive(Debug)]
struct Known {
    id: u64,
}

impl Known {
    fn new() -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self { id: IDS.fetch_add(1, Ordering::Relaxed) }
    }
}

/// A program's VM in whichever process is free.
struct WalledVm {
    children: Arc<Children>,
    loaded: Arc<LoadedProgram>,
    known: Arc<Known>,
    /// The process of the last call, which makes its VM pristine.
    spent: Option<Child>,
}

impl WalledVm {
    /// Has the process make a VM of the program, unless it has one.
    fn make(&self, child: &mut Child, deadline: Deadline) -> Result<Result<(), ScriptError>, Lost> {
        let vms = self.children.vms_per_child();
        for id in child.outdated(self.known.id, vms) {
            child.send(&Order::Forget { id }, deadline.at + GRACE)?;
        }
        if child.knows(self.known.id) {
            return Ok(Ok(()));
        }
        child.send(
            &Order::Make { id: self.known.id, loaded: Arc::clone(&self.loaded) },
            deadline.at + GRACE,
        )?;
        match child.receive(deadline.at + GRACE)? {
            Report::Made(Ok(())) => {
                child.learn(&self.known);
                Ok(Ok(()))
            }
            Report::Made(Err(error)) => Ok(Err(error)),
            _ => Err(Lost::Nonsense),
        }
    }

    fn run(
        &self,
        child: &mut Child,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
    ) -> Result<Result<String, ScriptError>, Lost> {
        let deadline = bounds.deadline;
        child.expect_at_most(bounds.memory_bytes);
        if let Err(error) = self.make(child, deadline)? {
            return Ok(Err(error));
        }
        let order = Order::Call {
            id: self.known.id,
            call: std::borrow::Cow::Borrowed(call),
            left: deadline.remaining(),
            limit: deadline.limit,
            memory_bytes: bounds.memory_bytes,
            response_bytes: bounds.response_bytes,
        };
        converse(child, &order, host, deadline, |report| match report {
            Report::Returned(result) => Some(result),
            _ => None,
        })
    }

    fn tidy(&mut self) {
        if let Some(child) = self.spent.take() {
            self.children.settle(child, self.loaded.load_limit, Some(self.known.id));
        }
    }
}

impl Vm for WalledVm {
    fn call(
        &mut self,
        call: &Call,
        mut host: Box<dyn Host>,
        bounds: &CallBounds,
    ) -> Result<String, ScriptError> {
        self.tidy();
        let mut child = take(&self.children, Some(&self.known), &mut *host, bounds.deadline)?;
        let mut ran = self.run(&mut child, call, &mut *host, bounds);
        // Somebody may have ended the process while nobody used it, so short ago that it did not show.
        if matches!(ran, Err(Lost::Gone)) && child.died_unheard() {
            drop(self.children.lost(child, Lost::Gone, bounds.deadline));
            child = take(&self.children, Some(&self.known), &mut *host, bounds.deadline)?;
            ran = self.run(&mut child, call, &mut *host, bounds);
        }
        match ran {
            Ok(result) if child.is_busy() => {
                self.spent = Some(child);
                result
            }
            Ok(result) => {
                self.children.give(child);
                result
            }
            Err(lost) => Err(self.children.lost(child, lost, bounds.deadline)),
        }
    }

    fn reset(&mut self) -> Result<(), ScriptError> {
        self.tidy();
        Ok(())
    }
}

impl Drop for WalledVm {
    fn drop(&mut self) {
        self.tidy();
    }
}

/// A process for a call; others may run while it waits for one.
fn take(
    children: &Children,
    known: Option<&Arc<Known>>,
    host: &mut dyn Host,
    deadline: Deadline,
) -> Result<Child, ScriptError> {
    if let Some(child) = children.take_free(known) {
        return Ok(child);
    }
    let mut taken = Err(deadline.error());
    host.while_waiting(&mut || taken = children.take(known, deadline));
    taken
}

/// Gives an order and answers what the script asks of its host, until there is the result that `take` finds.
fn converse<T>(
    child: &mut Child,
    order: &Order<'_>,
    host: &mut dyn Host,
    deadline: Deadline,
    take: impl Fn(Report) -> Option<T>,
) -> Result<T, Lost> {
    let until = deadline.at + GRACE;
    child.send(order, until)?;
    child.set_busy(true);
    loop {
        // What takes long is for the system to schedule: it does not keep other scripts from beginning.
        if !child.speaks_within(MOMENT) {
            host.while_waiting(&mut || child.wait_or_kill(until));
        }
        match child.receive(until)? {
            Report::HostCall { function, arguments } => {
                let answer = host.call(function, &arguments);
                if !is_log(function) {
                    child.send(&Order::Answer(answer), until)?;
                }
            }
            report => return take(report).ok_or(Lost::Nonsense),
        }
    }
}

/// Whether nobody waits for what the function gives back.
fn is_log(function: HostFunction) -> bool {
    matches!(function, HostFunction::Log | HostFunction::RawLog)
}

#[cfg(test)]
mod tests;
