//! Heads of the answers of virtual endpoints.

use std::{
    cell::{OnceCell, RefCell},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    js::{
        engine::{ErrorClass, ScriptError},
        response::VirtualResponse,
    },
    reply::{
        content_type, header_map,
        heads::{Head, HeadParts, Heads},
    },
};

/// Header lines of an answer; a map of headers holds no more than some 30,000 and panics.
const MOST_HEADERS: usize = 4_096;
/// Bytes of `Headers` that are worth keeping.
const LONGEST: usize = 2_048;

thread_local! {
    static HEADS: RefCell<Option<Heads<Kept>>> = const { RefCell::new(None) };
}

/// The head of a script's answer, completed with this server when there is one.
///
/// # Errors
/// When `Headers` is not an object of header values, or has too many.
pub(super) fn of(answer: &VirtualResponse, server: Option<&HeaderValue>) -> Result<Head, ScriptError> {
    let parts = Parts { answer, server, sniffed: OnceCell::new() };
    let make = || {
        let mut head = Head { headers: read(answer)?, is_complete: false };
        if let Some(server) = server {
            if !head.headers.contains_key(header::CONTENT_TYPE)
                && let Some(content_type) = parts.sniffed()
            {
                head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            head.complete(server);
        }
        Ok(head)
    };
    if answer.headers_text().len() > LONGEST {
        return make();
    }
    HEADS.with_borrow_mut(|heads| heads.get_or_insert_default().get(&parts, make))
}

fn read(answer: &VirtualResponse) -> Result<HeaderMap, ScriptError> {
    let read = answer.headers()?;
    let lines = read.iter().map(|(_, values)| values.len()).sum::<usize>();
    if lines > MOST_HEADERS {
        let message = format!("returned {lines} header lines; {MOST_HEADERS} are the most");
        return Err(ScriptError::new(ErrorClass::Output, message));
    }
    let mut headers = header_map::with_room(lines);
    for (name, values) in read {
        // As in Tyk, a name or value that HTTP does not allow is left out.
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        // The length is the body's, whatever the script says.
        if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING || name == header::DATE {
            continue;
        }
        for (index, value) in values.iter().enumerate() {
            let Ok(value) = HeaderValue::from_str(value) else { continue };
            if index == 0 {
                headers.insert(name.clone(), value);
            } else {
                headers.append(name.clone(), value);
            }
        }
    }
    Ok(headers)
}

struct Parts<'a> {
    answer: &'a VirtualResponse,
    server: Option<&'a HeaderValue>,
    /// What the body looks like.
    sniffed: OnceCell<Option<&'static str>>,
}

struct Kept {
    /// `Headers`, as the script wrote it.
    text: Box<[u8]>,
    server: Option<HeaderValue>,
    /// The content type that was found in the body; `None` when that does not matter.
    sniffed: Option<Option<&'static str>>,
}

impl Parts<'_> {
    fn sniffed(&self) -> Option<&'static str> {
        let body = &self.answer.body;
        *self.sniffed.get_or_init(|| (!body.is_empty()).then(|| content_type::detect(body)))
    }
}

impl HeadParts for Parts<'_> {
    type Kept = Kept;

    fn place(&self) -> usize {
        let text = self.answer.headers_text();
        let byte = |at: usize| text.get(at).copied().map_or(0, usize::from);
        // Most begin with a quoted name, and end with a quoted value.
        text.len() ^ (byte(2) << 3) ^ (byte(text.len().wrapping_sub(3)) << 1)
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.answer.headers_text(), self.server, self.sniffed.get()).hash(&mut hasher);
        hasher.finish()
    }

    fn are(&self, kept: &Kept) -> bool {
        *self.answer.headers_text() == *kept.text
            && self.server == kept.server.as_ref()
            && kept.sniffed.is_none_or(|sniffed| sniffed == self.sniffed())
    }

    fn keep(&self) -> Option<Kept> {
        let text = self.answer.headers_text().into();
        Some(Kept { text, server: self.server.cloned(), sniffed: self.sniffed.get().copied() })
    }
}
