//! What calls of scripts may use: `gatehouse.javascript` at the top of a definition, and where it names a virtual endpoint.

use std::time::Duration;

use serde::Deserialize;

use super::{Problems, model::ScriptBudget};
use crate::config::settings::script_ranges::{CALLS, MEMORY_BYTES, RESPONSE_BYTES};

/// Seconds of the longest call: a day, as for settings.
const MOST_SECONDS: f64 = 86_400.0;

/// `gatehouse`, our own object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::apidef) struct Gatehouse {
    pub(in crate::apidef) javascript: JavaScript,
}

/// `gatehouse.javascript`; what is absent is as the API, or the gateway, has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::apidef) struct JavaScript {
    /// Seconds.
    pub(in crate::apidef) timeout: Option<f64>,
    pub(in crate::apidef) max_memory_bytes: Option<u64>,
    pub(in crate::apidef) max_outbound_calls: Option<u64>,
    pub(in crate::apidef) max_response_bytes: Option<u64>,
}

impl JavaScript {
    /// Checks it; `field` is where the object with it stands, with a dot after it unless it is the definition itself.
    pub(in crate::apidef) fn checked(&self, field: &str, problems: &mut Problems) -> ScriptBudget {
        let time = self.timeout.and_then(|seconds| {
            let time = Duration::try_from_secs_f64(seconds).ok();
            let time = time.filter(|time| seconds <= MOST_SECONDS && *time >= Duration::from_millis(1));
            if time.is_none() {
                problems.refuse(
                    format!("{field}gatehouse.javascript.timeout"),
                    format!("is {seconds}; it is a number of seconds from 0.001 to {MOST_SECONDS}"),
                );
            }
            time
        });
        let mut within = |name: &str, value: Option<u64>, (least, most): (u64, u64)| {
            let value = value?;
            if (least..=most).contains(&value) {
                return usize::try_from(value).ok();
            }
            problems.refuse(
                format!("{field}gatehouse.javascript.{name}"),
                format!("is {value}; it is a whole number from {least} to {most}"),
            );
            None
        };
        let calls = within("max_outbound_calls", self.max_outbound_calls, CALLS);
        ScriptBudget {
            time,
            memory_bytes: within("max_memory_bytes", self.max_memory_bytes, MEMORY_BYTES),
            outbound_calls: calls.and_then(|calls| u32::try_from(calls).ok()),
            response_bytes: within("max_response_bytes", self.max_response_bytes, RESPONSE_BYTES),
        }
    }
}
