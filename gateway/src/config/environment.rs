//! Environment variables that override the file, laid over its JSON before it is read as settings.

use serde_json::{Map, Value};

use super::{
    nearest::nearest,
    reference::{Kind, Setting},
    reference_table::SETTINGS,
    report::Report,
    settings::IgnoredVariable,
};

const PREFIX: &str = "TYK_GW_";

/// Variables of Tyk's logger, outside its own naming; they win over the others, as there.
const LOGGER: [(&str, &str); 2] = [("TYK_LOGLEVEL", "log_level"), ("TYK_LOGFORMAT", "log_format")];

/// Puts the variables that name a setting into `tree`, and returns those of Tyk's that name none.
/// Values that are no good are put in as texts, so that they are reported like any other.
pub(super) fn overlay(
    tree: &mut Map<String, Value>,
    environment: &[(String, String)],
    report: &mut Report<'_>,
) -> Vec<IgnoredVariable> {
    let mut ignored = Vec::new();
    for (name, text) in environment {
        let logger = LOGGER.iter().find(|(variable, _)| variable == name);
        let Some(setting) =
            logger.and_then(|(_, key)| super::reference::setting(key)).or_else(|| named(name))
        else {
            if name.starts_with(PREFIX) {
                let variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
                let meant = nearest(name, variables.iter().map(String::as_str)).map(str::to_owned);
                ignored.push(IgnoredVariable { name: name.clone(), meant });
            }
            continue;
        };
        if put(tree, setting.key, value_of(setting.kind, text)) {
            report.set_by_variable(setting.key, name.clone());
        }
    }
    ignored
}

/// The setting that a variable names. Tyk's names are those of Go fields: no underscores inside a key.
fn named(variable: &str) -> Option<&'static Setting> {
    let flat = |name: &str| name.replace(['_', '.'], "").to_lowercase();
    let wanted = flat(variable.strip_prefix(PREFIX)?);
    SETTINGS
        .iter()
        .filter(|setting| !setting.key.contains("[]"))
        .find(|setting| flat(setting.key) == wanted || setting.special_variable == variable)
}

fn value_of(kind: Kind, text: &str) -> Value {
    let parsed = match kind {
        Kind::Text | Kind::Secret | Kind::Word(_) => None,
        // What Go's ParseBool takes.
        Kind::Flag => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
        Kind::Whole { .. } => {
            text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()
        }
        Kind::Seconds { .. } => {
            text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
        }
        Kind::List => Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()),
        Kind::Map(_) if text.trim_start().starts_with('{') => serde_json::from_str(text).ok(),
        Kind::Map(_) => pairs(text),
        Kind::Records => serde_json::from_str(text).ok(),
    };
    parsed.unwrap_or_else(|| Value::from(text))
}

/// `name:value,name:value`; a value may hold colons.
fn pairs(text: &str) -> Option<Value> {
    let pair =
        |pair: &str| pair.trim().split_once(':').map(|(name, value)| (name.to_owned(), Value::from(value)));
    text.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(pair)
        .collect::<Option<Map<_, _>>>()
        .map(Value::Object)
}

/// Sets `key`; false if the file has something that is not an object on the way, which is its own error.
fn put(tree: &mut Map<String, Value>, key: &str, value: Value) -> bool {
    let Some((first, rest)) = key.split_once('.') else {
        tree.insert(key.to_owned(), value);
        return true;
    };
    let inner = tree.entry(first).or_insert(Value::Null);
    if inner.is_null() {
        *inner = Value::Object(Map::new());
    }
    inner.as_object_mut().is_some_and(|inner| put(inner, rest, value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn overlaid(tree: Value, environment: &[(&str, &str)]) -> (Value, Vec<IgnoredVariable>) {
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut tree = tree.as_object().cloned().unwrap_or_default();
        let ignored = overlay(&mut tree, &environment, &mut Report::new(Path::new("tyk.conf"), ""));
        (tree.into(), ignored)
    }

    #[test]
    fn sets_values_of_every_kind() {
        let (tree, ignored) = overlaid(
            json!({"listen_port": 1, "storage": null, "secret": "a"}),
            &[
                ("TYK_GW_LISTENPORT", "8181"),
                ("TYK_GW_HTTPSERVEROPTIONS_USESSL", "T"),
                ("TYK_GW_HTTPSERVEROPTIONS_CERTIFICATES", r#"[{"cert_file": "c"}]"#),
                ("TYK_GW_HTTPSERVEROPTIONS_SSLCERTIFICATES", "a.pem, b.pem"),
                ("TYK_GW_STORAGE_HOST", "redis"),
                ("TYK_GW_GATEHOUSE_JAVASCRIPT_DRIVER", "boa"),
                ("TYK_GW_PROXYDEFAULTTIMEOUT", "1.5"),
                ("TYK_GW_MAXIDLECONNSPERHOST", "7"),
                ("TYK_GW_SECRETS", "a:b:c, d:e"),
                ("TYK_GW_MINTOKENLENGTH", "-1"),
                ("TYK_GW_ENABLEJSVM", "maybe"),
                ("TYK_LOGLEVEL", "debug"),
                ("TYK_SECRET_X", "untouched"),
                ("PATH", "/bin"),
            ],
        );
        assert_eq!(
            tree,
            json!({
                "listen_port": 8181, "secret": "a", "storage": {"host": "redis"},
                "http_server_options":
                    {"use_ssl": true, "certificates": [{"cert_file": "c"}], "ssl_certificates": ["a.pem", "b.pem"]},
                "gatehouse": {"javascript": {"driver": "boa"}}, "proxy_default_timeout": 1.5,
                "max_idle_connections_per_host": 7, "secrets": {"a": "b:c", "d": "e"}, "min_token_length": -1,
                "enable_jsvm": "maybe", "log_level": "debug",
            })
        );
        assert_eq!(ignored, []);
    }

    #[test]
    fn lists_what_names_nothing() {
        let (_, ignored) =
            overlaid(json!({}), &[("TYK_GW_ENABLEANALYTICS", "1"), ("TYK_GW_LISTENPROT", "1")]);
        let meant = ignored.iter().map(|variable| variable.meant.as_deref()).collect::<Vec<_>>();
        assert_eq!(meant, [None, Some("TYK_GW_LISTENPORT")]);
    }

    #[test]
    fn leaves_a_damaged_file_alone() {
        assert_eq!(overlaid(json!({"storage": 5}), &[("TYK_GW_STORAGE_HOST", "x")]).0, json!({"storage": 5}));
    }
}
