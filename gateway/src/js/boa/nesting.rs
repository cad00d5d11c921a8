//! How deep brackets may lie in a source: Boa's parser is recursive and overflows the thread's stack on more.

use boa_engine::{Context, JsNativeError, JsResult, JsString, context::HostHooks, realm::Realm};

/// Brackets that may be open at the same time; one takes some 10 KB of stack in the parser.
const MAX_OPEN: usize = 2_000;

/// What a source with more of them is told.
pub(super) const TOO_DEEP: &str = "SyntaxError: brackets are nested too deep";

/// Whether the parser can take the text. Brackets in strings count too, which no real source has so many of.
pub(super) fn is_parsable(units: impl IntoIterator<Item = u16>) -> bool {
    let mut open = 0_usize;
    for unit in units {
        match u8::try_from(unit) {
            Ok(b'(' | b'[' | b'{') => open += 1,
            Ok(b')' | b']' | b'}') => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_OPEN {
            return false;
        }
    }
    true
}

/// Looks at sources that scripts make themselves.
pub(super) struct EvalHooks;

impl HostHooks for EvalHooks {
    fn ensure_can_compile_strings(
        &self,
        _: Realm,
        parameters: &[JsString],
        body: &JsString,
        _: bool,
        _: &mut Context,
    ) -> JsResult<()> {
        if parameters.iter().chain([body]).all(|text| is_parsable(text.iter())) {
            return Ok(());
        }
        Err(JsNativeError::syntax().with_message(TOO_DEEP.trim_start_matches("SyntaxError: ")).into())
    }
}
