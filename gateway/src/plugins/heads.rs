//! Heads of the answers that plugins give.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use bytes::Bytes;
use gatehouse_plugin::host::{HeaderPairs, Refusal, Text};
use http::{HeaderName, HeaderValue, header};

use super::header_names;
use crate::reply::{
    header_map,
    heads::{Head, HeadParts, Heads},
};

thread_local! {
    static HEADS: RefCell<Option<Heads<Kept>>> = const { RefCell::new(None) };
}

/// The head of these headers, completed with this server when there is one.
///
/// # Errors
/// When a name or value is not one that HTTP allows.
pub(super) fn of(headers: HeaderPairs<'_>, server: Option<&HeaderValue>) -> Result<Head, Refusal> {
    let make = || {
        let mut head = made(headers)?;
        if let Some(server) = server {
            head.complete(server);
        }
        Ok(head)
    };
    if headers.is_empty() {
        return make();
    }
    HEADS.with_borrow_mut(|heads| heads.get_or_insert_default().get(&Constants { headers, server }, make))
}

fn made(headers: HeaderPairs<'_>) -> Result<Head, Refusal> {
    let mut map = header_map::with_room(headers.len());
    for (name, value) in headers.iter() {
        let (name, value) = (header_name(name)?, header_value(value)?);
        // How the body goes out is the gateway's affair.
        if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
            map.append(name, value);
        }
    }
    Ok(Head { headers: map, is_complete: false })
}

/// A name without a copy where it lives for ever and is written as HTTP/2 wants it.
fn header_name(name: Text<'_>) -> Result<HeaderName, Refusal> {
    match name {
        Text::Static(name) => header_names::of(name).ok_or(Refusal::BadName),
        Text::Borrowed(name) => HeaderName::from_bytes(name).map_err(|_| Refusal::BadName),
    }
}

fn header_value(value: Text<'_>) -> Result<HeaderValue, Refusal> {
    match value {
        Text::Static(value) => HeaderValue::from_maybe_shared(Bytes::from_static(value)),
        Text::Borrowed(value) => HeaderValue::from_bytes(value),
    }
    .map_err(|_| Refusal::BadValue)
}

/// Headers that are constants of a library: they are the same when they lie at the same place, because no library is ever
/// unloaded.
struct Constants<'a> {
    headers: HeaderPairs<'a>,
    server: Option<&'a HeaderValue>,
}

struct Kept {
    headers: Box<[(&'static [u8], &'static [u8])]>,
    server: Option<HeaderValue>,
}

fn constants(pair: (Text<'_>, Text<'_>)) -> Option<(&'static [u8], &'static [u8])> {
    match pair {
        (Text::Static(name), Text::Static(value)) => Some((name, value)),
        _ => None,
    }
}

impl HeadParts for Constants<'_> {
    type Kept = Kept;

    fn place(&self) -> usize {
        let name = self.headers.iter().next().and_then(constants);
        let address = name.map_or(0, |(name, _)| name.as_ptr().addr());
        (address >> 4) ^ (address >> 10) ^ self.headers.len()
    }

    fn are(&self, kept: &Kept) -> bool {
        self.headers.len() == kept.headers.len()
            && self.headers.iter().zip(&kept.headers).all(|(pair, kept)| {
                matches!(pair, (Text::Static(name), Text::Static(value))
                    if std::ptr::eq(name, kept.0) && std::ptr::eq(value, kept.1))
            })
            && self.server == kept.server.as_ref()
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (name, value) in self.headers.iter().filter_map(constants) {
            (name.as_ptr().addr(), name.len(), value.as_ptr().addr(), value.len()).hash(&mut hasher);
        }
        self.server.hash(&mut hasher);
        hasher.finish()
    }

    fn keep(&self) -> Option<Kept> {
        let headers = self.headers.iter().map(constants).collect::<Option<_>>()?;
        Some(Kept { headers, server: self.server.cloned() })
    }
}
