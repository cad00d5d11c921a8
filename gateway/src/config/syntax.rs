//! Why a text is not JSON, in words that say what to change. Also used for API definitions.

use super::locate::{Position, position_of_offset};

/// A text that could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxFault {
    /// Where the parser stopped.
    pub position: Option<Position>,
    /// What it met.
    pub message: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

/// Explains the syntax error that serde_json met in `text`.
pub fn syntax_fault(text: &str, error: &serde_json::Error) -> SyntaxFault {
    let full = error.to_string();
    // The position is told apart, in characters where serde_json counts bytes.
    let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
    let offset = if error.is_eof() { text.len() } else { offset_of(text, error.line(), error.column()) };
    SyntaxFault {
        position: position_of_offset(text, offset),
        message: message.to_owned(),
        hint: hint(text, offset, message),
    }
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let lines_before = text.split_inclusive('\n').take(line.saturating_sub(1));
    let line_start: usize = lines_before.map(str::len).sum();
    // Column 0 is the line break itself.
    (line_start + column).saturating_sub(1).min(text.len())
}

fn hint(text: &str, offset: usize, message: &str) -> Option<String> {
    let start = (0..=offset).rev().find(|start| text.is_char_boundary(*start))?;
    let (before, rest) = text.split_at(start);
    let next = rest.chars().next();
    let key = message.starts_with("key must be a string");
    let hint = match (message, next) {
        _ if text.starts_with('\u{feff}') => {
            "the file begins with a byte order mark; save it as UTF-8 without one"
        }
        _ if text.trim().is_empty() => "the file is empty; the least that works is {}",
        (_, Some('\'')) => "JSON puts names and texts in double quotes, not single ones",
        (_, Some('“' | '”' | '„' | '‘' | '’')) => {
            "these are typographic quotes; JSON needs plain double ones (\")"
        }
        (_, Some('/' | '#')) => "JSON has no comments; remove this one",
        ("trailing comma", _) => "remove the comma after the last entry",
        (_, Some(',')) if key || message == "expected value" => "there is a comma too many",
        ("expected `,` or `}`" | "expected `,` or `]`", Some('"' | '{' | '[')) => {
            "a comma is missing before this"
        }
        ("expected `,` or `}`" | "expected `,` or `]`", Some('}' | ']')) => {
            "a bracket closes what it did not open"
        }
        (_, Some(letter)) if key && (letter.is_alphanumeric() || letter == '_') => {
            "put the name in double quotes"
        }
        ("expected value" | "expected ident", _) if python_word(before, rest) => {
            "JSON writes true, false and null in small letters"
        }
        ("expected value", Some('.' | '+')) => "a number begins with a digit or a minus sign",
        ("invalid number", _) => "a number has no leading zeros, and digits on both sides of its point",
        ("expected value", Some(letter)) if letter.is_alphabetic() => "put the text in double quotes",
        ("invalid escape", _) => "write a backslash twice (\\\\)",
        (message, _) if message.starts_with("control character") => {
            "a text ends on its line; write a line break as \\n and a tab as \\t"
        }
        ("trailing characters", _) => "the file holds one object in { }; this comes after its end",
        ("EOF while parsing a string", _) => "a closing double quote is missing",
        (message, _) if message.starts_with("EOF") => return unclosed(text),
        _ => return None,
    };
    Some(hint.to_owned())
}

fn python_word(before: &str, rest: &str) -> bool {
    let word_start = before.rfind(|letter: char| !letter.is_alphabetic()).map_or(0, |end| end + 1);
    let word = before.get(word_start..).unwrap_or_default().to_owned() + rest;
    ["true", "false", "null", "none"]
        .iter()
        .any(|name| word.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name)))
}

/// Names the innermost bracket that is still open at the end of the text.
fn unclosed(text: &str) -> Option<String> {
    let (mut open, mut in_string, mut escaped) = (Vec::new(), false, false);
    for (offset, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' | '[' if !in_string => open.push((offset, letter)),
            '}' | ']' if !in_string => drop(open.pop()),
            _ => {}
        }
    }
    let (offset, bracket) = open.pop()?;
    let Position { line, column } = position_of_offset(text, offset)?;
    Some(format!("the {bracket} of line {line}, column {column} is never closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_and_what_to_change() {
        let cases = [
            ("{\"a\":1,}", 1, 8, "remove the comma after"),
            ("{\"a\":1,\n}", 2, 1, "remove the comma after"),
            ("[1,]", 1, 4, "remove the comma after"),
            ("{\"a\":1,,}", 1, 8, "a comma too many"),
            ("{'a':1}", 1, 2, "not single ones"),
            ("{\"a\":'b'}", 1, 6, "not single ones"),
            ("{\"ä\":“x”}", 1, 6, "typographic"),
            ("{\"a\":1 // c\n}", 1, 8, "no comments"),
            ("// c\n{}", 1, 1, "no comments"),
            ("{\n# x\n\"a\":1}", 2, 1, "no comments"),
            ("{a:1}", 1, 2, "name in double quotes"),
            ("{\"a\":abc}", 1, 6, "text in double quotes"),
            ("{\"a\":True}", 1, 6, "small letters"),
            ("{\"a\":nULL}", 1, 7, "small letters"),
            ("{\"a\":1 \"b\":2}", 1, 8, "a comma is missing"),
            ("{\"a\":[1 {}]}", 1, 9, "a comma is missing"),
            ("{\"a\":[1}", 1, 8, "did not open"),
            ("{\"a\":.5}", 1, 6, "begins with a digit"),
            ("{\"a\":01}", 1, 7, "leading zeros"),
            ("{\"a\":\"C:\\q\"}", 1, 10, "backslash twice"),
            ("{\"a\":\"x\ny\"}", 1, 8, "ends on its line"),
            ("{}x", 1, 3, "after its end"),
            ("{\"a\":\"x", 1, 8, "closing double quote"),
            ("{\n \"a\": {\"b\": \"}\"", 2, 16, "the { of line 2, column 7 is never closed"),
            ("", 1, 1, "the file is empty"),
            ("\u{feff}{}", 1, 1, "byte order mark"),
        ];
        for (text, line, column, hint) in cases {
            let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
            let fault = syntax_fault(text, &error);
            assert_eq!(fault.position, Some(Position { line, column }), "{text:?} {fault:?}");
            assert!(fault.hint.as_ref().is_some_and(|found| found.contains(hint)), "{text:?} {fault:?}");
            assert!(!fault.message.contains("line"), "{fault:?}");
        }
    }

    #[test]
    fn survives_damage() {
        let text = "{\"ä\": [\"“\\\"\", 1.5, true, {\"é\": null}]}";
        let characters: Vec<char> = text.chars().collect();
        for at in 0..characters.len() {
            for put in ['"', '\\', '{', ']', ',', '\'', 'T', '\n', '\u{1}', '€'] {
                let mut damaged = characters.clone();
                damaged[at] = put;
                let damaged: String = damaged.into_iter().collect();
                for text in [&damaged[..], &damaged[..damaged.floor_char_boundary(at)]] {
                    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
                        assert!(syntax_fault(text, &error).position.is_some(), "{text:?}");
                    }
                }
            }
        }
    }
}
