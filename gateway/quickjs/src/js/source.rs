//! Texts as the engine reads them.

use std::ffi::{CStr, CString};

use crate::{
    engine::Source,
    failure::{Failure, FailureKind},
};

/// Name of the source through which functions are called; left out of stacks.
pub(super) const CALL_SOURCE: &CStr = c"gatehouse:call";

/// A source as the engine reads it: both end in a zero byte.
pub(crate) struct Text {
    pub(super) name: CString,
    pub(super) text: Vec<u8>,
    pub(super) hidden: bool,
}

impl Text {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let name: Vec<u8> = name.bytes().filter(|byte| *byte != 0).collect();
        let mut text = text.as_bytes().to_vec();
        text.push(0);
        Self { name: CString::new(name).unwrap_or_default(), text, hidden: false }
    }

    fn of_call(text: String) -> Self {
        let mut text = text.into_bytes();
        text.push(0);
        Self { name: CALL_SOURCE.to_owned(), text, hidden: true }
    }
}

impl From<&Source> for Text {
    fn from(source: &Source) -> Self {
        Self::new(&source.name, &source.text)
    }
}

/// Sources that ask for a function and call it.
pub(crate) struct CallTexts {
    pub(super) probe: Text,
    pub(super) call: Text,
}

impl CallTexts {
    /// For a function named by any expression, such as `handlers.inner.go`. Only a source finds what `let`, `const` and
    /// `class` declare at the top level.
    ///
    /// The function gets this many arguments, so that its `arguments` has no more.
    pub(crate) fn new(function: &str, count: usize) -> Self {
        let names: Vec<String> = (0..count).map(|index| format!("$a_{index}")).collect();
        let names = names.join(",");
        Self {
            probe: Text::of_call(format!("typeof {function}===\"function\"")),
            call: Text::of_call(format!("(function({names}){{return {function}({names})}})")),
        }
    }
}

/// Text that ends in a zero byte.
pub(crate) fn c_text(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure::new(FailureKind::Engine, "JSON with a zero byte in it"))
}
