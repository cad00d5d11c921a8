//! QuickJS in a private arena: runs that can be suspended, moved between threads, dropped, and leave no trace.
//!
//! An [`Engine`] says what scripts find in their global object. An [`Arena`] is one engine in its own memory; it loads
//! [`Program`]s and runs their functions, one at a time, and is byte for byte as it was after each. A [`Run`] comes back
//! where it asks the host something and where its time slice is over, and goes on from there on any thread, or never.
//! While it waits for long, it can be taken out of its arena ([`Run::park`]).
//!
//! ```
//! # use std::{sync::Arc, time::Duration};
//! # use gatehouse_quickjs::{Arena, Engine, HostReply, Program, Source, Step, Value};
//! let mut arena = Arena::new(&Arc::new(Engine::default()))?;
//! let text = "var n = 0; function f(name) { n++; return 'hello ' + name + ' ' + n; }";
//! let program = Arc::new(Program::new(vec![Source { name: "hello.js".into(), text: text.into() }]));
//! arena.load(&program, None, &mut |_, _| HostReply::End)?;
//! for _ in 0..2 {
//!     let arguments = [Value::Text("you"), Value::Undefined, Value::Undefined];
//!     let mut run = arena.start(&program, &"f".into(), &arguments, 1, 1 << 20).map_err(|not| not.failure)?;
//!     let Step::Done(result) = run.resume(Duration::from_secs(1)) else { panic!("it asks for nothing") };
//!     assert_eq!(result?, "hello you 1");
//!     arena = run.finish();
//! }
//! # Ok::<(), gatehouse_quickjs::Failure>(())
//! ```
//!
//! | Module | |
//! |---|---|
//! | `arena` | images and deltas: what an arena holds, for which program, and how it gets back there |
//! | `run` | a call from start to end, parked or not |
//! | `engine`, `value`, `failure` | what callers say and hear |
//! | `js`, `native` | the engine's C interface, both ways |
//! | `json`, `envelope` | JSON without the engine's detours; that of what scripts answer |
//! | `heap`, `reservation`, `image`, `dirty` | memory: allocator, address range, differences, what was written to |
//! | `coroutine`, `control`, `preempt` | stacks: switching, what native code finds, slices that hold everywhere |

mod arena;
mod control;
mod coroutine;
mod dirty;
mod engine;
mod envelope;
mod failure;
mod heap;
mod image;
mod js;
mod json;
mod native;
mod preempt;
mod reservation;
mod run;
mod value;

pub use self::{
    arena::{Arena, HostReply, NotStarted},
    control::Answer,
    engine::{Engine, Envelope, Field, FieldKind, Function, LazyGlobal, Program, Source},
    failure::{Failure, FailureKind, Frame},
    preempt::{stops_native_loops, thread_time},
    run::{Parked, Run, Step},
    value::Value,
};
