//! What scripts can call: every host function once, and the host of a running call.
//!
//! A driver binds [`HOST_FUNCTIONS`] into its global object; [`ScriptHost`] answers. Functions take and give
//! text only.

use std::sync::Arc;

use super::{
    engine::{Deadline, ErrorClass, Host, HostReturn, ScriptError},
    go_base64::{self, Padding},
    outbound::{CallFailure, Outbound},
    pool::Slot,
    script_log::ScriptLog,
    store::ScriptStore,
};
use crate::rehearsal::Rehearsal;

/// A function that scripts find in their global object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum HostFunction {
    /// A log line.
    Log,
    /// A line of its own, without a frame.
    RawLog,
    /// Base64 with padding.
    Base64Encode,
    /// Text of base64, with padding or without.
    Base64Decode,
    /// Base64 without padding.
    RawBase64Encode,
    /// Text of base64 without padding.
    RawBase64Decode,
    /// One outbound HTTP call.
    HttpRequest,
    /// Several outbound HTTP calls.
    BatchRequest,
    /// Session of a key.
    GetKeyData,
    /// Writes the session of a key.
    SetKeyData,
    /// Value in the scripts' storage.
    StorageGet,
    /// Writes a value in the scripts' storage.
    StorageSet,
    /// Writes a value unless there is one.
    StorageSetNx,
    /// Removes a value.
    StorageDelete,
    /// Time that a value still has.
    StorageTtl,
    /// Counts a value up.
    StorageIncrement,
}

/// One row of [`HOST_FUNCTIONS`].
#[derive(Debug, Clone, Copy)]
pub struct HostFunctionEntry {
    /// Name in the global object.
    pub name: &'static str,
    /// What it does.
    pub function: HostFunction,
    /// How many arguments it takes; further ones are not looked at.
    pub arguments: usize,
}

const fn entry(name: &'static str, function: HostFunction, arguments: usize) -> HostFunctionEntry {
    HostFunctionEntry { name, function, arguments }
}

/// Every host function.
pub const HOST_FUNCTIONS: [HostFunctionEntry; 16] = [
    entry("log", HostFunction::Log, 1),
    entry("rawlog", HostFunction::RawLog, 1),
    entry("b64enc", HostFunction::Base64Encode, 1),
    entry("b64dec", HostFunction::Base64Decode, 1),
    entry("rawb64enc", HostFunction::RawBase64Encode, 1),
    entry("rawb64dec", HostFunction::RawBase64Decode, 1),
    entry("TykMakeHttpRequest", HostFunction::HttpRequest, 1),
    entry("TykBatchRequest", HostFunction::BatchRequest, 1),
    entry("TykGetKeyData", HostFunction::GetKeyData, 2),
    entry("TykSetKeyData", HostFunction::SetKeyData, 3),
    entry("TykStorageGet", HostFunction::StorageGet, 1),
    entry("TykStorageSet", HostFunction::StorageSet, 3),
    entry("TykStorageSetNX", HostFunction::StorageSetNx, 3),
    entry("TykStorageDel", HostFunction::StorageDelete, 1),
    entry("TykStorageTTL", HostFunction::StorageTtl, 1),
    entry("TykStorageIncr", HostFunction::StorageIncrement, 2),
];

impl HostFunction {
    /// Whether it asks something outside the script, so that a second call could answer otherwise.
    pub fn reaches_out(self) -> bool {
        !matches!(
            self,
            Self::Log
                | Self::RawLog
                | Self::Base64Encode
                | Self::Base64Decode
                | Self::RawBase64Encode
                | Self::RawBase64Decode
        )
    }

    /// The name in the global object.
    pub fn name(self) -> &'static str {
        HOST_FUNCTIONS.iter().find(|entry| entry.function == self).map_or("", |entry| entry.name)
    }
}

/// The functions whose answer depends on the argument alone; `None` for the others.
pub fn text_function(function: HostFunction, arguments: &[String]) -> Option<HostReturn> {
    // Tyk converts a missing argument too: b64enc() is the base64 of "undefined".
    let text = arguments.first().map_or("undefined", String::as_str);
    let decoded = |text: Option<String>| text.map_or(HostReturn::Undefined, HostReturn::Text);
    let bare = || go_base64::decode_text(text, Padding::None);
    match function {
        HostFunction::Base64Encode => {
            Some(HostReturn::Text(go_base64::encode(text.as_bytes(), Padding::Required)))
        }
        HostFunction::RawBase64Encode => {
            Some(HostReturn::Text(go_base64::encode(text.as_bytes(), Padding::None)))
        }
        // Tyk forgives padding that is missing, though not in rawb64dec padding that is there.
        HostFunction::Base64Decode => {
            Some(decoded(go_base64::decode_text(text, Padding::Required).or_else(bare)))
        }
        HostFunction::RawBase64Decode => Some(decoded(bare())),
        _ => None,
    }
}

/// The host of one call (or of one load).
pub struct ScriptHost {
    outbound: Arc<Outbound>,
    store: Option<ScriptStore>,
    slot: Option<Slot>,
    log: ScriptLog,
    deadline: Deadline,
    calls: u32,
    calls_left: u32,
    rehearsal: Option<Arc<Rehearsal>>,
}

impl ScriptHost {
    /// A host for one call of the API's program, which may make so many outbound calls; without a slot, functions that reach
    /// out are answered by [`ScriptHost::wait_for`] only.
    pub fn new(
        outbound: Arc<Outbound>,
        slot: Option<Slot>,
        log: ScriptLog,
        deadline: Deadline,
        calls: u32,
    ) -> Self {
        Self { outbound, store: None, slot, log, deadline, calls, calls_left: calls, rehearsal: None }
    }

    /// With keys and script storage.
    pub fn with_store(mut self, store: Option<ScriptStore>) -> Self {
        self.store = store;
        self
    }

    /// For a rehearsal, which notes what the script writes and how it uses the store.
    pub fn rehearsed(mut self, rehearsal: Option<Arc<Rehearsal>>) -> Self {
        self.log = self.log.rehearsed(rehearsal.clone());
        self.rehearsal = rehearsal;
        self
    }

    /// The script begins to run only now.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Answers a function that reaches out, on the task of the request.
    pub async fn wait_for(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        if self.deadline.passed() {
            return HostReturn::Abort(self.deadline.error());
        }
        match function {
            HostFunction::HttpRequest | HostFunction::BatchRequest => self.http(function, arguments).await,
            _ => self.stored(function, arguments).await,
        }
    }

    async fn stored(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        let Some(store) = &self.store else {
            return HostReturn::Throw(format!("{}: there is no store here", function.name()));
        };
        let answer = match store.call(function, arguments, self.deadline).await {
            Ok(answer) => answer,
            Err(reason) => {
                self.log.note(function.name(), &reason);
                HostReturn::Undefined
            }
        };
        if let Some(rehearsal) = &self.rehearsal {
            rehearsal.used_store(function.name(), arguments, &answer.shown());
        }
        answer
    }

    async fn http(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        let argument = arguments.first().map_or("", String::as_str);
        let answer = match function {
            HostFunction::BatchRequest => {
                self.outbound.batch(argument, self.deadline, &mut self.calls_left).await
            }
            _ => self.outbound.request(argument, self.deadline, &mut self.calls_left).await,
        };
        match answer {
            Ok(text) => HostReturn::Text(text),
            Err(CallFailure::Undefined(reason)) => {
                self.log.note(function.name(), &reason);
                HostReturn::Undefined
            }
            Err(CallFailure::Deadline) => HostReturn::Abort(self.deadline.error()),
            Err(CallFailure::NotRecorded(reason)) => {
                HostReturn::Abort(ScriptError::new(ErrorClass::Calls, reason))
            }
            Err(CallFailure::TooMany) => HostReturn::Abort(ScriptError::new(
                ErrorClass::Calls,
                format!("made more than {} outbound calls", self.calls),
            )),
        }
    }
}

impl Host for ScriptHost {
    fn while_waiting(&mut self, wait: &mut dyn FnMut()) {
        match &self.slot {
            Some(slot) => slot.while_waiting(wait),
            None => wait(),
        }
    }

    fn call(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        // Loops inside native callbacks, which the engine's own budget does not see, end here.
        if self.deadline.passed() {
            return HostReturn::Abort(self.deadline.error());
        }
        if let Some(text) = text_function(function, arguments) {
            return text;
        }
        let text = arguments.first().map_or("undefined", String::as_str);
        match function {
            HostFunction::Log => self.log.line(text),
            HostFunction::RawLog => self.log.raw(text),
            _ => {
                let Some(slot) = self.slot.clone() else {
                    let message = format!("{} was called on a thread that must not block", function.name());
                    return HostReturn::Abort(ScriptError::new(ErrorClass::Engine, message));
                };
                let handle = self.outbound.handle().clone();
                // Others run while this thread waits.
                return slot.while_waiting(|| handle.block_on(self.wait_for(function, arguments)));
            }
        }
        HostReturn::Undefined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(function: HostFunction, argument: Option<&str>) -> Option<String> {
        let arguments: Vec<String> = argument.into_iter().map(str::to_owned).collect();
        match text_function(function, &arguments) {
            Some(HostReturn::Text(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn a_missing_argument_is_the_word_undefined() {
        assert_eq!(text(HostFunction::Base64Encode, None).as_deref(), Some("dW5kZWZpbmVk"));
        assert_eq!(text(HostFunction::Base64Decode, None), None);
    }

    #[test]
    fn missing_padding_is_forgiven() {
        for (function, padded) in
            [(HostFunction::Base64Decode, Some("a")), (HostFunction::RawBase64Decode, None)]
        {
            assert_eq!(text(function, Some("YQ")).as_deref(), Some("a"));
            assert_eq!(text(function, Some("YQ==")).as_deref(), padded);
            assert_eq!(text(function, Some("Y")), None);
        }
    }

    #[test]
    fn each_function_stands_once_in_the_table() {
        for entry in HOST_FUNCTIONS {
            assert_eq!(entry.function.name(), entry.name);
        }
    }
}
