//! Kept answers in a store that several gateways share, in Tyk's form: an HTTP/1.1 answer in base64, `|`, and when it ends.
//!
//! Names begin as Tyk's, `cache-` and the API's id, so that whoever throws an API's answers away finds ours too. What follows is our
//! own: an answer of Tyk's is never given here, nor ours there, because the questions are not the same.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{
    answer::{Kept, KeptAnswer},
    key::CacheKey,
};
use crate::session::{Life, Store, StoreError};

/// What stands at a place whose answers differ by request headers.
const VARIES: &str = "varies ";

/// Header fields of an answer that are read back.
const MAX_HEADERS: usize = 256;

#[derive(Debug)]
pub(super) struct Shared(Store);

impl Shared {
    pub(super) fn new(store: Store) -> Self {
        Self(store)
    }

    /// What is at a place; nothing when it is over or cannot be read.
    pub(super) async fn get(&self, api_id: &str, key: &CacheKey) -> Result<Option<Kept>, StoreError> {
        let value = self.0.get(&name(api_id, key)).await?;
        Ok(value.and_then(|value| read(std::str::from_utf8(&value).ok()?)))
    }

    pub(super) async fn put(
        &self,
        api_id: &str,
        key: &CacheKey,
        kept: &Kept,
        time: Duration,
    ) -> Result<(), StoreError> {
        self.0.set(&name(api_id, key), Bytes::from(write(kept, time)), Life::For(time)).await
    }

    /// Removes all that is kept for an API.
    pub(super) async fn forget(&self, api_id: &str) -> Result<(), StoreError> {
        for name in self.0.names(&prefix(api_id)).await? {
            self.0.delete(&name).await?;
        }
        Ok(())
    }
}

fn prefix(api_id: &str) -> String {
    format!("cache-{api_id}")
}

fn name(api_id: &str, key: &CacheKey) -> String {
    let mut name = prefix(api_id);
    for byte in key {
        for digit in [byte >> 4, byte & 15] {
            name.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    name
}

fn write(kept: &Kept, time: Duration) -> String {
    let answer = match kept {
        Kept::Varies(names) => {
            let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
            return format!("{VARIES}{}", names.join(","));
        }
        Kept::Answer(answer) => answer,
    };
    let (status, headers, body) = answer.parts();
    let reason = status.canonical_reason().unwrap_or("");
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    let ends = now().saturating_add(time.as_secs());
    format!("{}|{ends}", STANDARD.encode(bytes))
}

fn read(text: &str) -> Option<Kept> {
    if let Some(names) = text.strip_prefix(VARIES) {
        let names: Result<Vec<HeaderName>, _> = names.split(',').map(str::parse).collect();
        return Some(Kept::Varies(names.ok()?.into()));
    }
    let (wire, ends) = text.split_once('|')?;
    let left = ends.parse::<u64>().ok()?.checked_sub(now()).filter(|left| *left > 0)?;
    let wire = Bytes::from(STANDARD.decode(wire).ok()?);
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = head.parse(&wire).ok()? else { return None };
    let status = StatusCode::from_u16(head.code?).ok()?;
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for field in head.headers.iter() {
        headers.append(field.name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(field.value).ok()?);
    }
    let answer = KeptAnswer::new(status, headers, wire.slice(length..), Duration::from_secs(left));
    Some(Kept::Answer(Arc::new(answer)))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::{Kept, KeptAnswer, name, read, write};

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let mut headers = HeaderMap::new();
        headers.append("x-two", HeaderValue::from_static("1"));
        headers.append("x-two", HeaderValue::from_bytes(b"\xfc").unwrap());
        headers.append(header::VARY, HeaderValue::from_static("accept"));
        let body = b"\x00\r\n\r\n|\xff".to_vec();
        let answer = KeptAnswer::new(
            StatusCode::from_u16(299).unwrap(),
            headers,
            body.into(),
            Duration::from_secs(60),
        );
        let hour = Duration::from_secs(3_600);
        let text = write(&Kept::Answer(Arc::new(answer)), hour);
        let Some(Kept::Answer(back)) = read(&text) else { panic!("{text}") };
        let (status, headers, body) = back.parts();
        assert_eq!((status.as_u16(), body.as_ref()), (299, &b"\x00\r\n\r\n|\xff"[..]));
        assert_eq!(headers.get_all("x-two").iter().count(), 2);
        assert_eq!(&*back.vary, [header::ACCEPT]);
        let Some(Kept::Varies(names)) =
            read(&write(&Kept::Varies([header::ACCEPT, header::ORIGIN].into()), hour))
        else {
            panic!("not read")
        };
        assert_eq!(&*names, [header::ACCEPT, header::ORIGIN]);
    }

    #[test]
    fn what_is_over_or_something_else_is_nothing() {
        let wire = base64::Engine::encode(&super::STANDARD, "HTTP/1.1 200 OK\r\n\r\nx");
        assert!(read(&format!("{wire}|{}", super::now() + 60)).is_some());
        for text in [
            format!("{wire}|{}", super::now()),
            format!("{wire}|soon"),
            wire.clone(),
            format!("{}|99999999999", base64::Engine::encode(&super::STANDARD, "HTTP/1.1 200 OK\r\n")),
            "%%%|99999999999".to_owned(),
            "varies a b".to_owned(),
            String::new(),
        ] {
            assert!(read(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn names_begin_as_tyks() {
        assert_eq!(name("shop", &[0xa5; 32]), format!("cache-shop{}", "a5".repeat(32)));
    }
}
