//! From JSON to [`TykConf`]: Go's rules for null, zero and case, defaults, and every wrong type at once.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    file::TykConf,
    locate::Segment,
    nearest::nearest,
    reference::{self, Kind},
    reference_table::SETTINGS,
    report::Report,
};

/// Keys of the file that nothing reads, each as its steps.
pub(super) type Ignored = Vec<Vec<Step>>;

/// A [`Segment`] that owns its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    pub(super) fn segments(path: &[Self]) -> Vec<Segment<'_>> {
        path.iter()
            .map(|step| match step {
                Self::Key(key) => Segment::Key(key),
                Self::Index(index) => Segment::Index(*index),
            })
            .collect()
    }
}

/// Removes nulls, and gives keys the case of the reference; Go matches them without regard to it.
pub(super) fn normalise(tree: &mut Map<String, Value>) {
    normalise_under(tree, "");
}

fn normalise_under(tree: &mut Map<String, Value>, parent: &str) {
    tree.retain(|_, value| !value.is_null());
    for name in reference::names_under(parent) {
        if !tree.contains_key(name) {
            let written = tree.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
            if let Some(value) = written.and_then(|written| tree.remove(&written)) {
                tree.insert(name.to_owned(), value);
            }
        }
    }
    for (name, value) in tree {
        let key = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        match value {
            Value::Object(members) => normalise_under(members, &key),
            Value::Array(elements) => {
                for members in elements.iter_mut().filter_map(Value::as_object_mut) {
                    normalise_under(members, &format!("{key}[]"));
                }
            }
            _ => {}
        }
    }
}

/// Reads the settings as written. Values of a wrong type or out of range are reported and count as absent.
pub(super) fn read(tree: Map<String, Value>, report: &mut Report<'_>) -> (TykConf, Ignored) {
    let mut tree = Value::Object(tree);
    reject_lists(&mut tree, &mut Vec::new(), report);
    check_ranges(&mut tree, report);
    loop {
        insert_defaults(&mut tree);
        let mut ignored = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let deserializer = serde_path_to_error::Deserializer::new(&tree, &mut track);
        let mut note = |path: serde_ignored::Path<'_>| ignored.push(steps(&path));
        match TykConf::deserialize(serde_ignored::Deserializer::new(deserializer, &mut note)) {
            Ok(conf) => {
                ignored.retain(|path| is_noteworthy(&tree, path));
                return (conf, ignored);
            }
            Err(_) => {
                // serde stops at the first; without that value it finds the next.
                let path = track.path();
                let path = Segment::from_serde(&path);
                report.wrong_value(&path, value_at(&tree, &path).unwrap_or(&Value::Null));
                if !set_aside(&mut tree, &path) {
                    return (TykConf::default(), Vec::new());
                }
            }
        }
    }
}

/// The name under the same parent that an unknown key was probably meant to be, as a whole path.
pub(super) fn meant(path: &[Step]) -> Option<String> {
    let (Step::Key(name), parent) = path.split_last()? else { return None };
    let parent = Step::segments(parent);
    let row_key = reference::row_key(&parent);
    let nearest = nearest(name, reference::names_under(&row_key))?;
    let mut path = parent;
    path.push(Segment::Key(nearest));
    Some(Segment::to_dotted(&path))
}

/// serde would take a list for an object, its elements for the members in their order; nobody means that.
fn reject_lists(tree: &mut Value, path: &mut Vec<Segment<'static>>, report: &mut Report<'_>) {
    let Some(members) = tree.as_object_mut() else { return };
    let parent = reference::row_key(path);
    for name in BTreeSet::from_iter(reference::names_under(&parent)) {
        let Some(value) = members.get_mut(name) else { continue };
        path.push(Segment::Key(name));
        let mut reject = false;
        match (reference::setting(&reference::row_key(path)).map(|row| row.kind), &mut *value) {
            (None, Value::Array(_)) => {
                report.wrong_value(path, value);
                reject = true;
            }
            (None, value) => reject_lists(value, path, report),
            (Some(Kind::Records), Value::Array(elements)) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    path.push(Segment::Index(index));
                    if element.is_array() {
                        report.wrong_value(path, element);
                        reject = true;
                    }
                    path.pop();
                }
            }
            _ => {}
        }
        path.pop();
        if reject {
            members.remove(name);
        }
    }
}

fn check_ranges(tree: &mut Value, report: &mut Report<'_>) {
    for setting in SETTINGS.iter().filter(|setting| !setting.key.contains("[]")) {
        let path = Segment::from_dotted(setting.key);
        let Some((parent, name)) = parent_mut(tree, &path) else { continue };
        let Some(value) = parent.get_mut(name) else { continue };
        if let (Kind::Word(words), Value::String(text)) = (setting.kind, &mut *value) {
            if words.contains(&text.to_lowercase().as_str()) {
                *text = text.to_lowercase();
            }
            // Go's zero value is the same as no value.
            if text.is_empty() {
                parent.remove(name);
                continue;
            }
        }
        if !setting.kind.in_range(value) {
            report.wrong_value(&path, value);
            parent.remove(name);
        }
    }
}

fn insert_defaults(tree: &mut Value) {
    for setting in SETTINGS {
        let Some(default) = setting.default_value() else { continue };
        put_default(tree, &Segment::from_dotted(setting.key), default, setting.zero_is_default);
    }
}

fn put_default(tree: &mut Value, path: &[Segment<'_>], default: Value, zero_is_default: bool) {
    let (Some((Segment::Key(first), rest)), Some(members)) = (path.split_first(), tree.as_object_mut())
    else {
        return;
    };
    if rest.is_empty() {
        let value = members.entry(*first).or_insert(Value::Null);
        if value.is_null() || (zero_is_default && value.as_f64() == Some(0.0)) {
            *value = default;
        }
    } else {
        let inner = members.entry(*first).or_insert_with(|| Value::Object(Map::new()));
        put_default(inner, rest, default, zero_is_default);
    }
}

/// Takes a value that cannot be read out of the way: from its object, or with the list that holds it.
fn set_aside(tree: &mut Value, path: &[Segment<'_>]) -> bool {
    let Some(last_key) = path.iter().rposition(|segment| matches!(segment, Segment::Key(_))) else {
        return false;
    };
    parent_mut(tree, &path[..=last_key]).and_then(|(parent, name)| parent.remove(name)).is_some()
}

fn parent_mut<'t, 'p>(
    tree: &'t mut Value,
    path: &[Segment<'p>],
) -> Option<(&'t mut Map<String, Value>, &'p str)> {
    let (Segment::Key(name), parents) = path.split_last()? else { return None };
    let mut here = tree;
    for segment in parents {
        here = match segment {
            Segment::Key(key) => here.get_mut(*key)?,
            Segment::Index(index) => here.get_mut(*index)?,
        };
    }
    here.as_object_mut().map(|parent| (parent, *name))
}

fn value_at<'t>(tree: &'t Value, path: &[Segment<'_>]) -> Option<&'t Value> {
    path.iter().try_fold(tree, |here, segment| match segment {
        Segment::Key(key) => here.get(*key),
        Segment::Index(index) => here.get(*index),
    })
}

/// Nothing is lost with a zero value; but a key of ours that does not exist can only be a mistake.
fn is_noteworthy(tree: &Value, path: &[Step]) -> bool {
    is_ours(path) || value_at(tree, &Step::segments(path)).is_some_and(|value| !is_zero(value))
}

/// Whether a key is one of Gatehouse's own.
pub(super) fn is_ours(path: &[Step]) -> bool {
    matches!(path.first(), Some(Step::Key(first)) if first == "gatehouse")
}

/// What Go would have without the key; no effect is missed then.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.iter().all(is_zero),
        Value::Object(members) => members.values().all(is_zero),
    }
}

fn steps(path: &serde_ignored::Path<'_>) -> Vec<Step> {
    use serde_ignored::Path;
    let (parent, step) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, Some(Step::Index(*index))),
        Path::Map { parent, key } => (parent, Some(Step::Key(key.clone()))),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            (parent, None)
        }
    };
    let mut steps = steps(parent);
    steps.extend(step);
    steps
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn reading(mut tree: Value) -> (TykConf, Vec<String>, Vec<String>) {
        let mut report = Report::new(Path::new("tyk.conf"), "");
        let tree = tree.as_object_mut().map(std::mem::take).unwrap();
        let (conf, ignored) = read(tree, &mut report);
        let problems = report.into_problems().into_iter().map(|problem| problem.key).collect();
        (conf, problems, ignored.iter().map(|path| Segment::to_dotted(&Step::segments(path))).collect())
    }

    #[test]
    fn normalises_as_go_does() {
        let mut tree = json!({
            "Listen_Port": 1, "SECRET": "kept", "secret": "exact", "unknown": {"Null": null},
            "http_server_options": {"Certificates": [{"CERT_FILE": "c", "key_file": null}, null]},
        });
        let mut expected = json!({
            "listen_port": 1, "SECRET": "kept", "secret": "exact", "unknown": {},
            "http_server_options": {"certificates": [{"cert_file": "c"}, null]},
        });
        normalise(tree.as_object_mut().unwrap());
        assert_eq!(tree.as_object_mut(), expected.as_object_mut());
    }

    #[test]
    fn goes_on_after_each_problem() {
        let (conf, problems, ignored) = reading(json!({
            "listen_port": "x", "jsvm_timeout": 99_999, "secrets": {"a": 1, "b": "kept"}, "enable_jsvm": true,
            "http_server_options": {"ssl_certificates": ["a", 1], "certificates": [{}, []], "nobody_knows": 1, "nor_this": 0},
            "gatehouse": {"nor_that": 0, "limits": []},
        }));
        assert_eq!(
            problems,
            [
                "gatehouse.limits",
                "http_server_options.certificates[1]",
                "jsvm_timeout",
                "http_server_options.ssl_certificates[1]",
                "listen_port",
                "secrets.a",
            ]
        );
        assert_eq!((conf.listen_port, conf.jsvm_timeout, conf.enable_jsvm), (8080, 5, true));
        assert_eq!(conf.secrets["b"], "kept");
        assert_eq!(ignored, ["gatehouse.nor_that", "http_server_options.nobody_knows"]);
    }

    #[test]
    fn knows_what_was_meant() {
        let meant =
            |path: &[&str]| meant(&path.iter().map(|key| Step::Key(key.to_string())).collect::<Vec<_>>());
        assert_eq!(meant(&["lisen_port"]).as_deref(), Some("listen_port"));
        assert_eq!(meant(&["gatehouse", "limit"]).as_deref(), Some("gatehouse.limits"));
        assert_eq!(meant(&["gatehouse", "listen_port"]), None);
        assert_eq!(meant(&[]), None);
    }
}
