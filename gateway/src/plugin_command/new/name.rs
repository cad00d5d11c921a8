//! Names of crates, by cargo's rules and those of a library that depends on the SDK.

/// Rust's keywords, strict and reserved, which no crate can be called by.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Names that mean something else to cargo or the compiler.
const RESERVED: &[&str] =
    &["alloc", "core", "proc_macro", "std", "test", "build", "deps", "examples", "incremental"];

/// What the new crate depends on: cargo could not tell the two apart.
const DEPENDENCIES: &[&str] =
    &["gatehouse_plugin", "gatehouse_plugin_abi", "gatehouse_plugin_macros", "serde", "serde_json"];

/// Longest name of a file on Linux, with room for `lib` and `.so`.
const LONGEST: usize = 200;

/// Whether a crate can have this name.
///
/// # Errors
/// Why not.
pub(super) fn check(name: &str) -> Result<(), String> {
    let library = name.replace('-', "_");
    let Some(first) = name.chars().next() else { return Err("it is empty; a crate needs a name".to_owned()) };
    if let Some(wrong) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_".contains(*c)) {
        let advice = "letters, digits, `-` and `_` are allowed; --path says where the crate goes";
        return Err(format!("`{name}` has a {wrong:?}; {advice}"));
    }
    if !first.is_ascii_alphabetic() {
        return Err(format!("`{name}` begins with {first:?}; begin with a letter"));
    }
    if name.len() > LONGEST {
        return Err(format!("it has {} characters; {LONGEST} is the most", name.len()));
    }
    if KEYWORDS.contains(&&*library) {
        return Err(format!("`{name}` is a keyword of Rust; try `{name}-plugin`"));
    }
    if RESERVED.contains(&&*library) {
        return Err(format!("`{name}` means something else to cargo; try `{name}-plugin`"));
    }
    if DEPENDENCIES.contains(&&*library) {
        return Err(format!("`{name}` is what the new crate depends on; try `my-{name}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_that_cargo_takes_are_taken() {
        for name in ["a", "greeting", "my-plugin_2", "Partners"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn others_are_refused_with_the_reason() {
        let cases = [
            ("", "it is empty; a crate needs a name"),
            (
                "a/b",
                "`a/b` has a '/'; letters, digits, `-` and `_` are allowed; --path says where the crate goes",
            ),
            (
                "grüße",
                "`grüße` has a 'ü'; letters, digits, `-` and `_` are allowed; --path says where the crate goes",
            ),
            ("2nd", "`2nd` begins with '2'; begin with a letter"),
            ("_a", "`_a` begins with '_'; begin with a letter"),
            ("match", "`match` is a keyword of Rust; try `match-plugin`"),
            ("proc-macro", "`proc-macro` means something else to cargo; try `proc-macro-plugin`"),
            ("serde-json", "`serde-json` is what the new crate depends on; try `my-serde-json`"),
        ];
        for (name, reason) in cases {
            assert_eq!(check(name), Err(reason.to_owned()), "{name}");
        }
        assert!(check(&"a".repeat(201)).is_err());
    }
}
