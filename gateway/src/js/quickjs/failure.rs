//! Failures of the engine in the words of the seam.

use gatehouse_quickjs::{Failure, FailureKind};

use crate::js::engine::{Deadline, ErrorClass, Position, ScriptError};

/// What a script's failure is called.
pub(super) fn of_script(failure: Failure, deadline: Deadline) -> ScriptError {
    let Failure { kind, message, frames } = failure;
    let (class, message) = match kind {
        FailureKind::Timeout => return deadline.error(),
        FailureKind::Syntax => (ErrorClass::Syntax, message),
        FailureKind::Exception => (ErrorClass::Exception, message),
        FailureKind::Memory => (ErrorClass::Memory, message),
        FailureKind::MissingFunction => (ErrorClass::MissingFunction, format!("function {message}")),
        FailureKind::NotText => {
            (ErrorClass::BadResult, format!("returned {message}; return TykJsResponse(...)"))
        }
        FailureKind::TooLong => (ErrorClass::Output, message),
        FailureKind::Ended | FailureKind::Engine => (ErrorClass::Engine, message),
    };
    let position = frames.iter().find_map(|frame| frame.place.as_ref());
    let position = position.map(|(source, line, column)| Position {
        source: source.as_str().into(),
        line: *line,
        column: *column,
    });
    let stack = frames.iter().map(ToString::to_string).collect();
    ScriptError {
        class,
        message,
        position,
        stack: if class == ErrorClass::Syntax { Vec::new() } else { stack },
    }
}

/// A defect of ours.
pub(super) fn engine(message: &str) -> ScriptError {
    ScriptError::new(ErrorClass::Engine, message)
}
