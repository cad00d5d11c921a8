//! The numbers that cross the boundary. Each list may grow at its end within a major version; none is reused.

/// What kind of function a descriptor is for.
pub mod kind {
    /// An endpoint, or a `pre`, `post_key_auth` or `post` hook.
    pub const REQUEST: u32 = 1;
    /// Authentication.
    pub const AUTH: u32 = 2;
    /// A hook that sees the upstream's answer.
    pub const RESPONSE: u32 = 3;
    /// A hook that sees the analytics record.
    pub const ANALYTICS: u32 = 4;
}

/// How a function is run.
pub mod mode {
    /// At once, on the thread that serves the request.
    pub const SYNC: u32 = 1;
    /// As a future on the gateway's runtime.
    pub const ASYNC: u32 = 2;
    /// On a thread where it may block.
    pub const BLOCKING: u32 = 3;
}

/// Bits of a descriptor.
pub mod flag {
    /// The function does not look at the request's body, which then need not be in memory.
    pub const NO_BODY: u32 = 1;
}

/// Bits of a [`Pair`](crate::Pair).
pub mod pair {
    /// The name is never freed or changed.
    pub const STATIC_NAME: u32 = 1;
    /// The value is never freed or changed.
    pub const STATIC_VALUE: u32 = 2;
}

/// How the panics of a plugin end.
pub mod panic {
    /// They unwind and can be caught.
    pub const UNWIND: u32 = 1;
    /// They end the process.
    pub const ABORT: u32 = 2;
}

/// What a call came to.
pub mod status {
    /// The request goes on.
    pub const CONTINUE: u32 = 0;
    /// The plugin answered, through `respond`.
    pub const RESPONDED: u32 = 1;
    /// Authentication: the caller is let in, with the session given through `put`.
    pub const ALLOWED: u32 = 2;
    /// Authentication: the caller is refused, as told through `put`.
    pub const DENIED: u32 = 3;
    /// The function gave an error, told through `put`.
    pub const FAILED: u32 = 4;
    /// The function panicked, told through `put`.
    pub const PANICKED: u32 = 5;
}

/// What a poll of a foreign future came to.
pub mod poll {
    /// Not yet.
    pub const PENDING: u32 = 0;
    /// The result has been written.
    pub const READY: u32 = 1;
    /// It panicked; nothing has been written.
    pub const PANICKED: u32 = 2;
}

/// Answers of functions that may refuse.
pub mod answer {
    /// Done.
    pub const DONE: u32 = 0;
    /// The name is not one that HTTP allows.
    pub const BAD_NAME: u32 = 1;
    /// The value is not one that HTTP allows.
    pub const BAD_VALUE: u32 = 2;
    /// There is no session to change.
    pub const NO_SESSION: u32 = 3;
    /// This cannot be done in this kind of function, or this gateway does not know it.
    pub const NOT_HERE: u32 = 4;
    /// The gateway failed.
    pub const FAILED: u32 = 5;
}

/// What is done to a header.
pub mod header {
    /// Replaces all values of the name.
    pub const SET: u32 = 1;
    /// Adds a value.
    pub const APPEND: u32 = 2;
    /// Takes all values out.
    pub const REMOVE: u32 = 3;
}

/// What `fact` is asked for: unchangeable during a call.
pub mod fact {
    /// Id of the request.
    pub const REQUEST_ID: u32 = 1;
    /// Socket address of the client.
    pub const CLIENT: u32 = 2;
    /// `http` or `https`.
    pub const SCHEME: u32 = 3;
    /// Id of the API.
    pub const API_ID: u32 = 4;
    /// Name of the API.
    pub const API_NAME: u32 = 5;
    /// Organisation of the API.
    pub const ORGANISATION: u32 = 6;
    /// Listen path of the API.
    pub const LISTEN_PATH: u32 = 7;
    /// Configuration for this place in the definition, as JSON; absent when there is none.
    pub const CONFIG: u32 = 8;
    /// `config_data` of the API, as JSON.
    pub const CONFIG_DATA: u32 = 9;
    /// The API definition, as JSON.
    pub const DEFINITION: u32 = 10;
}

/// What `lookup` and `put` are about: may change during a call. All but texts are JSON.
pub mod item {
    /// The session as a whole.
    pub const SESSION: u32 = 1;
    /// One value of the session's metadata, by its key; put absent, it is taken out.
    pub const METADATA: u32 = 2;
    /// The analytics record.
    pub const RECORD: u32 = 3;
    /// A header for whatever answer goes out, replacing one of that name.
    pub const SET_RESPONSE_HEADER: u32 = 4;
    /// A header for whatever answer goes out, next to those there.
    pub const APPEND_RESPONSE_HEADER: u32 = 5;
    /// Why the caller is refused: status as text in the key, message in the value.
    pub const DENIAL: u32 = 6;
    /// The error that the function gave: message in the value.
    pub const ERROR: u32 = 7;
    /// The panic of the function: place in the key, message in the value.
    pub const PANIC: u32 = 8;
}

/// Levels of a log line.
pub mod level {
    /// For following single steps.
    pub const TRACE: u32 = 1;
    /// For finding faults.
    pub const DEBUG: u32 = 2;
    /// Worth knowing.
    pub const INFO: u32 = 3;
    /// Worth looking at.
    pub const WARN: u32 = 4;
    /// Something failed.
    pub const ERROR: u32 = 5;
}

/// Kinds of metrics.
pub mod metric {
    /// A sum that grows.
    pub const COUNTER: u32 = 1;
    /// A distribution of values.
    pub const HISTOGRAM: u32 = 2;
}

/// Operations on the store.
pub mod storage {
    /// Reads a value.
    pub const GET: u32 = 1;
    /// Writes a value; the number is its life in milliseconds, 0 for ever.
    pub const SET: u32 = 2;
    /// Writes a value that is not there yet; answers 1 or 0.
    pub const SET_IF_ABSENT: u32 = 3;
    /// Takes a value out; answers 1 or 0.
    pub const DELETE: u32 = 4;
    /// Milliseconds that a value has left; -1 without an end, -2 without a value.
    pub const TIME_TO_LIVE: u32 = 5;
    /// Adds the number to a counter and answers the sum.
    pub const INCREMENT: u32 = 6;
}

/// Kinds of answers of the store.
pub mod stored {
    /// Nothing there.
    pub const NOTHING: u32 = 0;
    /// The buffer holds the value.
    pub const VALUE: u32 = 1;
    /// The number is the answer.
    pub const NUMBER: u32 = 2;
    /// The buffer holds the reason of a failure.
    pub const ERROR: u32 = 3;
}
