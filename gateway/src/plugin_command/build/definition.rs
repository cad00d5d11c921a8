//! How a definition names the functions of a library: JSON to paste and change.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::plugins::{Kind, file::FunctionEntry};

/// Fields of a Classic definition, in the order that people write them.
#[derive(Serialize)]
struct Definition<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    use_keyless: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_middleware: Option<Hooks<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analytics_plugin: Option<Analytics<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_data: Option<VersionData<'a>>,
}

#[derive(Serialize)]
struct Hooks<'a> {
    driver: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_check: Option<Hook<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response: Vec<Hook<'a>>,
}

#[derive(Serialize)]
struct Hook<'a> {
    name: &'a str,
    path: &'a Path,
}

#[derive(Serialize)]
struct Analytics<'a> {
    enable: bool,
    plugin_path: &'a Path,
    func_name: &'a str,
}

#[derive(Serialize)]
struct VersionData<'a> {
    not_versioned: bool,
    versions: Versions<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Versions<'a> {
    default: Version<'a>,
}

#[derive(Serialize)]
struct Version<'a> {
    name: &'static str,
    use_extended_paths: bool,
    extended_paths: ExtendedPaths<'a>,
}

#[derive(Serialize)]
struct ExtendedPaths<'a> {
    rust_plugin: Vec<Endpoint<'a>>,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    path: String,
    method: &'static str,
    plugin_path: &'a Path,
    func_name: &'a str,
    config: Value,
    on_load_failure: &'static str,
}

/// The fields that name each function at the place of its kind; of authentication and analytics an API has one.
pub(super) fn snippet(library: &Path, functions: &[FunctionEntry]) -> Option<String> {
    let of_kind = |kind: Kind| functions.iter().filter(move |function| function.kind == Some(kind));
    let hook = |function| Hook { name: name(function), path: library };
    let auth_check = of_kind(Kind::Auth).next().map(hook);
    let response: Vec<_> = of_kind(Kind::Response).map(hook).collect();
    let analytics = |function| Analytics { enable: true, plugin_path: library, func_name: name(function) };
    let rust_plugin: Vec<_> = of_kind(Kind::Request).map(|function| endpoint(library, function)).collect();
    let definition = Definition {
        use_keyless: auth_check.is_some().then_some(false),
        custom_middleware: (auth_check.is_some() || !response.is_empty()).then_some(Hooks {
            driver: "rust",
            auth_check,
            response,
        }),
        analytics_plugin: of_kind(Kind::Analytics).next().map(analytics),
        version_data: versions(rust_plugin),
    };
    // Only a path that is no text cannot be written, which a definition could not name either.
    serde_json::to_string_pretty(&definition).ok()
}

fn versions(rust_plugin: Vec<Endpoint<'_>>) -> Option<VersionData<'_>> {
    if rust_plugin.is_empty() {
        return None;
    }
    let extended_paths = ExtendedPaths { rust_plugin };
    let default = Version { name: "Default", use_extended_paths: true, extended_paths };
    Some(VersionData { not_versioned: true, versions: Versions { default } })
}

fn name(function: &FunctionEntry) -> &str {
    &function.name
}

fn endpoint<'a>(library: &'a Path, function: &'a FunctionEntry) -> Endpoint<'a> {
    Endpoint {
        path: format!("/{}", function.name),
        method: "GET",
        plugin_path: library,
        func_name: &function.name,
        config: Value::Object(serde_json::Map::new()),
        on_load_failure: "fail",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::snippet;
    use crate::plugins::{Kind, Mode, file::FunctionEntry};

    fn definition(kinds: &[Kind]) -> Value {
        let function = |kind: &Kind| FunctionEntry {
            name: format!("{kind:?}").to_lowercase(),
            kind: Some(*kind),
            mode: Some(Mode::Sync),
            line: 1,
        };
        let functions: Vec<_> = kinds.iter().map(function).collect();
        serde_json::from_str(&snippet(Path::new("/p/libx.so"), &functions).unwrap()).unwrap()
    }

    #[test]
    fn each_kind_stands_at_its_place() {
        let definition = definition(&[Kind::Request, Kind::Auth, Kind::Response, Kind::Analytics]);
        let endpoint = &definition["version_data"]["versions"]["Default"]["extended_paths"]["rust_plugin"][0];
        assert_eq!(
            (&endpoint["func_name"], &endpoint["plugin_path"]),
            (&json!("request"), &json!("/p/libx.so"))
        );
        assert_eq!(definition["use_keyless"], false);
        assert_eq!(
            definition["custom_middleware"],
            json!({
                "driver": "rust",
                "auth_check": { "name": "auth", "path": "/p/libx.so" },
                "response": [{ "name": "response", "path": "/p/libx.so" }],
            })
        );
        assert_eq!(definition["analytics_plugin"]["func_name"], "analytics");
    }

    #[test]
    fn what_a_library_has_not_is_not_named() {
        let fields = |kinds| definition(kinds).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(fields(&[Kind::Request]), ["version_data"]);
        assert_eq!(fields(&[Kind::Response]), ["custom_middleware"]);
        assert!(fields(&[]).is_empty());
    }
}
