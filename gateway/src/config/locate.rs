//! Where in a JSON text a value stands, given the path of its key.
//!
//! A scanner of its own, because parsed JSON has no positions. It never recurses or panics, and takes damaged text
//! as far as it can be followed. Start at [`locate`].

/// A place in a text, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// One step from a JSON value into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Member of an object; the key may hold any characters.
    Key(&'a str),
    /// Element of an array, from 0.
    Index(usize),
}

impl<'a> Segment<'a> {
    /// The path at which serde failed. Enum variants are skipped: they have no step of their own in our files.
    pub fn from_serde(path: &'a serde_path_to_error::Path) -> Vec<Self> {
        path.iter()
            .filter_map(|step| match step {
                serde_path_to_error::Segment::Map { key } => Some(Self::Key(key)),
                serde_path_to_error::Segment::Seq { index } => Some(Self::Index(*index)),
                _ => None,
            })
            .collect()
    }

    /// Reads `a.b[2].c`. A key that itself holds dots or brackets needs a hand-made slice.
    pub fn from_dotted(path: &'a str) -> Vec<Self> {
        let mut segments = Vec::new();
        for part in path.split('.') {
            let (key, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            if !key.is_empty() {
                segments.push(Self::Key(key));
            }
            let numbers = indices.split(['[', ']']).filter_map(|index| index.parse().ok());
            segments.extend(numbers.map(Self::Index));
        }
        segments
    }

    /// Writes `a.b[2].c` for people.
    pub fn to_dotted(path: &[Self]) -> String {
        let mut text = String::new();
        for segment in path {
            match segment {
                Self::Key(key) if text.is_empty() => text.push_str(key),
                Self::Key(key) => text.extend([".", key]),
                Self::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

/// Position of the value at `path`, of the last one where a key is repeated, as that is the one that counts.
/// An object key matches without regard to case if none matches exactly, as in Go.
pub fn locate(text: &str, path: &[Segment<'_>]) -> Option<Position> {
    let (found, steps) = follow(text, path);
    (steps == path.len()).then(|| position_of_offset(text, found?.value)).flatten()
}

/// [`locate`] for a path written as `version_data.versions.v1.extended_paths.virtual[2].path`.
pub fn locate_dotted(text: &str, path: &str) -> Option<Position> {
    locate(text, &Segment::from_dotted(path))
}

/// Position of the key itself, for an error about its name; for an array element the same as [`locate`].
pub fn locate_key(text: &str, path: &[Segment<'_>]) -> Option<Position> {
    let (found, steps) = follow(text, path);
    (steps == path.len()).then(|| position_of_offset(text, found?.name)).flatten()
}

/// Position of the value at `path`, or of the innermost thing around the place where it is missing.
pub fn locate_nearest(text: &str, path: &[Segment<'_>]) -> Option<Position> {
    position_of_offset(text, follow(text, path).0?.name)
}

/// Position of a byte offset; `None` past the end of the text.
pub fn position_of_offset(text: &str, offset: usize) -> Option<Position> {
    let before = text.as_bytes().get(..offset)?;
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    // Bytes that continue a character are not counted, so the offset may even be inside one.
    let column = before[line_start..].iter().filter(|byte| (**byte & 0xC0) != 0x80).count() + 1;
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    Some(Position { line, column })
}

/// Byte offsets of a member's name and value; for others both are the value's.
#[derive(Clone, Copy)]
struct Found {
    name: usize,
    value: usize,
}

/// Goes along `path` as far as the text does; returns the innermost thing reached and the number of steps taken.
fn follow(text: &str, path: &[Segment<'_>]) -> (Option<Found>, usize) {
    let scanner = Scanner { text, bytes: text.as_bytes() };
    let start = scanner.skip_space(0);
    if start >= text.len() {
        return (None, 0);
    }
    let mut here = Found { name: start, value: start };
    for (steps, segment) in path.iter().enumerate() {
        let next = match segment {
            Segment::Key(key) => scanner.member(here.value, key),
            Segment::Index(index) => scanner.element(here.value, *index),
        };
        match next {
            Some(found) => here = found,
            None => return (Some(here), steps),
        }
    }
    (Some(here), path.len())
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
}

impl Scanner<'_> {
    fn at(&self, offset: usize) -> Option<u8> {
        self.bytes.get(offset).copied()
    }

    fn skip_space(&self, mut offset: usize) -> usize {
        while self.at(offset).is_some_and(|byte| byte.is_ascii_whitespace()) {
            offset += 1;
        }
        offset
    }

    /// The offset after the string whose opening quote is at `offset`.
    fn skip_string(&self, offset: usize) -> Option<usize> {
        let mut next = offset + 1;
        loop {
            match self.at(next)? {
                b'"' => return Some(next + 1),
                b'\\' => next += 2,
                _ => next += 1,
            }
        }
    }

    /// The offset after the value that starts at `offset`.
    fn skip_value(&self, offset: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut next = offset;
        loop {
            match self.at(next)? {
                b'"' => next = self.skip_string(next)?,
                b'{' | b'[' => {
                    depth += 1;
                    next += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    next += 1;
                }
                _ if depth > 0 => {
                    next += 1;
                    continue;
                }
                b',' | b':' => return None,
                _ => {
                    while self.at(next).is_some_and(|byte| !b",]}: \t\r\n".contains(&byte)) {
                        next += 1;
                    }
                    return Some(next);
                }
            }
            if depth == 0 {
                return Some(next);
            }
        }
    }

    /// The member `key` of the object at `offset`.
    fn member(&self, offset: usize, key: &str) -> Option<Found> {
        if self.at(offset)? != b'{' {
            return None;
        }
        let (mut exact, mut folded) = (None, None);
        let mut next = self.skip_space(offset + 1);
        // Damaged text ends the walk; what was found before still counts.
        while let Some((name_end, value)) = self.name_and_value(next) {
            let name = self.string(next, name_end);
            let found = Found { name: next, value };
            if name.as_deref() == Some(key) {
                exact = Some(found);
            } else if name.is_some_and(|name| name.eq_ignore_ascii_case(key)) {
                folded = Some(found);
            }
            match self.after_comma(value) {
                Some(following) => next = following,
                None => break,
            }
        }
        exact.or(folded)
    }

    /// The element `index` of the array at `offset`.
    fn element(&self, offset: usize, index: usize) -> Option<Found> {
        if self.at(offset)? != b'[' {
            return None;
        }
        let mut value = self.skip_space(offset + 1);
        for _ in 0..index {
            value = self.after_comma(value)?;
        }
        let is_value = self.at(value).is_some_and(|byte| byte != b']' && byte != b',');
        is_value.then_some(Found { name: value, value })
    }

    /// For a member whose name starts at `offset`: the end of the name and the start of the value.
    fn name_and_value(&self, offset: usize) -> Option<(usize, usize)> {
        if self.at(offset)? != b'"' {
            return None;
        }
        let name_end = self.skip_string(offset)?;
        let colon = self.skip_space(name_end);
        if self.at(colon)? != b':' {
            return None;
        }
        let value = self.skip_space(colon + 1);
        self.at(value).map(|_| (name_end, value))
    }

    /// What follows the value at `offset` and a comma; `None` at the end of the list.
    fn after_comma(&self, offset: usize) -> Option<usize> {
        let comma = self.skip_space(self.skip_value(offset)?);
        (self.at(comma)? == b',').then(|| self.skip_space(comma + 1))
    }

    /// The string with its quotes between two offsets, escapes resolved.
    fn string(&self, start: usize, end: usize) -> Option<String> {
        serde_json::from_str(self.text.get(start..end)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "name": "ä", "port": 80,
  "version_data": {"versions": {"v1.0": {"virtual": [
      {"path": "/a"}, {"path": "/b"},
      {"path": "/c", "x": [[1, 2], {"y": "]}"}], "z\u0065": true}
  ]}}},
  "port": 81, "Mixed": {"Case": null}
}"#;

    fn at(line: usize, column: usize) -> Option<Position> {
        Some(Position { line, column })
    }

    #[test]
    fn finds_values() {
        use Segment::{Index, Key};
        let entry = |rest: &[Segment<'static>]| {
            let mut path = vec![Key("version_data"), Key("versions"), Key("v1.0"), Key("virtual"), Index(2)];
            path.extend_from_slice(rest);
            locate(TEXT, &path)
        };
        assert_eq!(locate(TEXT, &[]), at(1, 1));
        assert_eq!(locate_dotted(TEXT, "name"), at(2, 11));
        assert_eq!(locate_dotted(TEXT, "port"), at(7, 11), "the last of two");
        assert_eq!(entry(&[]), at(5, 7));
        assert_eq!(entry(&[Key("path")]), at(5, 16));
        assert_eq!(entry(&[Key("x"), Index(0), Index(1)]), at(5, 32));
        assert_eq!(entry(&[Key("x"), Index(1), Key("y")]), at(5, 42));
        assert_eq!(entry(&[Key("ze")]), at(5, 61), "escaped key");
        assert_eq!(locate_dotted(TEXT, "mixed.CASE"), at(7, 33));
        for missing in ["port.x", "port[0]", "nothing", "version_data.versions.v2"] {
            assert_eq!(locate_dotted(TEXT, missing), None, "{missing}");
        }
        assert_eq!(entry(&[Key("x"), Index(2)]), None);
    }

    #[test]
    fn finds_keys_and_what_is_nearest() {
        assert_eq!(locate_key(TEXT, &[Segment::Key("name")]), at(2, 3));
        assert_eq!(locate_nearest(TEXT, &Segment::from_dotted("version_data.nothing.more")), at(3, 3));
        assert_eq!(locate_nearest(TEXT, &Segment::from_dotted("nothing")), at(1, 1));
        assert_eq!(locate_nearest("  ", &[]), None);
    }

    #[test]
    fn dotted_paths_read_and_write() {
        for path in ["a", "a.b", "a[2].c", "a[1][2].b.c[3]"] {
            assert_eq!(Segment::to_dotted(&Segment::from_dotted(path)), path);
        }
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(locate_dotted("{\"é\": 1, \"x\": 2}", "x"), at(1, 15));
        assert_eq!(position_of_offset("a\r\nb", 3), at(2, 1));
        assert_eq!(position_of_offset("ab", 3), None);
    }

    /// Every prefix, and every byte replaced or doubled: nothing panics or hangs, and every found place exists.
    #[test]
    fn survives_damage() {
        let paths = ["port", "version_data.versions.v1.virtual[2].x[1].y", "mixed.case", "name"]
            .map(Segment::from_dotted);
        let check = |text: &str| {
            for path in &paths {
                let found = [locate(text, path), locate_key(text, path), locate_nearest(text, path)];
                for Position { line, column } in found.into_iter().flatten() {
                    let line = text.split('\n').nth(line - 1).expect("line exists");
                    assert!(column <= line.chars().count() + 1, "{text:?}");
                }
            }
        };
        let characters: Vec<char> = TEXT.chars().collect();
        for cut in 0..characters.len() {
            check(&characters[..cut].iter().collect::<String>());
            check(&characters[cut..].iter().collect::<String>());
            for put in ['{', '}', '[', ']', '"', '\\', ',', ':', ' ', '\n', '0', '😀'] {
                let mut damaged = characters.clone();
                damaged[cut] = put;
                check(&damaged.iter().collect::<String>());
                damaged.insert(cut, put);
                check(&damaged.iter().collect::<String>());
            }
        }
        check(&"[".repeat(100_000));
        check(&"{\"port\":".repeat(100_000));
    }

    /// Random JSON: each value is found where it was written.
    #[test]
    fn agrees_with_random_documents() {
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let mut text = String::from("{");
            let mut written = Vec::new();
            for member in 0..random(8) {
                text.push_str(if member > 0 { "," } else { "" });
                text.push_str(["", " ", "\n", "\t\n "][random(4) as usize]);
                text.push_str(&format!("\"k.{member}\"{}:", ["", "\n"][random(2) as usize]));
                text.push_str("[\"]\\\"\", ");
                written.push((member, text.len()));
                text.push_str(["{}", "-1.5e3", "\"a\\\\\"", "[[], 2]", "null"][random(5) as usize]);
                text.push(']');
            }
            text.push('}');
            for (member, offset) in written {
                let key = format!("k.{member}");
                let path = [Segment::Key(&key), Segment::Index(1)];
                assert_eq!(locate(&text, &path), position_of_offset(&text, offset), "{text}");
            }
        }
    }
}
