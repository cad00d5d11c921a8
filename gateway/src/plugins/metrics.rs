//! Counters and histograms that plugins keep, for whoever publishes metrics.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use gatehouse_plugin::host::{Metric, MetricKind};

/// Series that are kept; more are not counted, so that a plugin that labels by user does not fill the memory.
const SERIES: usize = 10_000;

/// Upper bounds of a histogram's buckets, as Prometheus's clients have them; what is above counts in none.
pub const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Name and labels of a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeriesKey {
    /// Counter or histogram.
    pub kind: MetricKind,
    /// Name.
    pub name: String,
    /// Labels in order of their names.
    pub labels: Vec<(String, String)>,
}

/// What has been counted or observed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Series {
    /// How often.
    pub count: u64,
    /// Sum of the values.
    pub sum: f64,
    /// Values up to each bound of [`BUCKETS`]; zeros for a counter.
    pub buckets: [u64; BUCKETS.len()],
}

/// All series of all plugins.
#[derive(Debug, Default)]
pub struct PluginMetrics {
    series: Mutex<HashMap<Arc<SeriesKey>, Series>>,
}

impl PluginMetrics {
    /// Counts one. A counter does not go down: negative amounts and what is not a number are left out.
    pub(super) fn record(&self, metric: &Metric<'_>) {
        let Metric { kind, name, labels, value } = metric;
        if !value.is_finite() || (*kind == MetricKind::Counter && *value < 0.0) {
            return;
        }
        let mut labels: Vec<_> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        labels.sort();
        let key = SeriesKey { kind: *kind, name: (*name).to_owned(), labels };
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SERIES && !all.contains_key(&key) {
            return;
        }
        let series = all.entry(Arc::new(key)).or_default();
        series.count += 1;
        series.sum += value;
        if *kind == MetricKind::Histogram {
            for (bucket, _) in series.buckets.iter_mut().zip(BUCKETS).filter(|(_, bound)| value <= bound) {
                *bucket += 1;
            }
        }
    }

    /// All series as they are now, in no order. Copies no names, because calls of plugins wait meanwhile.
    pub fn snapshot(&self) -> Vec<(Arc<SeriesKey>, Series)> {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(key, series)| (Arc::clone(key), *series)).collect()
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::host::{Metric, MetricKind};

    use super::PluginMetrics;

    #[test]
    fn values_are_summed_by_name_and_labels() {
        let metrics = PluginMetrics::default();
        let record = |kind, labels: &[(&'static str, &'static str)], value| {
            metrics.record(&Metric { kind, name: "n", labels: labels.to_vec(), value });
        };
        record(MetricKind::Counter, &[("a", "1"), ("b", "2")], 1.0);
        record(MetricKind::Counter, &[("b", "2"), ("a", "1")], 2.0);
        record(MetricKind::Counter, &[], -1.0);
        record(MetricKind::Histogram, &[], 0.2);
        record(MetricKind::Histogram, &[], f64::NAN);
        let mut series = metrics.snapshot();
        series.sort_by(|a, b| a.1.sum.total_cmp(&b.1.sum));
        let [(_, histogram), (_, counter)] = &series[..] else { panic!("{series:?}") };
        assert_eq!((counter.count, counter.sum), (2, 3.0));
        assert_eq!((histogram.count, histogram.buckets), (1, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]));
    }
}
