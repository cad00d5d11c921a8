//! The table of listen paths: from host and path to the API with the longest listen path.
//!
//! A byte-wise prefix tree for each host, so that the cost of a look-up depends on the length of the path and
//! not on the number of APIs. Listen paths with `{parameters}` are few and are tried one after the other.

use std::collections::HashMap;

use regex::Regex;

use super::literal::Literal;

/// A listen path of an API.
#[derive(Debug)]
pub struct ListenPath<T> {
    /// Host without port, lower case; `None` for any.
    pub host: Option<String>,
    /// The path, with its leading slash.
    pub path: String,
    /// What is found.
    pub target: T,
}

/// Two APIs want the same host and path.
#[derive(Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Index of the later one in the order of insertion.
    pub index: usize,
    /// Index of the one that keeps the path.
    pub kept: usize,
}

/// A found listen path.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a, T> {
    /// What was stored.
    pub target: &'a T,
    /// Bytes of the request path that the listen path took.
    pub length: usize,
}

/// The table; made once for a snapshot.
#[derive(Debug)]
pub struct Table<T> {
    any_host: HostTable,
    hosts: HashMap<String, HostTable>,
    targets: Vec<T>,
    strict: bool,
}

#[derive(Debug)]
struct HostTable {
    tree: Node,
    patterns: Vec<ListenPattern>,
}

impl Default for HostTable {
    fn default() -> Self {
        Self {
            tree: Node { label: Literal::new(b""), target: None, children: Vec::new() },
            patterns: Vec::new(),
        }
    }
}

#[derive(Debug)]
struct ListenPattern {
    regex: Regex,
    target: usize,
}

#[derive(Debug)]
struct Node {
    /// In place: looking through the children of a node touches no other memory.
    label: Literal,
    target: Option<usize>,
    children: Vec<Node>,
}

impl<T> Table<T> {
    /// Builds the table. With `strict`, a listen path ends at a path segment: `/api` does not take `/apis`.
    pub fn build(paths: Vec<ListenPath<T>>, strict: bool) -> (Self, Vec<Conflict>) {
        let mut table =
            Self { any_host: HostTable::default(), hosts: HashMap::new(), targets: Vec::new(), strict };
        let mut conflicts = Vec::new();
        for ListenPath { host, path, target } in paths {
            let index = table.targets.len();
            table.targets.push(target);
            let host_table = match host {
                Some(host) => table.hosts.entry(host).or_default(),
                None => &mut table.any_host,
            };
            if let Err(kept) = host_table.insert(&path, index) {
                conflicts.push(Conflict { index, kept });
            }
        }
        let tables = table.hosts.values_mut().chain([&mut table.any_host]);
        tables.for_each(HostTable::sort);
        (table, conflicts)
    }

    /// Whether any path is for one host only; otherwise the host of a look-up says nothing.
    pub fn tells_hosts_apart(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The API for a host (as in the `Host` header) and a path.
    pub fn find(&self, host: &str, path: &str) -> Option<Found<'_, T>> {
        let for_host = (!self.hosts.is_empty())
            .then(|| {
                let name = host_name(host);
                self.hosts.get(name).or_else(|| self.hosts.get(&name.to_ascii_lowercase()))
            })
            .flatten();
        let found = for_host.and_then(|table| table.find(path, self.strict));
        let (target, length) = found.or_else(|| self.any_host.find(path, self.strict))?;
        Some(Found { target: self.targets.get(target)?, length })
    }
}

/// The host without a port; an IPv6 address keeps its brackets.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

impl HostTable {
    fn insert(&mut self, path: &str, target: usize) -> Result<(), usize> {
        if path.contains('{') {
            let expression = listen_expression(path);
            if let Ok(regex) = Regex::new(&expression) {
                if let Some(same) = self.patterns.iter().find(|pattern| pattern.regex.as_str() == expression)
                {
                    return Err(same.target);
                }
                self.patterns.push(ListenPattern { regex, target });
                return Ok(());
            }
        }
        self.tree.insert(path.as_bytes(), target)
    }

    /// Longer patterns are tried first, as Tyk orders listen paths.
    fn sort(&mut self) {
        self.patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.regex.as_str().len()));
    }

    fn find(&self, path: &str, strict: bool) -> Option<(usize, usize)> {
        let literal = self.tree.find(path.as_bytes(), strict);
        let by_pattern = self.patterns.iter().find_map(|pattern| {
            let found = pattern.regex.find(path)?;
            ends_at_segment(path.as_bytes(), found.end(), strict).then_some((pattern.target, found.end()))
        });
        match (literal, by_pattern) {
            (Some(literal), Some(by_pattern)) => {
                Some(if by_pattern.1 > literal.1 { by_pattern } else { literal })
            }
            (literal, by_pattern) => literal.or(by_pattern),
        }
    }
}

/// `{name}` and `{name:expression}` in a listen path, anchored at the start.
fn listen_expression(path: &str) -> String {
    let mut expression = String::from("^");
    let mut rest = path;
    while let Some((before, from)) = rest.split_once('{') {
        expression.push_str(&regex::escape(before));
        match from.split_once('}') {
            Some((parameter, after)) => {
                let inner = parameter.split_once(':').map_or("[^/]+", |(_, inner)| inner);
                expression.push_str(&format!("(?:{inner})"));
                rest = after;
            }
            None => {
                expression.push_str(r"\{");
                rest = from;
            }
        }
    }
    expression.push_str(&regex::escape(rest));
    expression
}

fn ends_at_segment(path: &[u8], length: usize, strict: bool) -> bool {
    !strict
        || length == path.len()
        || path.get(length) == Some(&b'/')
        || path.get(length.wrapping_sub(1)) == Some(&b'/')
}

impl Node {
    fn insert(&mut self, path: &[u8], target: usize) -> Result<(), usize> {
        if path.is_empty() {
            return match self.target {
                Some(kept) => Err(kept),
                None => {
                    self.target = Some(target);
                    Ok(())
                }
            };
        }
        let Some(child) =
            self.children.iter_mut().find(|child| child.label.as_bytes().first() == path.first())
        else {
            self.children.push(Self {
                label: Literal::new(path),
                target: Some(target),
                children: Vec::new(),
            });
            return Ok(());
        };
        let common =
            child.label.as_bytes().iter().zip(path).take_while(|(left, right)| left == right).count();
        if common < child.label.as_bytes().len() {
            let tail = Literal::new(&child.label.as_bytes()[common..]);
            let lower = Self {
                label: tail,
                target: child.target.take(),
                children: std::mem::take(&mut child.children),
            };
            child.label = Literal::new(&child.label.as_bytes()[..common]);
            child.children.push(lower);
        }
        child.insert(&path[common..], target)
    }

    fn find(&self, path: &[u8], strict: bool) -> Option<(usize, usize)> {
        let mut node = self;
        let mut at = 0;
        let mut best = None;
        loop {
            if let Some(target) = node.target
                && ends_at_segment(path, at, strict)
            {
                best = Some((target, at));
            }
            let rest = &path[at..];
            let Some(first) = rest.first() else { return best };
            let Some(child) =
                node.children.iter().find(|child| child.label.as_bytes().first() == Some(first))
            else {
                return best;
            };
            if !rest.starts_with(child.label.as_bytes()) {
                return best;
            }
            at += child.label.as_bytes().len();
            node = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Conflict, ListenPath, Table};

    fn table(paths: &[(Option<&str>, &str)], strict: bool) -> (Table<String>, Vec<Conflict>) {
        let listen = |(host, path): &(Option<&str>, &str)| ListenPath {
            host: host.map(str::to_owned),
            path: (*path).to_owned(),
            target: format!("{}{path}", host.unwrap_or("")),
        };
        Table::build(paths.iter().map(listen).collect(), strict)
    }

    #[test]
    fn the_longest_listen_path_wins() {
        let (table, conflicts) = table(&[(None, "/a/"), (None, "/a/b/"), (None, "/abc"), (None, "/")], false);
        assert!(conflicts.is_empty());
        let cases = [
            ("/a/x", "/a/"),
            ("/a/b/x", "/a/b/"),
            ("/a/b", "/a/"),
            ("/abcd", "/abc"),
            ("/ab", "/"),
            ("/a", "/"),
            ("/", "/"),
        ];
        for (path, expected) in cases {
            let found = table.find("", path).unwrap();
            assert_eq!(found.target, expected, "{path}");
            assert_eq!(found.length, expected.len());
        }
    }

    #[test]
    fn nothing_is_found_outside() {
        let (table, _) = table(&[(None, "/a/"), (Some("h"), "/b/")], false);
        for path in ["/", "/b/", "/a", ""] {
            assert!(table.find("", path).is_none(), "{path}");
        }
    }

    #[test]
    fn hosts_are_told_apart() {
        let (table, _) =
            table(&[(None, "/a/"), (Some("h.example"), "/a/"), (Some("h.example"), "/only/")], false);
        assert_eq!(table.find("h.example", "/a/").unwrap().target, "h.example/a/");
        assert_eq!(table.find("H.Example:8080", "/a/").unwrap().target, "h.example/a/");
        assert_eq!(table.find("other", "/a/").unwrap().target, "/a/");
        assert!(table.find("other", "/only/").is_none());
    }

    #[test]
    fn strict_routes_end_at_a_segment() {
        let (strict, _) = table(&[(None, "/api"), (None, "/x/")], true);
        assert!(strict.find("", "/api").is_some() && strict.find("", "/api/x").is_some());
        assert!(strict.find("", "/apis").is_none());
        assert!(strict.find("", "/x/y").is_some());
        assert!(table(&[(None, "/api")], false).0.find("", "/apis").is_some());
    }

    #[test]
    fn parameters_in_listen_paths() {
        let (table, _) = table(&[(None, "/{tenant}/api/"), (None, "/v{n:[0-9]+}/"), (None, "/a/")], false);
        assert_eq!(table.find("", "/acme/api/x").unwrap().length, "/acme/api/".len());
        assert_eq!(table.find("", "/v12/x").unwrap().target, "/v{n:[0-9]+}/");
        assert_eq!(table.find("", "/a/api/x").unwrap().target, "/{tenant}/api/");
        assert_eq!(table.find("", "/a/x").unwrap().target, "/a/");
    }

    #[test]
    fn the_first_of_two_equal_paths_keeps_it() {
        let (table, conflicts) = table(&[(None, "/a/"), (None, "/a/")], false);
        assert_eq!(conflicts, [Conflict { index: 1, kept: 0 }]);
        assert!(table.find("", "/a/").is_some());
    }

    #[test]
    fn no_path_panics() {
        let (table, _) = table(&[(None, "/ä/"), (None, "/a"), (None, "/\u{1f600}x")], true);
        for path in ["", "/", "/\u{e4}", "/ä/b", "//", "/a\u{301}", "/\u{1f600}y"] {
            let _ = table.find("", path);
        }
    }
}
