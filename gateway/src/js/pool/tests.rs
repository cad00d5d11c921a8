//! The pool with jobs that need no engine.

use std::sync::{
    Barrier,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use super::*;

fn pool(slots: usize, threads: usize, queue: usize) -> Arc<Pool> {
    Arc::new(Pool::new(PoolLimits { slots, threads, queue }, Handle::current()))
}

fn order(limit: Duration) -> JobOrder {
    JobOrder { affinity: 1, limit, goes_on: false, label: "test".into() }
}

const LONG: Duration = Duration::from_secs(30);

async fn until(pool: &Pool, holds: impl Fn(PoolStats) -> bool) {
    while !holds(pool.stats()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Starts a job that says that it runs and ends when told.
fn held(
    pool: &Arc<Pool>,
    limit: Duration,
    waits: bool,
) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), PoolError>>) {
    let (end, ended) = mpsc::channel::<()>();
    let pool = Arc::clone(pool);
    let job = tokio::spawn(async move {
        let work = move |_: &mut VmCache, slot: &Slot, answer: Answer<()>| {
            let hold = || _ = ended.recv();
            if waits {
                slot.while_waiting(hold)
            } else {
                hold()
            }
            answer.send(());
        };
        pool.run(order(limit), work).await
    });
    (end, job)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_takes_one_job_after_the_other() {
    let pool = pool(2, 8, 8);
    for number in 0..50 {
        let result = pool.run(order(LONG), move |_, _, answer| answer.send(number)).await;
        assert_eq!(result, Ok(number));
    }
    assert!(pool.stats().threads <= 2);
    let blocking = Arc::clone(&pool);
    let result = tokio::task::spawn_blocking(move || {
        blocking.run_blocking(order(LONG), |_, _, answer| answer.send(7))
    });
    assert_eq!(result.await.unwrap(), Ok(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_run_than_there_are_slots() {
    let pool = pool(2, 64, 64);
    let (first, _a) = held(&pool, LONG, false);
    let (_second, _b) = held(&pool, LONG, false);
    let (_third, third) = held(&pool, LONG, false);
    until(&pool, |stats| stats.queued == 1).await;
    assert_eq!(pool.stats(), PoolStats { threads: 2, running: 2, queued: 1, ..PoolStats::default() });
    drop(first);
    until(&pool, |stats| stats.queued == 0).await;
    assert_eq!(pool.stats().running, 2);
    drop(_third);
    third.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_jobs_do_not_keep_others_from_running() {
    const WAITING: usize = 500;
    let pool = pool(2, 1_000, 1_000);
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    // All of them must be in their host call at the same time before any of them goes on.
    let all = Arc::new(Barrier::new(WAITING));
    let jobs: Vec<_> = (0..WAITING)
        .map(|_| {
            let (pool, all) = (Arc::clone(&pool), Arc::clone(&all));
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            tokio::spawn(async move {
                let work = move |_: &mut VmCache, slot: &Slot, answer: Answer<()>| {
                    slot.while_waiting(|| _ = all.wait());
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    answer.send(());
                };
                pool.run(order(LONG), work).await
            })
        })
        .collect();
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    assert!(most.load(Ordering::SeqCst) <= 2);
    until(&pool, |stats| stats.running == 0).await;
    assert_eq!((pool.stats().waiting, pool.stats().queued), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_threads_is_bounded() {
    let pool = pool(1, 3, 10);
    let held: Vec<_> = (0..5).map(|_| held(&pool, LONG, true)).collect();
    until(&pool, |stats| stats.waiting == 3 && stats.queued == 2).await;
    assert_eq!(pool.stats().threads, 3);
    for (end, job) in held {
        drop(end);
        job.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once_and_a_slow_one_later() {
    let pool = pool(1, 1, 1);
    let (_end, _job) = held(&pool, LONG, false);
    until(&pool, |stats| stats.running == 1).await;
    let limit = Duration::from_millis(30);
    let queued = {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { pool.run(order(limit), |_, _, answer| answer.send(())).await })
    };
    until(&pool, |stats| stats.queued == 1).await;
    let refused = pool.run(order(LONG), |_, _, answer| answer.send(())).await;
    assert_eq!(refused, Err(PoolError::Overload));
    assert_eq!(queued.await.unwrap(), Err(PoolError::Overload));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_does_not_come_back_is_replaced() {
    let pool = pool(1, 1, 8);
    let (end, stuck) = held(&pool, Duration::from_millis(20), false);
    assert_eq!(stuck.await.unwrap(), Err(PoolError::GivenUp));
    assert_eq!(pool.stats(), PoolStats { given_up: 1, ..PoolStats::default() });
    assert_eq!(pool.run(order(LONG), |_, _, answer| answer.send(5)).await, Ok(5));
    drop(end);
    until(&pool, |stats| stats.given_up == 0).await;
    assert_eq!(pool.stats().threads, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_no_trace() {
    let pool = pool(1, 2, 8);
    let (end, job) = held(&pool, Duration::from_millis(20), true);
    until(&pool, |stats| stats.waiting == 1).await;
    job.abort();
    until(&pool, |stats| stats.given_up == 1).await;
    drop(end);
    until(&pool, |stats| stats == PoolStats::default()).await;

    let (_end, _job) = held(&pool, LONG, false);
    until(&pool, |stats| stats.running == 1).await;
    let (_other, queued) = held(&pool, LONG, false);
    until(&pool, |stats| stats.queued == 1).await;
    queued.abort();
    assert!(queued.await.is_err());
    drop(_end);
    until(&pool, |stats| stats.queued == 0 && stats.running == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_job() {
    let pool = pool(1, 1, 8);
    let lost = pool.run(order(LONG), |_, _, _: Answer<()>| panic!("in a job")).await;
    assert_eq!(lost, Err(PoolError::Lost));
    let lost =
        pool.run(order(LONG), |_, slot, _: Answer<()>| slot.while_waiting(|| panic!("in a wait"))).await;
    assert_eq!(lost, Err(PoolError::Lost));
    assert_eq!(pool.run(order(LONG), |_, _, answer| answer.send(1)).await, Ok(1));
    until(&pool, |stats| stats.running == 0).await;
    assert_eq!((pool.stats().waiting, pool.stats().threads), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_begin_come_before_those_that_go_on_but_not_always() {
    let pool = pool(1, 1, 100);
    let (end, first) = held(&pool, LONG, false);
    until(&pool, |stats| stats.running == 1).await;
    let (ran, order_of) = mpsc::channel();
    let mut jobs = Vec::new();
    for number in 0..8_usize {
        let (goes_on, ran) = (number < 4, ran.clone());
        let job = Arc::clone(&pool);
        let queued = pool.stats().queued;
        jobs.push(tokio::spawn(async move {
            let order = JobOrder { goes_on, ..order(LONG) };
            job.run(order, move |_, _, answer| {
                let _ = ran.send(goes_on);
                answer.send(());
            })
            .await
        }));
        until(&pool, |stats| stats.queued == queued + 1).await;
    }
    end.send(()).unwrap();
    first.await.unwrap().unwrap();
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    let went: Vec<bool> = order_of.try_iter().collect();
    assert_eq!(went.len(), 8);
    let place = |goes_on| went.iter().position(|one| *one == goes_on).unwrap();
    assert!(place(false) < place(true) && went[..5].contains(&true), "{went:?}");
}
