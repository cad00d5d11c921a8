//! Counters, histograms and levels of the gateway, in the form that Prometheus reads.
//!
//! [`Metrics`] has every family. What a request counts with is resolved when its API is compiled ([`ApiMetrics`],
//! [`Failures`]): counting is a few atomic additions, without a lock and without a look-up by name. The families live as long
//! as the process, so a reload finds the same counters again and none goes back. [`GivenSeries`] are those that somebody
//! else keeps.

mod api;
mod failures;
mod given;
mod levels;
mod processes;
mod requests;
#[cfg(test)]
mod speed;

use prometheus::{IntCounter, IntCounterVec, Opts, Registry, core::Collector};

pub use self::{
    api::{ApiMetrics, upstream},
    failures::Failures,
    given::{GivenKind, GivenSeries},
    levels::{Levels, set},
};
use self::{given::GivenNames, processes::ScriptProcesses, requests::Requests};

/// Content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why no API served a request.
pub mod unserved {
    /// No listen path is that of the request.
    pub const NO_ROUTE: &str = "no_route";
    /// More requests than the gateway takes at a time.
    pub const OVERLOADED: &str = "overloaded";
    /// A body that is larger than any API takes.
    pub const BODY_TOO_LARGE: &str = "body_too_large";
}

/// Why a call of a plugin came to nothing.
pub mod plugin {
    /// It returned an error, or could not be called.
    pub const ERROR: &str = "error";
    /// It panicked.
    pub const PANIC: &str = "panic";
    /// It took too long.
    pub const TIMEOUT: &str = "timeout";
    /// There is nothing to call.
    pub const NOT_LOADED: &str = "not_loaded";
    /// It crashed the gateway too often.
    pub const CLOSED: &str = "closed";
}

/// What a lookup in the response cache came to.
pub mod cache {
    /// An answer.
    pub const HIT: &str = "hit";
    /// None: the request went on.
    pub const MISS: &str = "miss";
    /// The answer to another request, which was waited for.
    pub const WAITED: &str = "waited";
    /// The store that the cache is in did not do something.
    pub const STORE_FAILED: &str = "store_failed";
}

/// What handlers of events count with.
#[derive(Debug, Clone)]
pub struct EventMetrics {
    /// Found no room.
    pub left_out: IntCounter,
    /// Came to nothing.
    pub failed: IntCounter,
}

/// Every family of metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Requests,
    upstream_failures: IntCounterVec,
    script_failures: IntCounterVec,
    script_processes: ScriptProcesses,
    plugin_failures: IntCounterVec,
    /// Requests that no API served, by the words of [`unserved`].
    pub unserved: Failures,
    /// Records that found no room among the analytics hooks.
    pub analytics_left_out: IntCounter,
    cache_lookups: IntCounterVec,
    /// Handlers of events.
    pub events: EventMetrics,
    reloads_done: IntCounter,
    reloads_failed: IntCounter,
    /// What is as it is at the moment.
    pub levels: Levels,
    given_names: GivenNames,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All families, nothing counted yet.
    pub fn new() -> Self {
        let registry = Registry::new();
        let counters = |name, help, labels: &[&str]| {
            registered(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let unserved = counters(
            "gatehouse_unserved_requests_total",
            "Requests that no API served, by `reason`: `no_route`, `overloaded`, `body_too_large`.",
            &["reason"],
        );
        let reloads = counters(
            "gatehouse_reloads_total",
            "Reloads, by `outcome`: `success`, `failure` (everything stays as it was).",
            &["outcome"],
        );
        Self {
            requests: registered(&registry, Requests::new()),
            upstream_failures: counters(
                "gatehouse_upstream_failures_total",
                "Calls of upstreams that gave no answer, by `kind`: `timeout`, `lookup`, `connect`, `broken`.",
                &["api_id", "kind"],
            ),
            script_failures: counters(
                "gatehouse_script_failures_total",
                "Calls of virtual endpoints that failed, by the `class` that their log line has.",
                &["api_id", "class"],
            ),
            script_processes: ScriptProcesses::new(&registry),
            plugin_failures: counters(
                "gatehouse_plugin_failures_total",
                "Calls of plugins that failed, by `reason`: `error`, `panic`, `timeout`, `not_loaded`, `closed`.",
                &["api_id", "plugin", "function", "reason"],
            ),
            unserved: Failures::new(
                [unserved::NO_ROUTE, unserved::OVERLOADED, unserved::BODY_TOO_LARGE],
                |reason| unserved.with_label_values(&[reason]),
            ),
            analytics_left_out: registered(
                &registry,
                IntCounter::new(
                    "gatehouse_analytics_records_left_out_total",
                    "Records that no analytics hook got, because too many were in hooks already.",
                ),
            ),
            cache_lookups: counters(
                "gatehouse_cache_lookups_total",
                "Requests that asked the response cache, by `outcome`: `hit`, `miss`, `waited` (for another's answer); `store_failed` counts operations of the store.",
                &["api_id", "outcome"],
            ),
            events: EventMetrics {
                left_out: registered(
                    &registry,
                    IntCounter::new(
                        "gatehouse_events_left_out_total",
                        "Runs of event handlers that found no room, because too many ran or waited already.",
                    ),
                ),
                failed: registered(
                    &registry,
                    IntCounter::new(
                        "gatehouse_event_handler_failures_total",
                        "Runs of event handlers that failed or took too long; the log says which and why.",
                    ),
                ),
            },
            reloads_done: reloads.with_label_values(&["success"]),
            reloads_failed: reloads.with_label_values(&["failure"]),
            levels: Levels::new(&registry),
            given_names: GivenNames::default(),
            registry,
        }
    }

    /// What the requests of an API count with.
    pub fn api(&self, api_id: &str) -> ApiMetrics {
        ApiMetrics {
            requests: self.requests.of(api_id),
            upstream_failures: Failures::new(upstream::KINDS, |kind| {
                self.upstream_failures.with_label_values(&[api_id, kind])
            }),
        }
    }

    /// What the virtual endpoints of an API count with, by these classes.
    pub fn script_failures(&self, api_id: &str, classes: impl IntoIterator<Item = &'static str>) -> Failures {
        Failures::new(classes, |class| self.script_failures.with_label_values(&[api_id, class]))
    }

    /// What the calls of a function in an API count with, by the words of [`plugin`].
    pub fn plugin_failures(&self, api_id: &str, plugin: &str, function: &str) -> Failures {
        let reasons = [plugin::ERROR, plugin::PANIC, plugin::TIMEOUT, plugin::NOT_LOADED, plugin::CLOSED];
        Failures::new(reasons, |reason| {
            self.plugin_failures.with_label_values(&[api_id, plugin, function, reason])
        })
    }

    /// Notes how many processes of scripts were started and how many ended for which reason, since there are any.
    pub fn script_processes(&self, started: u64, ended: impl IntoIterator<Item = (&'static str, u64)>) {
        self.script_processes.note(started, ended);
    }

    /// What the lookups of an API in the response cache count with, by the words of [`cache`].
    pub fn cache_lookups(&self, api_id: &str) -> Failures {
        Failures::new([cache::HIT, cache::MISS, cache::WAITED, cache::STORE_FAILED], |outcome| {
            self.cache_lookups.with_label_values(&[api_id, outcome])
        })
    }

    /// Counts a reload.
    pub fn reloaded(&self, done: bool) {
        if done { self.reloads_done.inc() } else { self.reloads_failed.inc() }
    }

    /// All there is, and what others keep, in Prometheus's text format.
    ///
    /// # Errors
    /// When the library finds a family that is none; a defect of ours.
    pub fn text<'a>(
        &self,
        given: impl IntoIterator<Item = GivenSeries<'a>>,
    ) -> Result<String, prometheus::Error> {
        let mut families = self.registry.gather();
        families.extend(self.given_names.families(given));
        prometheus::TextEncoder::new().encode_to_string(&families)
    }
}

/// Adds a family to the registry.
fn registered<T: Collector + Clone + 'static>(registry: &Registry, family: prometheus::Result<T>) -> T {
    let family = family.expect("our own names are valid; a test makes them all");
    registry.register(Box::new(family.clone())).expect("our own names are different; a test makes them all");
    family
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use prometheus::proto::MetricType;

    use super::{Metrics, plugin, unserved, upstream};

    /// The rows of `docs/src/metrics.md` for all that is registered.
    fn rows(metrics: &Metrics) -> Vec<String> {
        let families = metrics.registry.gather();
        let row = |family: &prometheus::proto::MetricFamily| {
            let kind = match family.get_field_type() {
                MetricType::COUNTER => "counter",
                MetricType::GAUGE => "gauge",
                MetricType::HISTOGRAM => "histogram",
                other => panic!("{}: {other:?}", family.name()),
            };
            let labels: Vec<String> = family.get_metric()[0]
                .get_label()
                .iter()
                .map(|label| format!("`{}`", label.name()))
                .collect();
            format!("| `{}` | {kind} | {} | {} |", family.name(), labels.join(", "), family.help())
        };
        families.iter().map(row).collect()
    }

    #[test]
    fn the_page_has_all_of_them() {
        let metrics = Metrics::new();
        metrics.api("shop");
        metrics.script_failures("shop", ["timeout"]);
        metrics.script_processes(1, [("timeout", 1)]);
        metrics.plugin_failures("shop", "libshop.so", "greet");
        metrics.cache_lookups("shop");
        let page = include_str!("../../../../docs/src/metrics.md");
        let on_page: Vec<&str> = page.lines().filter(|line| line.starts_with("| `gatehouse_")).collect();
        let registered = rows(&metrics);
        assert_eq!(on_page, registered, "the table is to be:\n{}\n", registered.join("\n"));
        assert!(registered.iter().all(|row| row.starts_with("| `gatehouse_")), "{registered:?}");
    }

    #[test]
    fn the_same_names_are_the_same_counters() {
        let metrics = Metrics::new();
        for status in [StatusCode::OK, StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
            // As after a reload.
            metrics.api("shop").served(status, Duration::from_millis(3));
        }
        metrics.api("shop").upstream_failures.count(upstream::TIMEOUT);
        metrics.unserved.count(unserved::NO_ROUTE);
        metrics.plugin_failures("shop", "libshop.so", "greet").count(plugin::PANIC);
        metrics.script_failures("shop", ["memory", "timeout"]).count("timeout");
        metrics.reloaded(true);
        let text = metrics.text([]).unwrap();
        for line in [
            "# TYPE gatehouse_requests_total counter",
            r#"gatehouse_requests_total{api_id="shop",status_class="2xx"} 2"#,
            r#"gatehouse_requests_total{api_id="shop",status_class="4xx"} 1"#,
            r#"gatehouse_requests_total{api_id="shop",status_class="5xx"} 0"#,
            r#"gatehouse_request_duration_seconds_bucket{api_id="shop",le="0.0025"} 0"#,
            r#"gatehouse_request_duration_seconds_bucket{api_id="shop",le="0.005"} 3"#,
            r#"gatehouse_request_duration_seconds_count{api_id="shop"} 3"#,
            r#"gatehouse_upstream_failures_total{api_id="shop",kind="timeout"} 1"#,
            r#"gatehouse_unserved_requests_total{reason="no_route"} 1"#,
            r#"gatehouse_plugin_failures_total{api_id="shop",function="greet",plugin="libshop.so",reason="panic"} 1"#,
            r#"gatehouse_script_failures_total{api_id="shop",class="timeout"} 1"#,
            r#"gatehouse_script_failures_total{api_id="shop",class="memory"} 0"#,
            r#"gatehouse_reloads_total{outcome="success"} 1"#,
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
        }
    }
}
