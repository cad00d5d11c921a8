//! Series that somebody else keeps, plugins above all: their names are made valid, and kept apart from ours.

use std::{
    collections::{BTreeMap, HashSet, btree_map::Entry},
    sync::{Mutex, PoisonError},
};

use prometheus::proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// What our own names begin with.
const OURS: &str = "gatehouse_";

/// What is put before a name that begins as ours do.
const THEIRS: &str = "plugin_";

/// Label of a histogram's buckets.
const BUCKET_LABEL: &str = "le";

/// How a series is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GivenKind {
    /// The sum counts.
    Counter,
    /// All counts.
    Histogram,
}

/// A series of somebody else, with any names and values.
#[derive(Debug, Clone)]
pub struct GivenSeries<'a> {
    /// Counter or histogram.
    pub kind: GivenKind,
    /// Name.
    pub name: &'a str,
    /// Names and values of labels.
    pub labels: &'a [(String, String)],
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Upper bounds, rising, and how many values are up to each.
    pub buckets: Vec<(f64, u64)>,
}

/// Makes given names valid; says once what became of each.
#[derive(Debug, Default)]
pub(super) struct GivenNames {
    reported: Mutex<HashSet<String>>,
}

/// Labels, in order of their names.
type Labels = Vec<(String, String)>;

struct Family {
    kind: GivenKind,
    series: BTreeMap<Labels, Sum>,
}

/// Series that have become one are summed.
struct Sum {
    count: u64,
    sum: f64,
    buckets: Vec<(f64, u64)>,
}

impl GivenNames {
    /// Families of which each has its own name, none of ours, and whose series differ.
    pub(super) fn families<'a>(&self, given: impl IntoIterator<Item = GivenSeries<'a>>) -> Vec<MetricFamily> {
        let mut given: Vec<GivenSeries<'a>> = given.into_iter().collect();
        // The same series must win each time.
        given.sort_by(|a, b| (a.name, a.kind).cmp(&(b.name, b.kind)));
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        for series in given {
            let Some(name) = self.name(series.name) else { continue };
            let Some(labels) = self.labels(&series) else { continue };
            let kind = series.kind;
            let family = families.entry(name).or_insert_with(|| Family { kind, series: BTreeMap::new() });
            if family.kind == kind {
                family.add(labels, series);
            } else {
                self.left_out(series.name, "the name is both that of a counter and that of a histogram");
            }
        }
        let is_part = |name: &str| {
            ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|part| name.strip_suffix(part))
                .any(|whole| families.get(whole).is_some_and(|family| family.kind == GivenKind::Histogram))
        };
        let clashing: Vec<String> = families.keys().filter(|name| is_part(name)).cloned().collect();
        for name in clashing {
            self.left_out(&name, "a histogram has series of this name");
            families.remove(&name);
        }
        families.into_iter().map(|(name, family)| family.written(name)).collect()
    }

    fn name(&self, given: &str) -> Option<String> {
        let Some(mut name) = valid(given) else {
            self.left_out(given, "it has no name");
            return None;
        };
        if name.starts_with(OURS) {
            name.insert_str(0, THEIRS);
        }
        if name != given {
            self.report(format!("metric `{given}` of a plugin is published as `{name}`"));
        }
        Some(name)
    }

    fn labels(&self, series: &GivenSeries<'_>) -> Option<Labels> {
        let mut labels = Labels::with_capacity(series.labels.len());
        for (given, value) in series.labels {
            let Some(name) = valid_label(given, series.kind) else {
                self.left_out(series.name, "a label has no name");
                return None;
            };
            if name != *given {
                let metric = series.name;
                self.report(format!(
                    "label `{given}` of a plugin's metric `{metric}` is published as `{name}`"
                ));
            }
            labels.push((name, value.clone()));
        }
        labels.sort();
        if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            self.left_out(series.name, "two of its labels have the same name");
            return None;
        }
        Some(labels)
    }

    fn left_out(&self, name: &str, why: &str) {
        self.report(format!("metric `{name}` of a plugin is left out: {why}"));
    }

    fn report(&self, finding: String) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if !reported.contains(&finding) {
            tracing::warn!("{finding}");
            reported.insert(finding);
        }
    }
}

impl Family {
    fn add(&mut self, labels: Labels, given: GivenSeries<'_>) {
        match self.series.entry(labels) {
            Entry::Vacant(place) => {
                place.insert(Sum { count: given.count, sum: given.sum, buckets: given.buckets });
            }
            Entry::Occupied(mut place) => {
                let sum = place.get_mut();
                sum.count += given.count;
                sum.sum += given.sum;
                for ((_, count), (_, more)) in sum.buckets.iter_mut().zip(given.buckets) {
                    *count += more;
                }
            }
        }
    }

    fn written(self, name: String) -> MetricFamily {
        let kind = self.kind;
        let metrics = self.series.into_iter().map(|(labels, sum)| sum.written(kind, labels)).collect();
        let mut family = MetricFamily::default();
        family.set_name(name);
        family.set_help("Of plugins.".to_owned());
        family.set_field_type(match kind {
            GivenKind::Counter => MetricType::COUNTER,
            GivenKind::Histogram => MetricType::HISTOGRAM,
        });
        family.set_metric(metrics);
        family
    }
}

impl Sum {
    fn written(self, kind: GivenKind, labels: Labels) -> Metric {
        let label = |(name, value)| {
            let mut label = LabelPair::default();
            label.set_name(name);
            label.set_value(value);
            label
        };
        let mut metric = Metric::from_label(labels.into_iter().map(label).collect());
        match kind {
            GivenKind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(self.sum);
                metric.set_counter(counter);
            }
            GivenKind::Histogram => {
                let bucket = |(bound, count)| {
                    let mut bucket = Bucket::default();
                    bucket.set_upper_bound(bound);
                    bucket.set_cumulative_count(count);
                    bucket
                };
                let mut histogram = Histogram::default();
                histogram.set_sample_count(self.count);
                histogram.set_sample_sum(self.sum);
                histogram.set_bucket(self.buckets.into_iter().map(bucket).collect());
                metric.set_histogram(histogram);
            }
        }
        metric
    }
}

/// A name for labels and, since colons are for the rules of whoever collects, for metrics; `None` for nothing.
fn valid(name: &str) -> Option<String> {
    let first = name.chars().next()?;
    let mut valid = String::with_capacity(name.len() + 1);
    if first.is_ascii_digit() {
        valid.push('_');
    }
    valid.extend(name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }));
    Some(valid)
}

/// Names that begin with two underscores, and that of the buckets, have a meaning already.
fn valid_label(name: &str, kind: GivenKind) -> Option<String> {
    let mut valid = valid(name)?;
    if valid.starts_with("__") {
        valid = format!("_{}", valid.trim_start_matches('_'));
    }
    if kind == GivenKind::Histogram && valid == BUCKET_LABEL {
        valid.push('_');
    }
    Some(valid)
}

#[cfg(test)]
mod tests {
    use super::{
        super::Metrics,
        GivenKind::{Counter, Histogram},
        GivenNames, GivenSeries, valid,
    };

    fn labels(labels: &[(&str, &str)]) -> Vec<(String, String)> {
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn counter<'a>(name: &'a str, labels: &'a [(String, String)], sum: f64) -> GivenSeries<'a> {
        GivenSeries { kind: Counter, name, labels, count: 1, sum, buckets: Vec::new() }
    }

    fn histogram<'a>(name: &'a str, labels: &'a [(String, String)]) -> GivenSeries<'a> {
        GivenSeries { kind: Histogram, name, labels, count: 3, sum: 12.5, buckets: vec![(0.5, 1), (1.0, 2)] }
    }

    /// The lines that are not ours.
    fn published<'a>(given: impl IntoIterator<Item = GivenSeries<'a>>) -> Vec<String> {
        let text = Metrics::new().text(given).unwrap();
        let is_theirs = |line: &&str| {
            let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
            !name.starts_with("gatehouse_") && !line.starts_with("# HELP")
        };
        text.lines().filter(is_theirs).map(str::to_owned).collect()
    }

    #[test]
    fn names_become_valid() {
        for (given, expected) in
            [("a.b-c:d", "a_b_c_d"), ("9lives", "_9lives"), ("größe", "gr__e"), ("_x", "_x")]
        {
            assert_eq!(valid(given).as_deref(), Some(expected));
        }
        assert_eq!(valid(""), None);
    }

    #[test]
    fn values_are_escaped_and_label_names_made_valid() {
        let awkward = labels(&[("who am i", "a\"b\\c\nd"), ("__name__", "up"), ("le", "1")]);
        assert_eq!(
            published([counter("orders.total", &awkward, 2.0), counter("", &awkward, 1.0)]),
            ["# TYPE orders_total counter", r#"orders_total{_name__="up",le="1",who_am_i="a\"b\\c\nd"} 2"#]
        );
    }

    #[test]
    fn a_histogram_has_all_its_series() {
        let bound = labels(&[("le", "x")]);
        assert_eq!(
            published([histogram("seconds", &bound)]),
            [
                "# TYPE seconds histogram",
                r#"seconds_bucket{le_="x",le="0.5"} 1"#,
                r#"seconds_bucket{le_="x",le="1"} 2"#,
                r#"seconds_bucket{le_="x",le="+Inf"} 3"#,
                r#"seconds_sum{le_="x"} 12.5"#,
                r#"seconds_count{le_="x"} 3"#,
            ]
        );
    }

    #[test]
    fn ours_are_kept_apart() {
        let shop = labels(&[("api_id", "shop")]);
        assert_eq!(
            published([
                counter("gatehouse_requests_total", &shop, 7.0),
                counter("gatehouse-ready", &[], 1.0)
            ]),
            [
                "# TYPE plugin_gatehouse_ready counter",
                "plugin_gatehouse_ready 1",
                "# TYPE plugin_gatehouse_requests_total counter",
                r#"plugin_gatehouse_requests_total{api_id="shop"} 7"#,
            ]
        );
    }

    #[test]
    fn what_became_of_a_name_is_said_once() {
        let names = GivenNames::default();
        let said = || names.reported.lock().unwrap().len();
        for _ in 0..2 {
            let _ = names.families([counter("a.b", &labels(&[("c.d", "1")]), 1.0), counter("a.b", &[], 1.0)]);
            assert_eq!(said(), 2);
        }
        let _ = names.families([counter("", &[], 1.0)]);
        assert_eq!(said(), 3);
    }

    #[test]
    fn series_that_become_one_are_summed() {
        let (dash, dot) = (labels(&[("a-b", "1")]), labels(&[("a.b", "1")]));
        assert_eq!(
            published([counter("x", &dash, 1.5), counter("x", &dot, 2.0)]),
            ["# TYPE x counter", r#"x{a_b="1"} 3.5"#]
        );
    }

    #[test]
    fn what_a_collector_would_refuse_is_left_out() {
        let twice = labels(&[("a", "1"), ("a", "2")]);
        let unnamed = labels(&[("", "1")]);
        let lines = published([
            counter("twice", &twice, 1.0),
            counter("unnamed", &unnamed, 1.0),
            counter("both", &[], 1.0),
            histogram("both", &[]),
            histogram("h", &[]),
            counter("h_sum", &[], 1.0),
            counter("sum", &[], 1.0),
        ]);
        let kinds: Vec<_> = lines.iter().filter(|line| line.starts_with('#')).collect();
        assert_eq!(kinds, ["# TYPE both counter", "# TYPE h histogram", "# TYPE sum counter"]);
        assert!(!lines.contains(&"h_sum 1".to_owned()), "{lines:?}");
    }
}
