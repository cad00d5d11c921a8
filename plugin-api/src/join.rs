//! Waiting for several things at once, and waiting where nothing may be awaited.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// A future and, once it is ready, its result.
enum Slot<F: Future> {
    Waiting(Pin<Box<F>>),
    Ready(Option<F::Output>),
}

/// Waits for two futures at once.
///
/// ```
/// use gatehouse_plugin::{block_on, join};
///
/// assert_eq!(block_on(join(async { 1 }, async { "two" })), (1, "two"));
/// ```
pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut first_result, mut second_result) = (None, None);
    std::future::poll_fn(|context| {
        if first_result.is_none() {
            first_result = ready(first.as_mut().poll(context));
        }
        if second_result.is_none() {
            second_result = ready(second.as_mut().poll(context));
        }
        match (first_result.take(), second_result.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            (first, second) => {
                (first_result, second_result) = (first, second);
                Poll::Pending
            }
        }
    })
    .await
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Waits for all futures at once; results come in the order of the futures.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint]
/// async fn statuses(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
///     let paths = ["users", "orders", "stock"];
///     let calls = paths.map(|path| context.send(OutboundRequest::get(format!("http://internal/{path}"))));
///     let mut statuses = Vec::new();
///     for answer in join_all(calls).await {
///         statuses.push(answer?.status());
///     }
///     Response::json(200, &statuses)
/// }
/// ```
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut slots: Vec<Slot<F>> = futures.into_iter().map(|future| Slot::Waiting(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for slot in &mut slots {
            if let Slot::Waiting(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *slot = Slot::Ready(Some(value)),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    let results = slots.into_iter().filter_map(|slot| match slot {
        Slot::Ready(value) => value,
        Slot::Waiting(_) => None,
    });
    results.collect()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread: for `#[endpoint(blocking)]` functions, tests, and threads of the plugin's own.
///
/// Not in a sync function: it would hold up every request on its thread.
///
/// ```
/// use gatehouse_plugin::{block_on, prelude::*};
///
/// #[endpoint(blocking)]
/// fn copy(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
///     let answer = block_on(context.send(OutboundRequest::get("http://internal/item")))?;
///     Ok(Response::new(answer.status()).body(answer.body().to_vec()))
/// }
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            // A wake before this parks nothing: `unpark` is remembered.
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls a future with something entered, such as a runtime of the plugin's own whose sockets and timers it uses.
///
/// ```
/// use gatehouse_plugin::{block_on, entered};
///
/// // With tokio: entered(|| runtime.enter(), client.get(url)).await
/// let answer = block_on(entered(|| "a guard", async { 7 }));
/// assert_eq!(answer, 7);
/// ```
pub async fn entered<G, F: Future>(enter: impl Fn() -> G, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let _guard = enter();
        future.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, task::Poll};

    use super::{block_on, entered, join, join_all};

    /// Ready at the poll with this number.
    async fn after(polls: u32) -> u32 {
        let mut count = 0;
        std::future::poll_fn(|context| {
            count += 1;
            context.waker().wake_by_ref();
            if count == polls { Poll::Ready(polls) } else { Poll::Pending }
        })
        .await
    }

    #[test]
    fn results_keep_their_places() {
        assert_eq!(block_on(join(after(3), after(1))), (3, 1));
        assert_eq!(block_on(join_all([after(2), after(3), after(1)])), [2, 3, 1]);
        assert!(block_on(join_all(Vec::<std::future::Ready<u32>>::new())).is_empty());
    }

    #[test]
    fn every_poll_is_entered() {
        let entries = Cell::new(0);
        assert_eq!(block_on(entered(|| entries.set(entries.get() + 1), after(3))), 3);
        assert_eq!(entries.get(), 3);
    }
}
