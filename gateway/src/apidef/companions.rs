//! What belongs to a definition and stands beside it: bundles, and the folders of hooks below `middleware_path`.
//!
//! Both become entries of `custom_middleware` before the definition is read, so that they are checked as if they had
//! been written there.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Problems, read::Kind};

/// Folders below `middleware_path/API-ID`, and the places that their hooks go to.
const FOLDERS: [(&str, &str); 4] =
    [("pre", "pre"), ("auth", "auth_check"), ("post_auth", "post_key_auth"), ("post", "post")];
/// Lists of hooks.
const LISTS: [&str; 4] = ["pre", "post", "post_key_auth", "response"];

/// What stands beside a definition and was read with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// It names a bundle that was looked for.
    pub has_bundle: bool,
    /// Hooks in the folders of its API, with the places that they go to.
    pub hooks: Vec<(&'static str, Vec<Value>)>,
}

/// A bundle, as far as definitions are concerned.
#[derive(Debug)]
pub struct CompanionBundle {
    /// Where its files are.
    pub folder: PathBuf,
    /// `custom_middleware` of its manifest.
    pub custom_middleware: Value,
}

/// Where to look.
pub struct Companions<'a> {
    /// Folder with a folder for each API.
    pub middleware_path: &'a Path,
    /// Finds a bundle by its name, or says why not.
    pub bundle: &'a dyn Fn(&str) -> Result<CompanionBundle, String>,
}

impl Companions<'_> {
    /// Adds to a definition what belongs to it. One whose bundle cannot be used is refused: its hooks may be what protects
    /// it.
    pub(super) fn join(&self, definition: &mut Value, kind: Kind, problems: &mut Problems) -> Beside {
        match kind {
            Kind::Classic => self.join_classic(definition, problems),
            Kind::Oas => self.join_oas(definition, problems),
        }
    }

    /// Takes the Classic form of what belongs to the definition over into its own.
    fn join_oas(&self, document: &mut Value, problems: &mut Problems) -> Beside {
        let Some(extension) = document.get_mut("x-tyk-api-gateway").filter(|extension| extension.is_object())
        else {
            return Beside::default();
        };
        let text =
            |pointer: &str| extension.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
        let flag = |pointer: &str| extension.pointer(pointer).and_then(Value::as_bool) == Some(true);
        let bundled = flag("/middleware/global/pluginConfig/bundle/enabled");
        let mut classic = json!({
            "active": flag("/info/state/active"),
            "api_id": text("/info/id"),
            "custom_middleware_bundle": text("/middleware/global/pluginConfig/bundle/path"),
            "custom_middleware_bundle_disabled": !bundled,
        });
        let mut found = Problems::default();
        let beside = self.join_classic(&mut classic, &mut found);
        let is_named = bundled && !text("/middleware/global/pluginConfig/bundle/path").trim().is_empty();
        let is_loaded = is_named && found.refusals.is_empty();
        if is_named && let Some(bundle) = extension.pointer_mut("/middleware/global/pluginConfig/bundle") {
            *bundle = Value::Null;
        }
        for problem in found.refusals {
            problems.refuse("x-tyk-api-gateway.middleware.global.pluginConfig.bundle", problem.message);
        }
        let section = classic["custom_middleware"].take();
        if section.is_object() || is_loaded {
            write_oas(extension, &section, is_loaded);
        }
        beside
    }

    fn join_classic(&self, definition: &mut Value, problems: &mut Problems) -> Beside {
        if definition.get("active").and_then(Value::as_bool) != Some(true) {
            return Beside::default();
        }
        let name = definition.get("custom_middleware_bundle").and_then(Value::as_str).unwrap_or("").trim();
        let disabled = definition.get("custom_middleware_bundle_disabled").and_then(Value::as_bool);
        let has_bundle = !name.is_empty() && disabled != Some(true);
        if has_bundle {
            match (self.bundle)(name) {
                Ok(bundle) => {
                    definition["custom_middleware"] = in_folder(bundle);
                }
                Err(why) => {
                    let message = format!("names the bundle `{name}`, which cannot be used: {why}");
                    problems.refuse("custom_middleware_bundle", message);
                }
            }
            // There is nothing more to say about it.
            definition["custom_middleware_bundle"] = "".into();
        }
        let hooks = self.hooks_beside(definition.get("api_id").and_then(Value::as_str).unwrap_or(""));
        add_hooks(definition, &hooks);
        Beside { has_bundle, hooks }
    }

    /// The hooks in the folders of the API with this id.
    pub fn hooks_beside(&self, id: &str) -> Vec<(&'static str, Vec<Value>)> {
        // An id is anything; a folder of ours it is only if it stays here.
        let mut parts = Path::new(id).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            return Vec::new();
        }
        let folder = self.middleware_path.join(id);
        if !folder.is_dir() {
            return Vec::new();
        }
        let places = FOLDERS.iter().map(|(name, place)| (*place, scripts(&folder.join(name))));
        places.filter(|(_, hooks)| !hooks.is_empty()).collect()
    }
}

/// Adds hooks to those of a Classic definition.
fn add_hooks(definition: &mut Value, hooks: &[(&'static str, Vec<Value>)]) {
    for (place, hooks) in hooks {
        if !definition.get("custom_middleware").is_some_and(Value::is_object) {
            definition["custom_middleware"] = json!({});
        }
        let entry = &mut definition["custom_middleware"][place];
        if *place == "auth_check" {
            *entry = hooks.last().cloned().unwrap_or_default();
        } else if let Some(list) = entry.as_array_mut() {
            list.extend_from_slice(hooks);
        } else if entry.is_null() {
            *entry = hooks.clone().into();
        }
    }
}

/// Writes hooks of the Classic form into an OAS extension; those of a bundle take the place of what is there.
fn write_oas(extension: &mut Value, section: &Value, replaces: bool) {
    const PLACES: [(&str, &str, &str); 4] = [
        ("pre", "prePlugins", "prePlugin"),
        ("post_key_auth", "postAuthenticationPlugins", "postAuthenticationPlugin"),
        ("post", "postPlugins", "postPlugin"),
        ("response", "responsePlugins", "responsePlugin"),
    ];
    let global = object(object(extension, "middleware"), "global");
    if replaces {
        let config = object(global, "pluginConfig");
        if let Some(driver) = section.get("driver") {
            config["driver"] = driver.clone();
        }
    }
    for (list, place, older) in PLACES {
        let hooks = section.get(list).and_then(Value::as_array).into_iter().flatten().map(oas_plugin);
        let hooks: Vec<Value> = hooks.collect();
        if replaces {
            global[place] = hooks.into();
        } else if !hooks.is_empty() {
            let mut all = match (global[place].take(), global[older]["plugins"].as_array()) {
                (Value::Array(plugins), _) => plugins,
                (_, Some(plugins)) => plugins.clone(),
                _ => Vec::new(),
            };
            all.extend(hooks);
            global[place] = all.into();
        }
    }
    if let Some(hook) = section.get("auth_check").filter(|hook| hook.get("name").is_some()) {
        let authentication = object(object(extension, "server"), "authentication");
        object(authentication, "custom")["config"] = oas_plugin(hook);
    }
}

/// The member of this name, made an object if it is none.
fn object<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    let member = &mut value[name];
    if !member.is_object() {
        *member = json!({});
    }
    member
}

/// A hook of the Classic form as OAS has it.
fn oas_plugin(hook: &Value) -> Value {
    let mut plugin = json!({"enabled": hook.get("disabled").and_then(Value::as_bool) != Some(true)});
    for (classic, oas) in [
        ("name", "functionName"),
        ("path", "path"),
        ("code", "code"),
        ("driver", "driver"),
        ("config", "config"),
        ("require_session", "requireSession"),
        ("raw_body_only", "rawBodyOnly"),
        ("on_load_failure", "onLoadFailure"),
    ] {
        if let Some(value) = hook.get(classic) {
            plugin[oas] = value.clone();
        }
    }
    if let Some(seconds) = hook.get("timeout").and_then(Value::as_f64).filter(|seconds| *seconds > 0.0) {
        plugin["timeout"] = format!("{seconds}s").into();
    }
    plugin
}

/// Hooks for the `*.js` files of a folder, in the order of their names. A hook's object has the file's name up to its
/// first dot; one that ends in `_with_session` gets the session.
fn scripts(folder: &Path) -> Vec<Value> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "js") && path.is_file());
    paths.sort();
    let hook = |path: &PathBuf| {
        let file = path.file_name()?.to_str()?;
        let name = file.split('.').next()?;
        let require_session = file.ends_with("_with_session.js");
        Some(json!({"name": name, "path": path.to_str()?, "require_session": require_session}))
    };
    paths.iter().filter_map(hook).collect()
}

/// The hooks of a bundle, with the paths of their files as the gateway finds them.
fn in_folder(bundle: CompanionBundle) -> Value {
    let mut section = bundle.custom_middleware;
    if !section.is_object() {
        return json!({});
    }
    let place = |hook: &mut Value| {
        if let Some(path) = hook.get("path").and_then(Value::as_str).filter(|path| !path.is_empty()) {
            hook["path"] = bundle.folder.join(path).to_string_lossy().into_owned().into();
        }
    };
    for list in LISTS {
        section.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(place);
    }
    section.get_mut("auth_check").into_iter().for_each(place);
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(folder: &Path, mut definition: Value) -> (Value, Problems) {
        let bundle = |name: &str| match name {
            "good" => Ok(CompanionBundle {
                folder: "bundles/x".into(),
                custom_middleware: json!({"driver": "otto", "pre": [{"name": "a", "path": "a.js"}, {"name": "b"}],
                    "auth_check": {"name": "c", "path": "c.js"}}),
            }),
            _ => Err("because".to_owned()),
        };
        let mut problems = Problems::default();
        Companions { middleware_path: folder, bundle: &bundle }.join(
            &mut definition,
            Kind::Classic,
            &mut problems,
        );
        (definition, problems)
    }

    #[test]
    fn a_bundle_takes_the_place_of_the_section() {
        let folder = tempfile::tempdir().unwrap();
        let definition = json!({"active": true, "api_id": "x", "custom_middleware_bundle": "good",
            "custom_middleware": {"post": [{"name": "gone"}]}});
        let (joined_to, problems) = joined(folder.path(), definition);
        assert!(problems.refusals.is_empty());
        assert_eq!(
            joined_to["custom_middleware"],
            json!({"driver": "otto", "pre": [{"name": "a", "path": "bundles/x/a.js"}, {"name": "b"}],
                "auth_check": {"name": "c", "path": "bundles/x/c.js"}})
        );
        let (_, problems) =
            joined(folder.path(), json!({"active": true, "api_id": "x", "custom_middleware_bundle": "bad"}));
        assert!(problems.refusals[0].message.contains("because"));
        let disabled = json!({"active": true, "api_id": "x", "custom_middleware_bundle": "bad",
            "custom_middleware_bundle_disabled": true});
        assert!(joined(folder.path(), disabled).1.refusals.is_empty());
    }

    #[test]
    fn folders_add_hooks() {
        let folder = tempfile::tempdir().unwrap();
        for file in
            ["x/pre/b.js", "x/pre/a.v2.js", "x/pre/note.txt", "x/post/c_with_session.js", "x/auth/check.js"]
        {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let definition =
            json!({"active": true, "api_id": "x", "custom_middleware": {"pre": [{"name": "first"}]}});
        let (joined_to, _) = joined(folder.path(), definition);
        let section = &joined_to["custom_middleware"];
        let names: Vec<_> =
            section["pre"].as_array().unwrap().iter().map(|hook| hook["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["first", "a", "b"]);
        assert_eq!(
            (&section["post"][0]["name"], &section["post"][0]["require_session"]),
            (&"c_with_session".into(), &true.into())
        );
        assert_eq!(section["auth_check"]["name"], "check");
        // Ids that lead elsewhere have no folder.
        for id in ["..", "x/..", "/", "", "."] {
            let (joined_to, _) = joined(&folder.path().join("x"), json!({"active": true, "api_id": id}));
            assert!(joined_to.get("custom_middleware").is_none(), "{id}");
        }
    }
}
