//! Requests of each API by class of status and by time, counted in one small block of memory for each API.
//!
//! The library's histograms spread one observation over half a dozen allocations and as many atomic operations, which is much
//! for what every request does, most of all where thousands of APIs are asked in turn.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::StatusCode;
use prometheus::{
    core::{Collector, Desc},
    proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};

use crate::shard;

/// Values of `status_class`; a status outside of HTTP's classes, which a script may give, is `other`.
const STATUS_CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];

/// Upper bounds in microseconds: from a script that answers at once to an upstream's time-out.
const DURATIONS: [u64; 16] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000,
];

const REQUESTS: (&str, &str) = (
    "gatehouse_requests_total",
    "Requests that an API answered, by the class of the status: `1xx` to `5xx`, `other`.",
);

const TIMES: (&str, &str) =
    ("gatehouse_request_duration_seconds", "Time from the head of a request to the head of its answer.");

const API_LABEL: &str = "api_id";
const CLASS_LABEL: &str = "status_class";

/// Parts of an API's counts; more threads than that share some.
const PARTS: usize = 4;

/// What the requests of one API have come to, in parts that threads write to for themselves.
#[derive(Debug, Default)]
pub(super) struct RequestCounts([Part; PARTS]);

/// Begins with a cache line, and ends with one.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Part {
    /// In the order of [`STATUS_CLASSES`].
    classes: [AtomicU64; STATUS_CLASSES.len()],
    /// Up to each of [`DURATIONS`] and beyond the one before; the last are longer than all of them.
    durations: [AtomicU64; DURATIONS.len() + 1],
    /// Of all durations.
    microseconds: AtomicU64,
}

impl RequestCounts {
    /// Counts a request.
    pub(super) fn count(&self, status: StatusCode, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = DURATIONS.iter().position(|bound| microseconds <= *bound).unwrap_or(DURATIONS.len());
        let part = &self.0[shard::own(PARTS)];
        part.classes[class(status)].fetch_add(1, Relaxed);
        part.durations[bucket].fetch_add(1, Relaxed);
        part.microseconds.fetch_add(microseconds, Relaxed);
    }

    /// One of the counts in all parts.
    fn sum(&self, count: impl Fn(&Part) -> &AtomicU64) -> u64 {
        self.0.iter().map(|part| count(part).load(Relaxed)).fold(0, u64::wrapping_add)
    }
}

fn class(status: StatusCode) -> usize {
    let hundreds = usize::from(status.as_u16() / 100);
    hundreds.wrapping_sub(1).min(STATUS_CLASSES.len() - 1)
}

/// The counts of all APIs there ever were, as Prometheus reads them.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    of_apis: Arc<Mutex<BTreeMap<String, Arc<RequestCounts>>>>,
    descriptions: Arc<[Desc; 2]>,
}

impl Requests {
    /// Without any API.
    ///
    /// # Errors
    /// When the library takes a name for none; a defect of ours.
    pub(super) fn new() -> prometheus::Result<Self> {
        let describe = |(name, help): (&str, &str), labels: &[&str]| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
        };
        let descriptions = [describe(REQUESTS, &[API_LABEL, CLASS_LABEL])?, describe(TIMES, &[API_LABEL])?];
        Ok(Self { of_apis: Arc::default(), descriptions: Arc::new(descriptions) })
    }

    /// The counts of an API: the same ones whenever it is asked for.
    pub(super) fn of(&self, api_id: &str) -> Arc<RequestCounts> {
        let mut of_apis = self.of_apis.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(of_apis.entry(api_id.to_owned()).or_default())
    }
}

impl Collector for Requests {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let of_apis = self.of_apis.lock().unwrap_or_else(PoisonError::into_inner);
        let by_class = |(api_id, counts): (&String, &Arc<RequestCounts>)| {
            let counts = Arc::clone(counts);
            let api_id = api_id.clone();
            STATUS_CLASSES.into_iter().enumerate().map(move |(index, class)| {
                let mut counter = Counter::default();
                counter.set_value(counts.sum(|part| &part.classes[index]) as f64);
                let mut metric =
                    Metric::from_label(vec![label(API_LABEL, &api_id), label(CLASS_LABEL, class)]);
                metric.set_counter(counter);
                metric
            })
        };
        let times = |(api_id, counts): (&String, &Arc<RequestCounts>)| {
            let mut metric = Metric::from_label(vec![label(API_LABEL, api_id)]);
            metric.set_histogram(histogram(counts));
            metric
        };
        vec![
            family(REQUESTS, MetricType::COUNTER, of_apis.iter().flat_map(by_class).collect()),
            family(TIMES, MetricType::HISTOGRAM, of_apis.iter().map(times).collect()),
        ]
    }
}

fn histogram(counts: &RequestCounts) -> Histogram {
    let mut all = 0;
    let bucket = |(index, bound): (usize, u64)| {
        all += counts.sum(|part| &part.durations[index]);
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(seconds(bound));
        bucket.set_cumulative_count(all);
        bucket
    };
    let buckets = DURATIONS.into_iter().enumerate().map(bucket).collect();
    let longer = counts.sum(|part| &part.durations[DURATIONS.len()]);
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets);
    histogram.set_sample_count(all + longer);
    histogram.set_sample_sum(seconds(counts.sum(|part| &part.microseconds)));
    histogram
}

/// Exact for what a decimal fraction of a second can say.
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

fn family((name, help): (&str, &str), kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::{RequestCounts, STATUS_CLASSES, class, histogram};

    #[test]
    fn each_status_has_a_class() {
        for (status, expected) in [
            (101, "1xx"),
            (200, "2xx"),
            (302, "3xx"),
            (499, "4xx"),
            (504, "5xx"),
            (600, "other"),
            (999, "other"),
        ] {
            assert_eq!(STATUS_CLASSES[class(StatusCode::from_u16(status).unwrap())], expected);
        }
    }

    #[test]
    fn a_bucket_has_all_that_are_no_longer_than_its_bound() {
        let counts = RequestCounts::default();
        for duration in [0, 100, 101, 2_500, 30_000_000, 30_000_001] {
            counts.count(StatusCode::OK, Duration::from_micros(duration));
        }
        let histogram = histogram(&counts);
        let up_to = |bound: f64| {
            let bucket = histogram.get_bucket().iter().find(|bucket| bucket.upper_bound() == bound);
            bucket.unwrap().cumulative_count()
        };
        assert_eq!([up_to(0.0001), up_to(0.0005), up_to(0.0025), up_to(30.0)], [2, 3, 4, 5]);
        assert_eq!(histogram.get_sample_count(), 6);
        assert!((histogram.get_sample_sum() - 60.002_702).abs() < 1e-9, "{}", histogram.get_sample_sum());
    }
}
