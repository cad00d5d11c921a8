//! The path of a request, with and without what stands before the endpoint.

use std::borrow::Cow;

use http::Uri;
use percent_encoding::percent_decode_str;

use crate::{live::api::LiveApi, router::endpoints::PathForms};

/// The path of a request in all the forms that steps need.
pub(super) struct RequestPath<'a> {
    raw: &'a str,
    /// Where the part after the listen path begins.
    after_listen_path: usize,
    /// Where the part after the version segment begins; the same without one.
    after_version: usize,
    full: Cow<'a, str>,
    /// With a leading slash.
    stripped: Cow<'a, str>,
    versioned: Option<Cow<'a, str>>,
    /// Length of the listen path in `full`.
    listen_length: usize,
}

impl<'a> RequestPath<'a> {
    /// `segment` is the length of the version segment after the listen path, when the path names the version.
    pub(super) fn new(uri: &'a Uri, listen_length: usize, segment: Option<usize>) -> Self {
        let raw = uri.path();
        let after_listen_path = listen_length.min(raw.len());
        let after_version =
            segment.map_or(after_listen_path, |segment| (after_listen_path + segment).min(raw.len()));
        // Looked for once: nearly no path has anything to decode.
        let decode = if raw.as_bytes().contains(&b'%') { decode } else { as_it_is };
        let full = decode(raw);
        // Decoding makes a path shorter, by as much as it makes what comes after the listen path shorter.
        let after = decode(&raw[after_listen_path..]).len();
        Self {
            raw,
            after_listen_path,
            after_version,
            listen_length: full.len().saturating_sub(after),
            full,
            stripped: with_slash(raw, after_version, decode),
            versioned: segment.map(|_| with_slash(raw, after_listen_path, decode)),
        }
    }

    /// The path that a plugin gave the request instead. Below the listen path it is taken as if the client had sent it;
    /// anything else has neither listen path nor version.
    pub(super) fn changed<'b>(&self, uri: &'b Uri) -> RequestPath<'b> {
        let raw = uri.path();
        if !raw.starts_with(&self.raw[..self.after_listen_path]) {
            return RequestPath::new(uri, 0, None);
        }
        let segment = self.versioned.as_ref().map(|_| self.after_version - self.after_listen_path);
        let segment = segment.filter(|_| raw.starts_with(&self.raw[..self.after_version]));
        RequestPath::new(uri, self.after_listen_path, segment)
    }

    pub(super) fn forms(&self) -> PathForms<'_> {
        PathForms::new(&self.stripped, self.versioned.as_deref(), &self.full, self.listen_length)
    }

    /// What the upstream gets, as the client escaped it.
    pub(super) fn for_upstream(&self, api: &LiveApi) -> &'a str {
        match (api.strip_listen_path, api.strips_version()) {
            (true, true) => &self.raw[self.after_version..],
            (true, false) => &self.raw[self.after_listen_path..],
            (false, _) => self.raw,
        }
    }
}

/// The decoded path from `start` on, with a leading slash.
fn with_slash(raw: &str, start: usize, decode: fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    let rest = raw.get(start..).unwrap_or("");
    if rest.starts_with('/') {
        return decode(rest);
    }
    // Listen paths usually end with a slash, which then serves as the leading one.
    if let Some(slash) = start.checked_sub(1)
        && raw.as_bytes().get(slash) == Some(&b'/')
    {
        return decode(&raw[slash..]);
    }
    Cow::Owned(format!("/{}", decode(rest)))
}

/// Patterns see the decoded path, as Go's do; a path that is not UTF-8 when decoded is seen as it is.
fn decode(raw: &str) -> Cow<'_, str> {
    percent_decode_str(raw).decode_utf8().unwrap_or(Cow::Borrowed(raw))
}

/// A path with nothing to decode.
fn as_it_is(raw: &str) -> Cow<'_, str> {
    Cow::Borrowed(raw)
}
