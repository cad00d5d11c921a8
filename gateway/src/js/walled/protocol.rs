//! What the gateway and a process of scripts say to each other: frames of a length and a message in postcard's form.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    config::settings::DriverName,
    js::{
        engine::{Call, HostReturn, LoadedProgram, Program, ScriptError},
        host::HostFunction,
    },
};

/// Bytes of the longest order: no body that is held in memory is longer.
pub(super) const MOST_BYTES: u32 = 1 << 31;

/// What the gateway says.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "nearly all orders are the large one, and none is kept")]
pub(super) enum Order<'a> {
    /// The first one: what it is, and whose child. Answered with [`Report::Ready`].
    Begin {
        /// The engine.
        driver: DriverName,
        /// Process id of the gateway.
        parent: u32,
    },
    /// Run a program's sources for the first time.
    Load {
        /// The program.
        program: Arc<Program>,
        /// Time for all of them.
        limit: Duration,
    },
    /// Make a VM of a loaded program.
    Make {
        /// What the program is called from now on.
        id: u64,
        /// The program.
        loaded: Arc<LoadedProgram>,
    },
    /// Call a function of a program.
    Call {
        /// The program.
        id: u64,
        /// The call.
        call: Cow<'a, Call>,
        /// Time that is left of its limit.
        left: Duration,
        /// The limit, for the message.
        limit: Duration,
        /// Bytes of memory that it may take.
        memory_bytes: usize,
        /// Bytes of the text that it may return.
        response_bytes: usize,
    },
    /// What a host function gives back.
    Answer(HostReturn),
    /// Drop a program's VM.
    Forget {
        /// The program.
        id: u64,
    },
}

/// What a process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// A script calls a host function; there is an [`Order::Answer`] unless it is a log line.
    HostCall {
        /// The function.
        function: HostFunction,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// What became of a program's sources.
    Loaded(Result<Vec<(usize, ScriptError)>, ScriptError>),
    /// Whether there is a VM of the program.
    Made(Result<(), ScriptError>),
    /// What a function returned.
    Returned(Result<String, ScriptError>),
    /// It is as it was before the last load or call, and takes the next order.
    Ready {
        /// Bytes that it has taken since its start, used or not.
        grown_bytes: u64,
        /// The VM that was used is still there.
        kept: bool,
    },
}

/// Writes one frame.
pub(super) fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut frame = postcard::to_extend(message, vec![0; size_of::<u32>()]).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - size_of::<u32>()).ok().filter(|length| *length <= MOST_BYTES);
    let length = length.ok_or_else(|| io::Error::other("a message of more than 2 GB"))?;
    frame[..size_of::<u32>()].copy_from_slice(&length.to_le_bytes());
    stream.write_all(&frame)
}

/// Reads one frame of at most so many bytes. Only what comes in takes memory, whatever length it claims.
pub(super) fn read<T: DeserializeOwned>(stream: &mut impl Read, most: u32) -> io::Result<T> {
    let mut length = [0; size_of::<u32>()];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    let nonsense = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    if length > most {
        return Err(nonsense(format!("a frame of {length} bytes")));
    }
    let mut frame = Vec::with_capacity(length.min(64 << 10) as usize);
    stream.by_ref().take(u64::from(length)).read_to_end(&mut frame)?;
    if frame.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&frame).map_err(|error| nonsense(error.to_string()))
}
