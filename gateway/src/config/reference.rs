//! What there is to set: the rows of [`super::reference_table`], how to find one, and the page made of them.
//!
//! Messages, environment variables, defaults and ranges all come from here, so that none of them can differ from
//! the documentation.

use std::fmt::Write;

use serde_json::Value;

use super::{locate::Segment, reference_table::SETTINGS, refused};

/// One key of `tyk.conf`.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Dotted path; `[]` stands for any element of a list.
    pub key: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What counts when the key is absent, as JSON; empty if that is nothing, zero, false or an empty text.
    pub default: &'static str,
    /// 0 means the default, as in Tyk.
    pub zero_is_default: bool,
    /// What it does, in a sentence; for a key that is refused, what Tyk does with it.
    pub meaning: &'static str,
    /// The variable, where Tyk's name for it does not follow from the key.
    pub special_variable: &'static str,
}

/// What may be written as a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown.
    Secret,
    /// true or false.
    Flag,
    /// A whole number.
    Whole {
        /// What it counts, with its article.
        noun: &'static str,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// Seconds with a fraction.
    Seconds {
        /// Most.
        max: f64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    List,
    /// An object from any name to a value of a kind.
    Map(&'static Kind),
    /// A list of objects, whose members have rows of their own.
    Records,
}

impl Kind {
    /// Completes "expected ...".
    pub fn expectation(&self) -> String {
        match self {
            Self::Text | Self::Secret => "a text in double quotes".into(),
            Self::Flag => "true or false".into(),
            Self::Whole { noun, min, max } => format!("{noun} between {min} and {max}"),
            Self::Seconds { max } => format!("a number of seconds between 0 and {max}"),
            Self::Word(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                if quoted.len() > 1 { format!("one of {}", quoted.join(", ")) } else { quoted.concat() }
            }
            Self::List => "a list of texts in [ ]".into(),
            Self::Map(of) => format!("an object in {{ }} whose values are each {}", of.expectation()),
            Self::Records => "a list of objects in [ ]".into(),
        }
    }

    /// Whether a value of the right type is also in range.
    pub(super) fn in_range(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Whole { min, max, .. }, Value::Number(number)) => {
                number.as_u64().is_some_and(|number| (*min..=*max).contains(&number))
            }
            (Self::Seconds { max }, Value::Number(number)) => {
                number.as_f64().is_some_and(|number| (0.0..=*max).contains(&number))
            }
            (Self::Word(words), Value::String(word)) => words.contains(&word.as_str()),
            _ => true,
        }
    }
}

impl Setting {
    /// Name of the environment variable that overrides the key; empty for a member of a list.
    pub fn variable(&self) -> String {
        match self.special_variable {
            "" if self.key.contains("[]") => String::new(),
            "" => format!("TYK_GW_{}", self.key.replace('_', "").replace('.', "_").to_uppercase()),
            special => special.into(),
        }
    }

    pub(super) fn default_value(&self) -> Option<Value> {
        serde_json::from_str(self.default).ok()
    }
}

/// The row with this key.
pub(super) fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The key under which the value at `path` has its row: `certificates[3]` is `certificates[]`.
pub(super) fn row_key(path: &[Segment<'_>]) -> String {
    let mut key = String::new();
    for segment in path {
        match segment {
            Segment::Key(name) if key.is_empty() => key.push_str(name),
            Segment::Key(name) => key.extend([".", name]),
            Segment::Index(_) => key.push_str("[]"),
        }
    }
    key
}

/// Completes "expected ..." for the value at `path`, also for one between or below the rows.
pub(super) fn expectation(path: &[Segment<'_>]) -> String {
    if let Some(setting) = setting(&row_key(path)) {
        return setting.kind.expectation();
    }
    let parent = path.split_last().and_then(|(_, parent)| setting(&row_key(parent)));
    match parent.map(|parent| parent.kind) {
        Some(Kind::Map(of)) => of.expectation(),
        Some(Kind::List) => Kind::Text.expectation(),
        _ => "an object in { }".into(),
    }
}

/// The names that an object at `parent` (a row key, empty for the file) may have.
pub(super) fn names_under(parent: &str) -> impl Iterator<Item = &'static str> + '_ {
    SETTINGS.iter().filter_map(move |setting| {
        let rest = setting.key.strip_prefix(parent)?;
        let rest = if parent.is_empty() { rest } else { rest.strip_prefix('.')? };
        rest.split(['.', '[']).next()
    })
}

/// The page `docs/src/settings.md`.
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Settings\n\n<!-- Made by `gatehouse settings`; a test compares. Edit \
         gateway/src/config/reference_table.rs. -->\n\nGatehouse reads Tyk Gateway's `tyk.conf`. A key that is not on \
         this page has no effect and is listed once at start when it has a value other than null, false, 0 or empty; \
         under `gatehouse` an unknown key ends the start. null counts as absent, the last of a repeated key counts, and \
         keys match without regard to case. Relative paths begin at the working directory.\n\nA variable overrides the \
         file. Lists are comma separated, objects are `name:value` pairs with commas between, lists of objects are \
         JSON. Underscores and case inside a variable's name do not count after `TYK_GW_`. `secret` may be \
         `env://NAME` (the variable `TYK_SECRET_NAME`) or `secrets://NAME`.\n",
    );
    let ours = |setting: &&Setting| setting.key.starts_with("gatehouse.");
    let refused = |setting: &&Setting| refused::is_refused(setting.key);
    let sections: [(&str, &str, Vec<&Setting>); 3] = [
        ("Tyk's keys", "", SETTINGS.iter().filter(|row| !ours(row) && !refused(row)).collect()),
        (
            "Gatehouse's own keys",
            "All in one object, `\"gatehouse\": { … }`, which Tyk ignores.\n\n",
            SETTINGS.iter().filter(ours).collect(),
        ),
        (
            "Keys that end the start",
            "They ask Tyk for a protection, or a source of definitions, that this version does not have; serving \
             without it would be worse than not to start. Their defaults are accepted.\n\n",
            SETTINGS.iter().filter(refused).collect(),
        ),
    ];
    for (title, introduction, rows) in sections {
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## {title}\n\n{introduction}| Key | Value | Default | Meaning |\n|---|---|---|---|\n"
        );
        for row in rows {
            let variable = row.variable();
            let variable = if variable.is_empty() { variable } else { format!("<br>`{variable}`") };
            let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
            let (key, expectation, meaning) = (row.key, row.kind.expectation(), row.meaning);
            let _ = writeln!(page, "| `{key}`{variable} | {expectation} | {default} | {meaning} |");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    // The page is that of a build with both drivers.
    #[cfg(all(feature = "quickjs", feature = "boa"))]
    #[test]
    fn the_page_is_what_the_table_says() {
        let page = include_str!("../../../docs/src/settings.md");
        assert!(page == reference_markdown(), "make it again: gatehouse settings > docs/src/settings.md");
    }

    #[test]
    fn rows_are_sound() {
        let mut flat = BTreeSet::new();
        for row in SETTINGS {
            assert!(flat.insert(row.key.replace(['_', '.'], "")), "{}: variable is ambiguous", row.key);
            assert!(row.meaning.ends_with('.') && !row.meaning.contains('|'), "{}", row.key);
            assert!(
                row.default.is_empty() || row.default_value().is_some(),
                "{}: default is not JSON",
                row.key
            );
            assert!(
                row.default_value().is_none_or(|value| row.kind.in_range(&value)),
                "{}: default",
                row.key
            );
            assert!(!row.zero_is_default || !row.default.is_empty(), "{}", row.key);
        }
    }

    #[test]
    fn variables_are_tyks() {
        for (key, variable) in [
            ("listen_port", "TYK_GW_LISTENPORT"),
            ("http_server_options.use_ssl", "TYK_GW_HTTPSERVEROPTIONS_USESSL"),
            ("storage.host", "TYK_GW_STORAGE_HOST"),
            ("gatehouse.javascript.driver", "TYK_GW_GATEHOUSE_JAVASCRIPT_DRIVER"),
            ("max_idle_connections_per_host", "TYK_GW_MAXIDLECONNSPERHOST"),
            ("http_server_options.certificates[].cert_file", ""),
        ] {
            assert_eq!(setting(key).unwrap().variable(), variable);
        }
    }

    #[test]
    fn expectations_follow_the_path() {
        for (path, expected) in [
            ("listen_port", "a port between 0 and 65535"),
            ("storage", "an object in { }"),
            ("http_server_options.certificates[2]", "an object in { }"),
            ("http_server_options.certificates[2].key_file", "a text in double quotes"),
            ("http_server_options.ssl_certificates[0]", "a text in double quotes"),
            ("secrets.name", "a text in double quotes"),
            ("gatehouse.javascript.isolation", "one of \"thread\", \"process\""),
        ] {
            assert_eq!(expectation(&Segment::from_dotted(path)), expected, "{path}");
        }
    }

    #[test]
    fn the_page_has_every_row_once() {
        let page = reference_markdown();
        for row in SETTINGS {
            assert_eq!(page.matches(&format!("\n| `{}`", row.key)).count(), 1, "{}", row.key);
        }
    }
}
