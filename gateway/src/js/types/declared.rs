//! Reads the declarations as far as the tests compare them. Its grammar is how the files are written: one declaration
//! or member to a line, members indented by two spaces; a line of another form is an error of the test.

use std::collections::{BTreeMap, BTreeSet};

/// What the files declare.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    /// Global functions with the names of their parameters.
    pub(crate) functions: BTreeMap<String, Vec<String>>,
    /// Global variables with the names of their types.
    pub(crate) variables: BTreeMap<String, String>,
    /// Members of interfaces.
    pub(crate) interfaces: BTreeMap<String, Vec<Member>>,
    /// Other types, as they are written.
    pub(crate) types: BTreeMap<String, String>,
}

/// A member of an interface.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// It may be missing.
    pub(crate) optional: bool,
    /// Names of the parameters of a method; `None` for a value.
    pub(crate) parameters: Option<Vec<String>>,
    /// What its comment says.
    pub(crate) doc: String,
}

impl Member {
    /// `Object.keys` does not show it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.doc.contains("not enumerable")
    }

    /// The gateway does not look at changes.
    pub(crate) fn is_to_read(&self) -> bool {
        self.doc.contains("To read")
    }
}

impl Declarations {
    /// All that is declared.
    pub(crate) fn read() -> Self {
        let mut declarations = Self::default();
        for file in super::FILES {
            declarations.read_file(file);
        }
        declarations
    }

    /// The members of an interface.
    pub(crate) fn members(&self, interface: &str) -> &[Member] {
        self.interfaces.get(interface).unwrap_or_else(|| panic!("no interface {interface}"))
    }

    /// Names of the members of an interface.
    pub(crate) fn names(&self, interface: &str) -> BTreeSet<String> {
        self.members(interface).iter().map(|member| member.name.clone()).collect()
    }

    /// The texts in quotation marks of a type.
    pub(crate) fn quoted(&self, name: &str) -> BTreeSet<String> {
        let text = self.types.get(name).unwrap_or_else(|| panic!("no type {name}"));
        text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn read_file(&mut self, text: &str) {
        let (mut doc, mut within) = (String::new(), None::<String>);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let trimmed = line.trim_start();
            if trimmed.is_empty() || trimmed.starts_with("//") {
                doc.clear();
            } else if trimmed.starts_with("/**") || trimmed.starts_with("* ") || trimmed == "*/" {
                doc.push_str(trimmed);
            } else if line == "}" {
                within = None;
            } else if let Some(interface) = &within {
                let member = line.strip_prefix("  ").unwrap_or_else(|| panic!("not a member: {line}"));
                if !member.starts_with(['[', '<']) {
                    let member = read_member(member, std::mem::take(&mut doc));
                    self.interfaces.entry(interface.clone()).or_default().push(member);
                }
            } else if let Some(rest) = line.strip_prefix("interface ") {
                let (name, _) = name_of(rest);
                assert!(line.ends_with('{'), "not the beginning of an interface: {line}");
                assert!(self.interfaces.insert(name.clone(), Vec::new()).is_none(), "{name} twice");
                within = Some(name);
            } else if let Some(rest) = line.strip_prefix("declare function ") {
                let (name, rest) = name_of(rest);
                self.functions.insert(name, parameters(rest));
            } else if let Some(rest) = line.strip_prefix("declare var ") {
                let (name, rest) = name_of(rest);
                let of = rest.strip_prefix(": ").and_then(|of| of.strip_suffix(';'));
                self.variables
                    .insert(name, of.unwrap_or_else(|| panic!("not a variable: {line}")).to_owned());
            } else if let Some(rest) = line.strip_prefix("type ") {
                let (name, _) = name_of(rest);
                let mut whole = rest.to_owned();
                while !(depth(&whole) == 0 && whole.ends_with(';')) {
                    whole.push_str(lines.next().unwrap_or_else(|| panic!("the type {name} does not end")));
                }
                self.types.insert(name, whole);
            } else {
                panic!("not a declaration: {line}");
            }
        }
    }
}

fn read_member(text: &str, doc: String) -> Member {
    let (name, rest) = name_of(text.strip_prefix("readonly ").unwrap_or(text));
    let (optional, rest) = rest.strip_prefix('?').map_or((false, rest), |rest| (true, rest));
    assert!(text.ends_with(';'), "not a member: {text}");
    let parameters = match rest.chars().next() {
        Some(':') => None,
        Some('(' | '<') => Some(parameters(rest)),
        _ => panic!("not a member: {text}"),
    };
    Member { name, optional, parameters, doc }
}

/// A name and what comes after it.
fn name_of(text: &str) -> (String, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    assert!(end > 0, "not a name: {text}");
    (text[..end].to_owned(), &text[end..])
}

/// The names of the parameters of `<T>(a: A, b?: B): R;`.
fn parameters(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let (mut open, mut last) = (0, ' ');
    let mut in_parentheses = false;
    for c in text.chars() {
        let was = open;
        open += step(c, last);
        last = c;
        match c {
            '(' if was == 0 => in_parentheses = true,
            ')' if open == 0 && in_parentheses => break,
            ',' if open == 1 && in_parentheses => names.push(String::new()),
            _ if in_parentheses => names.last_mut().into_iter().for_each(|name| name.push(c)),
            _ => {}
        }
    }
    let name = |text: &String| text.split([':', '?']).next().unwrap_or_default().trim().to_owned();
    names.iter().map(name).filter(|name| !name.is_empty()).collect()
}

fn depth(text: &str) -> i32 {
    text.chars().fold((0, ' '), |(open, last), c| (open + step(c, last), c)).0
}

/// How a character changes the depth of brackets; the arrow of a function type is none.
fn step(c: char, last: char) -> i32 {
    match c {
        '(' | '[' | '{' | '<' => 1,
        '>' if last == '=' => 0,
        ')' | ']' | '}' | '>' => -1,
        _ => 0,
    }
}
