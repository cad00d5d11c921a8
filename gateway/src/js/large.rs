//! Work whose time is that of its bytes, such as reading JSON: megabytes of it must not hold an async thread.

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

/// Bytes that an async thread does at once: some ten to some hundred microseconds.
pub const LARGE: usize = 128 << 10;

/// Does what takes long if there are many bytes of it. Other tasks of this thread go on meanwhile.
pub fn work<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let on_workers =
        || Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if bytes > LARGE && on_workers() { block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_done_wherever_it_is() {
        let add = |bytes: usize| work(bytes, || bytes + 1);
        assert_eq!((add(1), add(LARGE + 1)), (2, LARGE + 2));
        let mut builder = tokio::runtime::Builder::new_current_thread();
        assert_eq!(builder.build().map(|one| one.block_on(async { add(LARGE + 1) })).ok(), Some(LARGE + 2));
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let many = builder.worker_threads(1).build();
        let spawned = many.map(|many| {
            many.block_on(async { tokio::spawn(async move { work(LARGE + 1, || 7) }).await.ok() })
        });
        assert_eq!(spawned.ok().flatten(), Some(7));
    }
}
