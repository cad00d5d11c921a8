//! What is as it is at the moment: set when somebody asks, not when it changes.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Gauge, IntGauge, Opts, Registry};

use super::registered;

/// All gauges.
#[derive(Debug)]
pub struct Levels {
    /// Requests being served, and records in analytics hooks.
    pub in_flight: IntGauge,
    /// Script threads.
    pub script_threads: IntGauge,
    /// Script threads that were given up and have not ended.
    pub script_threads_given_up: IntGauge,
    /// Calls that run.
    pub script_calls_running: IntGauge,
    /// Calls that wait for a host call.
    pub script_calls_waiting: IntGauge,
    /// Calls that wait for a thread.
    pub script_calls_queued: IntGauge,
    /// Plugins in memory.
    pub plugins_loaded: IntGauge,
    /// Series that plugins keep.
    pub plugin_series: IntGauge,
    /// Answers in the response cache.
    pub cache_answers: IntGauge,
    /// Their bytes.
    pub cache_bytes: IntGauge,
    /// APIs that are served.
    pub apis_served: IntGauge,
    /// Definitions that are not.
    pub definitions_refused: IntGauge,
    /// Sources that did not load.
    pub script_sources_failed: IntGauge,
    /// Places that name a function which did not load.
    pub plugin_functions_failed: IntGauge,
    /// 1 when the gateway should get requests.
    pub ready: IntGauge,
}

impl Levels {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauge = |name, help| registered(registry, IntGauge::new(name, help));
        let build = Opts::new("gatehouse_build_info", "Always 1; the version is in the label.");
        let build = build.const_label("version", env!("CARGO_PKG_VERSION"));
        registered(registry, IntGauge::with_opts(build)).set(1);
        let started = Gauge::new(
            "gatehouse_start_time_seconds",
            "When this process started, in seconds since 1970: counters are 0 then, also after a crash.",
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        registered(registry, started).set(now.as_secs_f64());
        Self {
            in_flight: gauge(
                "gatehouse_requests_in_flight",
                "Requests whose answer has not gone out whole, and records in analytics hooks.",
            ),
            script_threads: gauge("gatehouse_script_threads", "Script threads, idle ones too."),
            script_threads_given_up: gauge(
                "gatehouse_script_threads_given_up",
                "Script threads whose call overstayed its time and has not ended yet.",
            ),
            script_calls_running: gauge("gatehouse_script_calls_running", "Calls of scripts that run."),
            script_calls_waiting: gauge(
                "gatehouse_script_calls_waiting",
                "Calls of scripts that wait in a host call, or to go on after one.",
            ),
            script_calls_queued: gauge(
                "gatehouse_script_calls_queued",
                "Calls of scripts that wait for a thread.",
            ),
            plugins_loaded: gauge(
                "gatehouse_plugins_loaded",
                "Plugins in memory, those that a reload replaced too.",
            ),
            plugin_series: gauge(
                "gatehouse_plugin_series",
                "Series that plugins keep; once there are 10000, further ones are not counted.",
            ),
            cache_answers: gauge("gatehouse_cache_answers", "Answers in the response cache."),
            cache_bytes: gauge("gatehouse_cache_bytes", "Bytes of the answers in the response cache."),
            apis_served: gauge("gatehouse_apis_served", "APIs that are served, internal ones too."),
            definitions_refused: gauge(
                "gatehouse_definitions_refused",
                "Definitions that are not served since the last load, because something is wrong with them.",
            ),
            script_sources_failed: gauge(
                "gatehouse_script_sources_failed",
                "Sources of scripts that did not load.",
            ),
            plugin_functions_failed: gauge(
                "gatehouse_plugin_functions_failed",
                "Places in definitions that name a function of a plugin which did not load.",
            ),
            ready: gauge("gatehouse_ready", "1 when `/ready` answers 200, else 0."),
        }
    }

    /// Notes what of the definitions does not run since they were loaded.
    pub fn loaded(&self, refused: usize, failed_sources: usize, failed_plugins: usize) {
        set(&self.definitions_refused, refused);
        set(&self.script_sources_failed, failed_sources);
        set(&self.plugin_functions_failed, failed_plugins);
    }
}

/// Sets a gauge to a number of things.
pub fn set(gauge: &IntGauge, things: usize) {
    gauge.set(i64::try_from(things).unwrap_or(i64::MAX));
}
