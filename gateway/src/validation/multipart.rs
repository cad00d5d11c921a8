//! Bodies of `multipart/form-data` as values, as Tyk's validator reads them.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use memchr::memmem;
use serde_json::{Map, Value};

use super::body::{Kind, media_type};

/// Headers of a part, at the most.
const MAX_HEADERS: usize = 32;

/// What a schema says of the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Names of properties, and whether several parts make one list.
    pub known: Vec<(String, bool)>,
    /// Parts of other names are let through, unread.
    pub others: bool,
    /// Whether the schema is of objects; Tyk reads no parts for others.
    pub is_object: bool,
}

/// A part: what it is called, what it says it is, and what is in it.
struct Part<'a> {
    name: String,
    headers: HeaderMap,
    content: &'a [u8],
}

impl Parts {
    /// The parts as an object.
    ///
    /// # Errors
    /// What is wrong, in Tyk's words.
    pub(super) fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
        if !self.is_object {
            return Err("unsupported schema of request body".to_owned());
        }
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let boundary = parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty());
        let boundary = boundary.ok_or("multipart: boundary is empty")?;
        let mut read = Map::new();
        for part in split(body, &boundary)? {
            let Some((name, is_list)) = self.known.iter().find(|(known, _)| *known == part.name) else {
                if self.others {
                    continue;
                }
                return Err(format!("part {}: undefined", part.name));
            };
            let value = part.value().map_err(|reason| format!("path {name}: {reason}"))?;
            match read.get_mut(name) {
                Some(Value::Array(list)) if *is_list => list.push(value),
                // As in Tyk, the first part counts where there is to be one.
                Some(_) => {}
                None if *is_list => drop(read.insert(name.clone(), Value::Array(vec![value]))),
                None => drop(read.insert(name.clone(), value)),
            }
        }
        Ok(Value::Object(read))
    }
}

impl Part<'_> {
    /// Text unless it says that it is JSON: a number in a part is one only with the content type of JSON.
    fn value(&self) -> Result<Value, String> {
        let written = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type(written.unwrap_or("text/plain"));
        match Kind::of(&media_type) {
            Some(Kind::Json) => {
                serde_json::from_slice(self.content).map_err(|error| format!("invalid JSON: {error}"))
            }
            Some(Kind::Text) => Ok(Value::String(String::from_utf8_lossy(self.content).into_owned())),
            _ => Err(format!("unsupported content type {media_type:?}")),
        }
    }
}

/// The parts of a body. One that is cut off counts as far as it goes if its headers are there.
fn split<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, String> {
    let delimiter = format!("--{boundary}");
    let inner = format!("\r\n{delimiter}");
    let start = if body.starts_with(delimiter.as_bytes()) {
        delimiter.len()
    } else {
        let found = memmem::find(body, inner.as_bytes());
        found.ok_or("multipart: NextPart: EOF")? + inner.len()
    };
    let mut parts = Vec::new();
    let mut rest = &body[start..];
    while !rest.starts_with(b"--") {
        // Spaces may stand between a boundary and the end of its line.
        let Some(line) = memmem::find(rest, b"\r\n") else { break };
        let part = &rest[line + 2..];
        let Some((headers, length)) = head(part)? else { break };
        let part = &part[length..];
        // A part without content has the next boundary right behind its headers' empty line.
        let end = if part.starts_with(delimiter.as_bytes()) {
            Some((0, delimiter.len()))
        } else {
            memmem::find(part, inner.as_bytes()).map(|at| (at, at + inner.len()))
        };
        let (end, next) = end.unwrap_or((part.len(), part.len()));
        let disposition = headers.get(header::CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
        let name = disposition.and_then(|text| parameter(text, "name")).unwrap_or_default();
        parts.push(Part { name, headers, content: &part[..end] });
        rest = &part[next..];
        if rest.is_empty() {
            break;
        }
    }
    Ok(parts)
}

/// The headers of a part and their length; `None` when they do not end.
fn head(part: &[u8]) -> Result<Option<(HeaderMap, usize)>, String> {
    if part.starts_with(b"\r\n") {
        return Ok(Some((HeaderMap::new(), 2)));
    }
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let malformed = |error: httparse::Error| format!("multipart: NextPart: {error}");
    match httparse::parse_headers(part, &mut lines).map_err(malformed)? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete((length, lines)) => {
            let headers = lines.iter().filter_map(|line| {
                let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
                Some((name, HeaderValue::from_bytes(line.value).ok()?))
            });
            Ok(Some((headers.collect(), length)))
        }
    }
}

/// A parameter of a header such as `form-data; name="a"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, end) = unquoted(quoted)?;
                (value, quoted[end..].trim_start().strip_prefix(';').unwrap_or(""))
            }
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next;
    }
}

/// The text up to the closing quote, and where what follows begins.
fn unquoted(quoted: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, at + 1)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(others: bool) -> Parts {
        let known = [("name", false), ("tags", true), ("meta", false)];
        let known = known.map(|(name, is_list)| (name.to_owned(), is_list)).to_vec();
        Parts { known, others, is_object: true }
    }

    fn read(parts: &Parts, content_type: &str, body: &str) -> Result<Value, String> {
        let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())].into_iter().collect();
        parts.read(&headers, body.replace('~', "\r\n").as_bytes())
    }

    const KIND: &str = "multipart/form-data; boundary=\"B\"";

    #[test]
    fn parts_are_texts_lists_and_json() {
        let body = "--B~Content-Disposition: form-data; name=\"name\"~~ann~--B ~content-disposition: form-data; filename=\"a;b\"; name=tags~~a~b~\
                    --B~Content-Disposition: form-data; name=\"tags\"~Content-Type: application/octet-stream~~~\
                    --B~Content-Disposition: form-data; name=\"meta\"~Content-Type: application/json; charset=utf-8~~{\"x\": 1}~\
                    --B~Content-Disposition: form-data; name=\"name\"~~second~--B--~";
        let value = read(&parts(false), KIND, body).unwrap();
        assert_eq!(value, json!({"name": "ann", "tags": ["a\r\nb", ""], "meta": {"x": 1}}));
        assert_eq!(read(&parts(false), KIND, "--B--~").unwrap(), json!({}));
        assert_eq!(
            read(&parts(false), KIND, "before~--B~Content-Disposition: form-data; name=name~~cut").unwrap(),
            json!({"name": "cut"})
        );
        assert_eq!(read(&parts(false), KIND, "--B~Content-Disposition: form-data; na").unwrap(), json!({}));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let part = |name: &str, more: &str| {
            format!("--B~Content-Disposition: form-data; name=\"{name}\"~{more}~x~--B--~")
        };
        for (content_type, body, reason) in [
            (KIND, part("zzz", ""), "part zzz: undefined"),
            (
                KIND,
                part("name", "Content-Type: image/png~"),
                "path name: unsupported content type \"image/png\"",
            ),
            (KIND, "garbage".to_owned(), "multipart: NextPart: EOF"),
            ("multipart/form-data", part("name", ""), "multipart: boundary is empty"),
        ] {
            assert_eq!(read(&parts(false), content_type, &body).unwrap_err(), reason);
        }
        assert!(
            read(&parts(false), KIND, &part("meta", "Content-Type: application/json~"))
                .unwrap_err()
                .starts_with("path meta: invalid JSON")
        );
        assert_eq!(read(&parts(true), KIND, &part("zzz", "")).unwrap(), json!({}));
        let no_object = Parts { is_object: false, ..parts(true) };
        assert_eq!(read(&no_object, KIND, "").unwrap_err(), "unsupported schema of request body");
    }

    #[test]
    fn no_bytes_are_too_much_for_it() {
        let whole = "--B~Content-Disposition: form-data; name=\"na\\\"me\"~Content-Type: text/plain~~ann~--B~~x~--B--~".replace('~', "\r\n");
        let headers: HeaderMap =
            [(header::CONTENT_TYPE, HeaderValue::from_static(KIND))].into_iter().collect();
        for end in 0..whole.len() {
            let _ = parts(true).read(&headers, &whole.as_bytes()[..end]);
            let _ = parts(true).read(&headers, &whole.as_bytes()[end..]);
        }
    }
}
