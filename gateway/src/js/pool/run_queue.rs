//! How long a thread has waited for a processor, which on a busy machine is most of the time that it takes.

use std::{fs, time::Duration};

use rustix::thread::{Pid, gettid};

/// A thread of this process, as others see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thread(Pid);

impl Thread {
    /// This one.
    pub(super) fn current() -> Self {
        Self(gettid())
    }

    /// Time that it was ready to run while others had the processor, since it began; none where the system does not say.
    pub(super) fn waited(&self) -> Duration {
        // Nanoseconds on a processor, nanoseconds ready without one, and how often it had one (proc_pid_schedstat(5)).
        let times = fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.0.as_raw_nonzero()));
        let waited = times.ok().and_then(|times| times.split_ascii_whitespace().nth(1)?.parse().ok());
        Duration::from_nanos(waited.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
            mpsc,
        },
        thread,
    };

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::*;

    #[test]
    fn two_threads_on_one_processor_wait_for_each_other() {
        let allowed = sched_getaffinity(None).unwrap();
        let one = (0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let (tell, threads) = mpsc::channel();
        let spin = || {
            let (tell, done) = (tell.clone(), Arc::clone(&done));
            thread::spawn(move || {
                let mut cpus = CpuSet::new();
                cpus.set(one);
                sched_setaffinity(None, &cpus).unwrap();
                tell.send(Thread::current()).unwrap();
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let spinning = [spin(), spin()];
        for thread in threads.iter().take(2) {
            while thread.waited() < Duration::from_millis(20) {
                thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
        for thread in spinning {
            thread.join().unwrap();
        }
    }
}
