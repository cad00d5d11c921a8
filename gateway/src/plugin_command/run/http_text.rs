//! Requests and answers as people write them: HTTP/1.1's form, with either kind of line ends.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// A message whose first line is still to be understood.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) first_line: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Takes a message apart: first line, headers, an empty line, body. The body is every byte after the empty line.
///
/// # Errors
/// What is wrong, with the line's number.
pub(super) fn parse(text: &[u8]) -> Result<Message<'_>, String> {
    let mut rest = text;
    let first_line = line(&mut rest, 1)?.filter(|line| !line.trim().is_empty());
    let first_line =
        first_line.ok_or("line 1: it is empty; it has to be the request line or the status line")?;
    let mut headers = HeaderMap::new();
    for number in 2.. {
        match line(&mut rest, number)? {
            None | Some("") => break,
            Some(text) => {
                let (name, value) = header(text).map_err(|problem| format!("line {number}: {problem}"))?;
                headers.append(name, value);
            }
        }
    }
    Ok(Message { first_line, headers, body: Bytes::copy_from_slice(rest) })
}

/// The next line without its end; `None` at the end of the text.
fn line<'a>(rest: &mut &'a [u8], number: usize) -> Result<Option<&'a str>, String> {
    if rest.is_empty() {
        return Ok(None);
    }
    let length = memchr::memchr(b'\n', rest);
    let line = &rest[..length.unwrap_or(rest.len())];
    *rest = length.map_or(&[], |length| &rest[length + 1..]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).map(Some).map_err(|_| format!("line {number}: it is not text"))
}

/// A header as `NAME: VALUE`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let Some((name, value)) = text.split_once(':') else {
        return Err(format!("`{text}` is not a header; write `NAME: VALUE`"));
    };
    let name: HeaderName =
        name.trim().parse().map_err(|_| format!("`{name}` is not a name that a header may have"))?;
    let value = HeaderValue::from_str(value.trim())
        .map_err(|_| format!("the value of `{name}` has characters that a header may not have"))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::{header, parse};

    #[test]
    fn messages_are_read_with_either_line_end() {
        for text in [
            "POST /a HTTP/1.1\r\nX-A: 1\r\nx-a:2\r\n\r\none\r\ntwo\n",
            "POST /a HTTP/1.1\nX-A: 1\nx-a:2\n\none\r\ntwo\n",
        ] {
            let message = parse(text.as_bytes()).unwrap();
            assert_eq!(message.first_line, "POST /a HTTP/1.1");
            assert_eq!(message.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
            assert_eq!(message.body, "one\r\ntwo\n");
        }
        let only_line = parse(b"GET /").unwrap();
        assert_eq!((only_line.first_line, only_line.headers.len(), only_line.body.len()), ("GET /", 0, 0));
    }

    #[test]
    fn mistakes_have_their_line() {
        assert!(parse(b"\nGET /").unwrap_err().starts_with("line 1: it is empty"));
        let problem = parse(b"GET /\nx-a: 1\nno header\n\n").unwrap_err();
        assert_eq!(problem, "line 3: `no header` is not a header; write `NAME: VALUE`");
        assert_eq!(header("a b: c").unwrap_err(), "`a b` is not a name that a header may have");
        assert!(header("a: \u{7f}").is_err());
    }
}
