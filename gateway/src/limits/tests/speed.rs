//! What a request pays for its limits. Run with `cargo test --release -p gatehouse --lib limits::tests::speed -- --ignored
//! --nocapture`.

use std::{fs, hint::black_box, thread};

use super::*;

/// Of this thread, in nanoseconds: other work on the machine does not count.
fn processor_time() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "a measurement, for people"]
fn nanoseconds_for_a_request() {
    const ROUNDS: u64 = 2_000_000;
    let memory = memory(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let names: Vec<String> = (0..100_000).map(|number| format!("{number:08x}")).collect();
    for name in &names {
        runtime.block_on(memory.read_quota(name)).unwrap();
    }
    let measure =
        |what: &str, keys: usize, threads: u64, demand: &(dyn Fn(usize) -> Demand<'static> + Sync)| {
            let demands: Vec<Demand<'static>> = (0..keys).map(demand).collect();
            let spent = AtomicU64::new(0);
            thread::scope(|scope| {
                for thread in 0..threads {
                    let (memory, demands, spent) = (&memory, &demands, &spent);
                    scope.spawn(move || {
                        let begin = processor_time();
                        for round in 0..ROUNDS {
                            #[allow(clippy::cast_possible_truncation, reason = "an index")]
                            let demand = &demands[(round * 7919 + thread) as usize % demands.len()];
                            let _ = black_box(memory.take(demand, Moment::now()));
                        }
                        spent.fetch_add(processor_time() - begin, Ordering::Relaxed);
                    });
                }
            });
            println!("{what:40} {:>6} ns", spent.into_inner() / (ROUNDS * threads));
        };
    let owned_rate = |name: &str, requests, seconds| {
        Some(RateDemand { name: name.to_owned().into(), limit: limit(requests, seconds) })
    };
    let owned_quota = |name: &str| {
        let renewal = Some(Duration::from_secs(3600));
        Some(QuotaDemand { name: name.to_owned().into(), limit: QuotaLimit { max: u64::MAX, renewal } })
    };
    let name = |index: usize| names[index].as_str();
    measure("the clocks alone", 1, 1, &|_| Demand::default());
    measure("rate, one key", 1, 1, &|index| Demand {
        rate: owned_rate(name(index), 1_000_000, 1),
        ..Demand::default()
    });
    measure("rate and quota, one key", 1, 1, &|index| Demand {
        rate: owned_rate(name(index), 1_000_000, 1),
        quota: owned_quota(name(index)),
        api: None,
    });
    measure("rate and quota, 100,000 keys", 100_000, 1, &|index| Demand {
        rate: owned_rate(name(index), 1_000, 1),
        quota: owned_quota(name(index)),
        api: None,
    });
    measure("rate, quota, rate of the API", 100_000, 1, &|index| Demand {
        rate: owned_rate(name(index), 1_000, 1),
        quota: owned_quota(name(index)),
        api: owned_rate("api", u64::MAX, 1),
    });
    measure("rate and quota, 100,000 keys, 2 threads", 100_000, 2, &|index| Demand {
        rate: owned_rate(name(index), 1_000, 1),
        quota: owned_quota(name(index)),
        api: None,
    });
}
