//! What one call of a script may use.

use std::time::Duration;

use super::engine::{CallBounds, Deadline};
use crate::{apidef::model::ScriptBudget, config::settings::JavaScriptSettings};

/// What one call may use; each has a reason of its own by which it ends ([`ErrorClass`](super::engine::ErrorClass)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Wall time, host calls included.
    pub time: Duration,
    /// Bytes of memory.
    pub memory_bytes: usize,
    /// Outbound calls.
    pub outbound_calls: u32,
    /// Bytes of the text that it returns.
    pub response_bytes: usize,
}

impl Budget {
    /// What the gateway's settings give to every call.
    pub fn of_gateway(settings: &JavaScriptSettings) -> Self {
        Self {
            time: settings.timeout,
            memory_bytes: settings.memory_bytes,
            outbound_calls: settings.outbound_calls,
            response_bytes: settings.response_bytes,
        }
    }

    /// The same with what a definition says instead.
    #[must_use]
    pub fn with(self, said: &ScriptBudget) -> Self {
        Self {
            time: said.time.unwrap_or(self.time),
            memory_bytes: said.memory_bytes.unwrap_or(self.memory_bytes),
            outbound_calls: said.outbound_calls.unwrap_or(self.outbound_calls),
            response_bytes: said.response_bytes.unwrap_or(self.response_bytes),
        }
    }

    /// The bounds of a call that begins now.
    pub fn from_now(&self) -> CallBounds {
        CallBounds {
            deadline: Deadline::after(self.time),
            memory_bytes: self.memory_bytes,
            response_bytes: self.response_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_definition_says_comes_before_what_the_gateway_gives() {
        let gateway = Budget {
            time: Duration::from_secs(5),
            memory_bytes: 32 << 20,
            outbound_calls: 64,
            response_bytes: 1 << 20,
        };
        let api =
            ScriptBudget { outbound_calls: Some(3), memory_bytes: Some(8 << 20), ..ScriptBudget::default() };
        let endpoint = ScriptBudget { outbound_calls: Some(0), ..ScriptBudget::default() };
        let budget = gateway.with(&api).with(&endpoint);
        assert_eq!(budget, Budget { outbound_calls: 0, memory_bytes: 8 << 20, ..gateway });
    }
}
