//! Counters under a clock that the tests move.

mod speed;

use std::{
    collections::VecDeque,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    LimitsError, Moment,
    demand::{Demand, QuotaDemand, QuotaLimit, QuotaState, RateDemand, Refusal, Verdict},
    memory::{Memory, Taken},
    window::Window,
};
use crate::{
    apidef::model::RateLimit,
    session::{Store, embedded::EmbeddedStore},
};

const SECOND: u64 = 1_000_000_000;

/// Counters over a store in a folder that goes away with them.
struct Kept {
    memory: Memory,
    _folder: TempDir,
}

impl Deref for Kept {
    type Target = Memory;
    fn deref(&self) -> &Memory {
        &self.memory
    }
}

fn memory(most: usize) -> Kept {
    let (store, folder) = store();
    Kept { memory: Memory::new(most, store), _folder: folder }
}

fn store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.redb");
    (Store::Embedded(Arc::new(EmbeddedStore::new(path, Duration::from_secs(20)))), folder)
}

/// So many seconds after the beginning, which was 1,000,000 seconds after 1970.
fn at(seconds: u64) -> Moment {
    Moment::at(seconds * SECOND, 1_000_000 + i64::try_from(seconds).unwrap())
}

fn limit(requests: u64, seconds: u64) -> RateLimit {
    RateLimit { requests, per: Duration::from_secs(seconds) }
}

fn rate(name: &str, requests: u64, seconds: u64) -> Option<RateDemand<'_>> {
    Some(RateDemand { name: name.into(), limit: limit(requests, seconds) })
}

fn quota(name: &str, max: u64, seconds: u64) -> Option<QuotaDemand<'_>> {
    let renewal = (seconds > 0).then(|| Duration::from_secs(seconds));
    Some(QuotaDemand { name: name.into(), limit: QuotaLimit { max, renewal } })
}

fn passes(memory: &Memory, demand: &Demand<'_>, now: Moment) -> bool {
    matches!(memory.take(demand, now).unwrap(), Taken::Verdict(Verdict::Passed(_)))
}

/// With the quota read, when it has to be.
async fn verdict(memory: &Memory, demand: &Demand<'_>, now: Moment) -> Verdict {
    loop {
        match memory.take(demand, now).unwrap() {
            Taken::Verdict(verdict) => return verdict,
            Taken::QuotaUnknown => memory.read_quota(&demand.quota.as_ref().unwrap().name).await.unwrap(),
        }
    }
}

fn left(remaining: u64, renews: i64) -> Verdict {
    Verdict::Passed(Some(QuotaState { remaining, renews }))
}

/// The most requests that any span of `per` has, of the times at which requests passed.
fn fullest(passed: &[u64], per: u64) -> usize {
    let inside =
        |first: usize| passed[first..].iter().take_while(|time| **time - passed[first] < per).count();
    (0..passed.len()).map(inside).max().unwrap_or(0)
}

#[test]
fn a_window_slides() {
    let memory = memory(1000);
    let demand = Demand { rate: rate("k", 3, 10), ..Demand::default() };
    let passed: Vec<u64> = (0..40).filter(|second| passes(&memory, &demand, at(*second))).collect();
    assert_eq!(passed, [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]);
    // Its neighbour has a window of its own.
    let other = Demand { rate: rate("l", 1, 10), ..Demand::default() };
    assert!(passes(&memory, &other, at(39)) && !passes(&memory, &other, at(39)));
}

#[test]
fn no_span_of_any_window_has_more_than_the_limit() {
    // Steps of a fixed but irregular series, from nothing to a third of the window.
    for (requests, per) in [(1, 7 * SECOND), (3, SECOND), (50, 1_000), (1024, SECOND), (5_000, SECOND)] {
        let limit = RateLimit { requests, per: Duration::from_nanos(per) };
        let (mut window, mut now, mut seed) = (Window::default(), 0_u64, 88_172_645_463_325_252_u64);
        // Every time that passed, and how many would have by a log that forgets nothing it needs.
        let (mut passed, mut log, mut of_log) = (Vec::new(), VecDeque::new(), 0_usize);
        for _ in 0..60_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            now += seed % (per / requests).max(2) + u64::from(seed.is_multiple_of(997)) * per / 3;
            if window.take(now, limit).is_some() {
                passed.push(now);
            }
            while log.front().is_some_and(|time| now - time >= per) {
                log.pop_front();
            }
            if (log.len() as u64) < requests {
                log.push_back(now);
                of_log += 1;
            }
        }
        let fullest = fullest(&passed, per);
        assert!(fullest as u64 <= requests, "{requests} per {per}: {fullest}");
        if requests <= 1024 {
            assert_eq!(passed.len(), of_log, "{requests} per {per}");
        }
        // A large window gives the last bit of its time away, and no more.
        assert!(passed.len() * 100 >= of_log * 99, "{requests} per {per}: {} of {of_log}", passed.len());
    }
}

#[test]
fn a_high_limit_may_be_used_at_once_and_takes_little_memory() {
    let (mut window, limit) = (Window::default(), limit(1_000_000, 3600));
    let passed = (0..1_500_000_u64).filter(|step| window.take(step * 1_000, limit).is_some()).count();
    assert_eq!(passed, 1_000_000);
    assert!(window.slots() <= 2049, "{}", window.slots());
    // Spread over the whole window, too.
    let mut window = Window::default();
    let step = 3600 * SECOND / 1_000_000;
    let passed = (0..3_000_000_u64).filter(|index| window.take(index * step, limit).is_some()).count();
    assert!(window.slots() <= 2050, "{}", window.slots());
    assert!(passed > 2_990_000, "{passed}");
}

#[test]
fn a_clock_that_steps_back_opens_no_window() {
    let (mut window, limit) = (Window::default(), limit(2, 10));
    assert_eq!(window.take(100 * SECOND, limit), Some(100 * SECOND));
    assert_eq!(window.take(5 * SECOND, limit), Some(100 * SECOND));
    assert_eq!(window.take(109 * SECOND, limit), None);
    assert_eq!(window.take(0, limit), None);
    assert!(window.take(110 * SECOND, limit).is_some());
    let memory = memory(1000);
    let demand = Demand { rate: rate("k", 1, 10), ..Demand::default() };
    assert!(passes(&memory, &demand, at(50)) && !passes(&memory, &demand, at(20)));
}

#[test]
fn the_largest_numbers_are_limits_like_others() {
    let forever = RateLimit { requests: u64::MAX, per: Duration::MAX };
    let mut window = Window::default();
    assert!(window.take(u64::MAX, forever).is_some() && window.take(0, forever).is_some());
    let once = RateLimit { requests: 1, per: Duration::MAX };
    let mut window = Window::default();
    assert!(window.take(1, once).is_some() && window.take(u64::MAX - 1, once).is_none());
    let none = RateLimit { requests: 0, per: Duration::from_secs(1) };
    assert_eq!(Window::default().take(1, none), None);
}

#[test]
fn what_is_given_back_is_free_again_and_nothing_else() {
    let (mut window, limit) = (Window::default(), limit(2, 10));
    let first = window.take(SECOND, limit).unwrap();
    window.take(2 * SECOND, limit).unwrap();
    window.give_back(first);
    assert!(window.take(3 * SECOND, limit).is_some());
    // The one at 2 is still counted, so nothing passes before 12.
    assert!(window.take(11 * SECOND, limit).is_none() && window.take(12 * SECOND, limit).is_some());
    Window::default().give_back(5);
}

#[test]
fn threads_never_get_more_than_the_limit_in_a_window() {
    let memory = memory(1000);
    let clock = AtomicU64::new(0);
    let per = 1_000_000;
    let taken: Vec<u64> = thread::scope(|scope| {
        let run = || {
            let mut passed = Vec::new();
            for _ in 0..40_000 {
                let nanos = clock.fetch_add(97, Ordering::Relaxed);
                let rate = RateLimit { requests: 50, per: Duration::from_nanos(per) };
                let rate = Some(RateDemand { name: "k".into(), limit: rate });
                let demand = Demand { rate, ..Demand::default() };
                if passes(&memory, &demand, Moment::at(nanos, 0)) {
                    passed.push(nanos);
                }
            }
            passed
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut passed = taken;
    passed.sort_unstable();
    // A thread may be late with a time that it read, so the bound on times as they were read has that much slack; the
    // bound on the number over all of them has none.
    let windows = 4 * 40_000 * 97 / per + 1;
    assert!(passed.len() as u64 <= 50 * (windows + 1), "{}", passed.len());
    assert!(passed.len() as u64 >= 50 * (windows / 2), "{}", passed.len());
}

#[test]
fn threads_share_rate_and_quota_exactly() {
    let memory = memory(1000);
    let seen = AtomicU64::new(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(memory.read_quota("q")).unwrap();
    let run = |demand: &Demand<'_>| -> usize {
        let call = || {
            (0..2_000)
                .filter(|_| passes(&memory, demand, at(seen.fetch_add(1, Ordering::Relaxed) % 60)))
                .count()
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(call)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    };
    assert_eq!(run(&Demand { rate: rate("k", 1_500, 3600), ..Demand::default() }), 1_500);
    // Refused by the rate of the API, a request costs neither rate nor quota.
    let demand =
        Demand { rate: rate("r", 5_000, 3600), quota: quota("q", 4_000, 0), api: rate("a", 900, 3600) };
    assert_eq!(run(&demand), 900);
    assert_eq!(memory.quota_used("q", at(60)), Some(900));
    let demand = Demand { api: None, ..demand };
    assert_eq!(run(&demand), 3_100);
    let demand = Demand { quota: None, ..demand };
    assert_eq!(run(&demand), 1_000);
}

#[tokio::test]
async fn a_quota_renews_a_period_after_its_first_request() {
    let memory = memory(1000);
    let demand = Demand { quota: quota("k", 2, 100), ..Demand::default() };
    assert_eq!(verdict(&memory, &demand, at(10)).await, left(1, 1_000_110));
    assert_eq!(verdict(&memory, &demand, at(50)).await, left(0, 1_000_110));
    for second in [51, 109] {
        assert_eq!(verdict(&memory, &demand, at(second)).await, Verdict::Refused(Refusal::Quota));
    }
    assert_eq!(verdict(&memory, &demand, at(110)).await, left(1, 1_000_210));
    // The calendar may step as it likes: periods are measured by a clock that does not.
    let stepped = Moment::at(111 * SECOND, 5);
    assert_eq!(verdict(&memory, &demand, stepped).await, left(0, 1_000_210));
    let stepped = Moment::at(112 * SECOND, 9_000_000);
    assert_eq!(verdict(&memory, &demand, stepped).await, Verdict::Refused(Refusal::Quota));
}

#[tokio::test]
async fn quotas_of_all_sizes() {
    let memory = memory(1000);
    // Without renewal it is used up for ever.
    let never = Demand { quota: quota("never", 1, 0), ..Demand::default() };
    assert_eq!(verdict(&memory, &never, at(1)).await, left(0, 0));
    assert_eq!(verdict(&memory, &never, at(1_000_000)).await, Verdict::Refused(Refusal::Quota));
    // A renewal that was added later counts from then on.
    let later = Demand { quota: quota("never", 1, 60), ..Demand::default() };
    assert_eq!(verdict(&memory, &later, at(1_000_001)).await, left(0, 2_000_061));
    // A smaller maximum is over at once, a larger one goes on.
    let demand = |max| Demand { quota: quota("sized", max, 60), ..Demand::default() };
    for remaining in [9, 8, 7] {
        assert_eq!(verdict(&memory, &demand(10), at(5)).await, left(remaining, 1_000_065));
    }
    assert_eq!(verdict(&memory, &demand(2), at(6)).await, Verdict::Refused(Refusal::Quota));
    assert_eq!(verdict(&memory, &demand(4), at(6)).await, left(0, 1_000_065));
    let huge = QuotaLimit { max: u64::MAX, renewal: Some(Duration::MAX) };
    let huge = Demand { quota: Some(QuotaDemand { name: "huge".into(), limit: huge }), ..Demand::default() };
    assert_eq!(verdict(&memory, &huge, at(7)).await, left(u64::MAX - 1, i64::MAX));
    assert_eq!(verdict(&memory, &huge, at(8)).await, left(u64::MAX - 2, i64::MAX));
    let none = Demand { quota: quota("none", 0, 60), ..Demand::default() };
    assert_eq!(verdict(&memory, &none, at(9)).await, Verdict::Refused(Refusal::Quota));
}

#[tokio::test]
async fn rate_comes_before_quota_and_a_refusal_costs_nothing() {
    let memory = memory(1000);
    let demand = Demand { rate: rate("k", 1, 10), quota: quota("k", 10, 100), api: None };
    assert_eq!(verdict(&memory, &demand, at(0)).await, left(9, 1_000_100));
    for _ in 0..5 {
        assert_eq!(verdict(&memory, &demand, at(1)).await, Verdict::Refused(Refusal::Rate));
    }
    assert_eq!(verdict(&memory, &demand, at(10)).await, left(8, 1_000_100));
    let empty = Demand { rate: rate("k", 2, 10), quota: quota("k", 1, 100), api: None };
    for _ in 0..5 {
        assert_eq!(verdict(&memory, &empty, at(11)).await, Verdict::Refused(Refusal::Quota));
    }
    assert_eq!(verdict(&memory, &Demand { quota: None, ..empty }, at(12)).await, Verdict::Passed(None));
}

#[tokio::test]
async fn quotas_are_kept_in_the_store() {
    let (store, _folder) = store();
    let demand = Demand { quota: quota("k", 5, 3600), ..Demand::default() };
    let endless = Demand { quota: quota("e", 5, 0), ..Demand::default() };
    let first = Memory::new(1000, store.clone());
    for _ in 0..2 {
        verdict(&first, &demand, Moment::now()).await;
        verdict(&first, &endless, Moment::now()).await;
    }
    assert_eq!(store.get("quota-k").await.unwrap(), None, "not on the way of a request");
    first.write().await.unwrap();
    assert_eq!(store.get("quota-k").await.unwrap().as_deref(), Some(&b"2"[..]));
    // Another life of the gateway goes on where this one was.
    let second = Memory::new(1000, store.clone());
    let Verdict::Passed(Some(state)) = verdict(&second, &demand, Moment::now()).await else { panic!() };
    let ends = Moment::now().unix() + 3600;
    assert!(state.remaining == 2 && (ends - 2..=ends).contains(&state.renews), "{state:?}");
    assert_eq!(verdict(&second, &endless, Moment::now()).await, left(2, 0));
    second.reset_quota("k").await.unwrap();
    assert_eq!(store.get("quota-k").await.unwrap(), None);
    assert_eq!(second.quota_used("k", Moment::now()), None);
    second.write().await.unwrap();
    assert_eq!(store.get("quota-k").await.unwrap(), None);
    assert_eq!(store.get("quota-e").await.unwrap().as_deref(), Some(&b"3"[..]));
}

#[tokio::test]
async fn a_stored_count_that_is_none_is_an_error() {
    let (store, _folder) = store();
    store.set("quota-k", "many".into(), crate::session::Life::Forever).await.unwrap();
    let error = Memory::new(1000, store).read_quota("k").await.unwrap_err();
    assert!(error.to_string().contains("quota-k"), "{error}");
}

#[tokio::test]
async fn a_rate_and_a_quota_of_one_name_or_of_two_cost_all_or_nothing() {
    for names in [("k", "k"), ("k-endpoint", "k")] {
        let memory = memory(12_800);
        let demand = |requests| Demand {
            rate: rate(names.0, requests, 100),
            quota: quota(names.1, 2, 100),
            api: None,
        };
        memory.read_quota("k").await.unwrap();
        assert!(passes(&memory, &demand(3), at(0)) && passes(&memory, &demand(3), at(0)));
        // The quota is used up; what the rate had counted for it is given back.
        for _ in 0..5 {
            assert_eq!(
                memory.take(&demand(3), at(1)).unwrap(),
                Taken::Verdict(Verdict::Refused(Refusal::Quota))
            );
        }
        let rate_alone = Demand { quota: None, ..demand(3) };
        assert!(passes(&memory, &rate_alone, at(2)) && !passes(&memory, &rate_alone, at(2)));
        // And what is over the rate costs no quota.
        assert_eq!(memory.take(&demand(3), at(3)).unwrap(), Taken::Verdict(Verdict::Refused(Refusal::Rate)));
        assert_eq!(memory.quota_used("k", at(3)), Some(2));
        // The rate of the API gives both back.
        let with_api = Demand { api: rate("api", 0, 100), ..demand(9) };
        let fresh = Demand { quota: quota("k", 3, 100), ..with_api };
        assert_eq!(memory.take(&fresh, at(4)).unwrap(), Taken::Verdict(Verdict::Refused(Refusal::Api)));
        assert_eq!(memory.quota_used("k", at(4)), Some(2));
        let again = Demand { api: None, rate: rate(names.0, 4, 100), ..fresh };
        assert!(passes(&memory, &again, at(5)));
    }
}

#[tokio::test]
async fn idle_counters_are_forgotten_and_there_is_a_bound() {
    let memory = memory(12_800);
    let names: Vec<String> = (0..200_000).map(|number| format!("key-{number}")).collect();
    // One key in each millisecond, with windows of a second: never more than 1000 of them matter.
    for (number, name) in names.iter().enumerate() {
        let now = Moment::at(number as u64 * 1_000_000, 0);
        assert!(passes(&memory, &Demand { rate: rate(name, 1, 1), ..Demand::default() }, now), "{number}");
    }
    let windows = memory.names();
    assert!(windows <= 128 * 101, "{windows}");
    memory.forget_idle(at(1_000));
    assert_eq!(memory.names(), 0);
    // When all of them matter, one more is an error and not a request that is not counted.
    let failed = names.iter().find_map(|name| {
        memory.take(&Demand { rate: rate(name, 1, 3600), ..Demand::default() }, at(2_000)).err()
    });
    assert!(matches!(failed, Some(LimitsError::Full { most: 12_800 })), "{failed:?}");
    // Those that are there go on.
    assert!(!passes(&memory, &Demand { rate: rate(&names[0], 1, 3600), ..Demand::default() }, at(2_001)));
    // A quota that is written may be forgotten while its period runs.
    let memory = self::memory(100);
    let demand = Demand { quota: quota("q", 5, 100_000), ..Demand::default() };
    assert_eq!(verdict(&memory, &demand, Moment::now()).await, left(4, Moment::now().unix() + 100_000));
    let later = Moment { nanos: Moment::now().nanos + 100 * SECOND, ..Moment::now() };
    memory.forget_idle(later);
    assert_eq!(memory.names(), 1, "it is not written yet");
    memory.write().await.unwrap();
    memory.forget_idle(later);
    assert_eq!(memory.names(), 0);
    assert!(
        matches!(verdict(&memory, &demand, Moment::now()).await, Verdict::Passed(Some(state)) if state.remaining == 3)
    );
}
