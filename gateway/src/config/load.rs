//! From a file and the environment to [`Settings`]: the order of the steps, and the file system around them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    check::{self, Surroundings},
    environment,
    locate::{locate_key, position_of_offset},
    problem::{Complaint, ConfigError, Place, Problem},
    read::{self, Step},
    refused,
    report::Report,
    settings::{IgnoredKey, Settings},
    syntax::syntax_fault,
};

/// Where Tyk looks when no file is named.
const USUAL_PLACES: [&str; 2] = ["tyk.conf", "/etc/tyk/tyk.conf"];

/// Reads the file at `path`, or the first that exists of `tyk.conf` and `/etc/tyk/tyk.conf`, with the variables of
/// `environment` over it. Everything that is wrong is in the one error.
pub fn load(
    path: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, ConfigError> {
    let candidates = match path {
        Some(path) => vec![path.to_owned()],
        None => USUAL_PLACES.map(PathBuf::from).to_vec(),
    };
    for path in &candidates {
        match fs::read(path) {
            Ok(bytes) => return parse(path, &text_of(path, bytes)?, environment),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ConfigError::Unreadable { path: path.clone(), source }),
        }
    }
    Err(ConfigError::Missing { looked_for: candidates })
}

/// [`load`] for a text that has been read already; `path` is how messages call it.
pub fn parse(
    path: &Path,
    text: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, ConfigError> {
    // Sorted, so that two spellings of one variable do not take turns.
    let mut environment: Vec<_> = environment.collect();
    environment.sort();

    let mut tree = object(path, text)?;
    let mut report = Report::new(path, text);
    read::normalise(&mut tree);
    let ignored_variables = environment::overlay(&mut tree, &environment, &mut report);
    read::normalise(&mut tree);
    let (conf, ignored) = read::read(tree, &mut report);
    let ignored_keys = sort_ignored(ignored, text, &mut report);
    refused::refuse(&conf, &mut report);
    let surroundings = Surroundings { environment: &environment, ignored_keys, ignored_variables };
    let settings = check::settings(conf, surroundings, &mut report);

    let problems = report.into_problems();
    if problems.is_empty() { Ok(settings) } else { Err(ConfigError::Invalid { problems }) }
}

fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, ConfigError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let problem = Problem {
            place: Place::File { path: path.to_owned(), position: position_of_offset(&text, good) },
            key: String::new(),
            complaint: Complaint::Syntax { message: "a byte that is not UTF-8".into() },
            advice: Some("save the file as UTF-8".into()),
        };
        ConfigError::Invalid { problems: vec![problem] }
    })
}

fn object(path: &Path, text: &str) -> Result<Map<String, Value>, ConfigError> {
    let (position, complaint, advice) = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(tree)) => return Ok(tree),
        Ok(_) => {
            let complaint = Complaint::Syntax { message: "the file must hold one object in { }".into() };
            (position_of_offset(text, 0), complaint, None)
        }
        Err(error) => {
            let fault = syntax_fault(text, &error);
            (fault.position, Complaint::Syntax { message: fault.message }, fault.hint)
        }
    };
    let place = Place::File { path: path.to_owned(), position };
    Err(ConfigError::Invalid { problems: vec![Problem { place, key: String::new(), complaint, advice }] })
}

/// Keys that nothing reads are errors under `gatehouse`, where they can only be mistakes; the others are listed.
fn sort_ignored(ignored: read::Ignored, text: &str, report: &mut Report<'_>) -> Vec<IgnoredKey> {
    let mut listed = Vec::new();
    for steps in ignored {
        let path = Step::segments(&steps);
        if read::is_ours(&steps) {
            report.unknown_key(&path, read::meant(&steps));
        } else {
            let line = locate_key(text, &path).map_or(1, |position| position.line);
            listed.push(IgnoredKey {
                key: super::Segment::to_dotted(&path),
                line,
                meant: read::meant(&steps),
            });
        }
    }
    listed.sort_by_key(|key| key.line);
    listed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::settings::{LogLevel, PoliciesSettings, StoragePlace},
        *,
    };

    /// Loads a text whose `{apps}` is a folder that exists.
    fn parsed(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let text = text.replace("{apps}", &folder.path().to_string_lossy());
        let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        parse(Path::new("tyk.conf"), &text, environment).map_err(|error| error.to_string())
    }

    /// Each bad file and all that is said about it.
    #[test]
    fn says_what_is_wrong() {
        let cases: &[(&str, &str)] = &[
            (
                "{\n  \"app_path\": \"{apps}\",\n  \"listen_port\": \"eighty\"\n}",
                "tyk.conf:3:18: listen_port: expected a port between 0 and 65535, found \"eighty\"",
            ),
            (
                // All at once, in the order of the file.
                "{\"app_path\": \"{apps}\",\n\"listen_port\": 70000,\n\"enable_jsvm\": \"yes\",\n\"jsvm_timeout\": -1,\n\
                 \"log_level\": \"loud\",\n\"storage\": 5,\n\"proxy_default_timeout\": 1e9}",
                "tyk.conf:2:16: listen_port: expected a port between 0 and 65535, found 70000\n\
                 tyk.conf:3:16: enable_jsvm: expected true or false, found \"yes\"\n\
                 tyk.conf:4:17: jsvm_timeout: expected a whole number of seconds between 0 and 3600, found -1\n\
                 tyk.conf:5:14: log_level: expected one of \"trace\", \"debug\", \"info\", \"warn\", \"warning\", \
                 \"error\", \"fatal\", \"panic\", found \"loud\"\n\
                 tyk.conf:6:12: storage: expected an object in { }, found 5\n\
                 tyk.conf:7:26: proxy_default_timeout: expected a number of seconds between 0 and 86400, found \
                 1000000000.0",
            ),
            (
                "{\"app_path\": \"{apps}\", \"gatehouse\": {\"limits\": {\"max_in_fligth\": 1}, \"zzz\": null, \"yyy\": {},\n\
                 \"javascript\": {\"driver\": \"otto\", \"threads\": 9, \"max_threads\": 2}, \"log_targets\": {\"a::b\": 1}}}",
                "tyk.conf:2:26: gatehouse.javascript.driver: expected one of \"quickjs\", \"boa\", found \"otto\"\n\
                 tyk.conf:2:45: gatehouse.javascript.threads: expected no more than `max_threads` (2), found 9\n\
                 tyk.conf:2:91: gatehouse.log_targets.a::b: expected one of \"trace\", \"debug\", \"info\", \"warn\", \
                 \"warning\", \"error\", \"fatal\", \"panic\", found 1",
            ),
            (
                "{\"app_path\": \"{apps}\",\n\"storage\": {\"type\": \"redis\", \"addrs\": [\"a:1\", \"b:2\"]}}",
                "tyk.conf:2:1: storage.enable_cluster: missing; several addresses are a cluster or sentinels\n    \
                 set it to true for a cluster, or give `master_name` for sentinels",
            ),
            (
                "{\"app_path\": \"{apps}\",\n\"storage\": {\"type\": \"mongo\"},\n\"policies\": {\"policy_source\": \"service\"}}",
                "tyk.conf:2:21: storage.type: expected \"redis\", found \"mongo\"\n\
                 tyk.conf:3:31: policies.policy_source: not supported by this version: policies from a \"service\"\n    \
                 set it to \"file\", with the file in `policy_record_name`",
            ),
            (
                "{\"app_path\": \"{apps}\", \"http_server_options\": {\"use_ssl\": true,\n\"certificates\": [\n\
                 {\"cert_file\": \"/nowhere/c.pem\"}, {\"cert_file\": 1, \"key_file\": \"/nowhere/k.pem\"}]}}",
                "tyk.conf:3:1: http_server_options.certificates[0].key_file: missing; each certificate needs its chain \
                 and its key\n\
                 tyk.conf:3:15: http_server_options.certificates[0].cert_file: expected a readable PEM file, found \
                 \"/nowhere/c.pem\" (no such file or directory)\n\
                 tyk.conf:3:48: http_server_options.certificates[1].cert_file: expected a text in double quotes, \
                 found 1\n\
                 tyk.conf:3:63: http_server_options.certificates[1].key_file: expected a readable PEM file, found \
                 \"/nowhere/k.pem\" (no such file or directory)",
            ),
            (
                "{\"app_path\": \"{apps}\", \"http_server_options\": {\"use_ssl\": true}}",
                "HERE: http_server_options.certificates: missing; `use_ssl` needs at least one certificate\n    \
                 add { \"domain_name\": \"\", \"cert_file\": FILE, \"key_file\": FILE }",
            ),
            (
                "{\"app_path\":\n\"/nowhere/apps\"}",
                "tyk.conf:2:1: app_path: expected an existing folder, found \"/nowhere/apps\" (no such file or directory)",
            ),
            (
                "{\"app_path\": \"{apps}\",\n\"secret\": [\"hidden\"], \"secrets\": {\"a\": 7}}",
                "tyk.conf:2:11: secret: expected a text in double quotes, found a list\n\
                 tyk.conf:2:40: secrets.a: expected a text in double quotes, found a number",
            ),
            (
                "{\"app_path\": \"{apps}\",\n\"secret\": \"vault://a\"}",
                "tyk.conf:2:11: secret: expected a secret as it is, `env://NAME` or `secrets://NAME`, found \"vault://a\"",
            ),
            ("[]", "tyk.conf:1:1: not valid JSON: the file must hold one object in { }"),
            (
                "{\n  \"listen_port\": 80,\n}",
                "tyk.conf:3:1: not valid JSON: trailing comma\n    remove the comma after the last entry",
            ),
        ];
        for (text, expected) in cases {
            let found = parsed(text, &[]).expect_err(text);
            // Where the text before has a folder of unknown length, the column is not told.
            let found = if expected.starts_with("HERE") {
                found.split_once(": ").map(|(_, rest)| format!("HERE: {rest}")).unwrap()
            } else {
                found
            };
            // Unknown keys on the first line stand behind that folder, too: they are looked at below.
            let found: Vec<_> = found.lines().filter(|line| !line.contains("unknown key")).collect();
            assert_eq!(found.join("\n"), *expected, "{text}");
        }
    }

    #[test]
    fn our_own_keys_are_strict() {
        let text = "{\"gatehouse\": {\"limits\": {\"max_in_fligth\": 1},\n\"zzz\": null, \"yyy\": {}},\"app_path\": \"{apps}\"}";
        assert_eq!(
            parsed(text, &[]).unwrap_err(),
            "tyk.conf:1:27: gatehouse.limits.max_in_fligth: unknown key; did you mean `gatehouse.limits.max_in_flight`?\n\
             tyk.conf:2:14: gatehouse.yyy: unknown key"
        );
    }

    #[test]
    fn variables_win_and_are_named_in_errors() {
        let text = "{\"app_path\": \"{apps}\", \"listen_port\": \"wrong\", \"secret\": \"env://admin\"}";
        let settings = parsed(
            text,
            &[
                ("TYK_GW_LISTENPORT", "0"),
                ("TYK_SECRET_ADMIN", "s"),
                ("TYK_GW_USESENTRY", "1"),
                ("TYK_LOGLEVEL", "warn"),
            ],
        )
        .unwrap();
        assert_eq!((settings.server.listen.port(), settings.secret.as_str()), (0, "s"));
        assert_eq!(settings.log.level, LogLevel::Warn);
        assert_eq!(settings.ignored_variables[0].name, "TYK_GW_USESENTRY");

        let problems = parsed(
            text,
            &[
                ("TYK_GW_LISTENPORT", "eighty"),
                ("TYK_GW_APPPATH", "/nowhere"),
                ("TYK_GW_HTTPSERVEROPTIONS_CERTIFICATES", "x"),
                ("TYK_GW_SECURITY_CONTROLAPIUSEMUTUALTLS", "true"),
                ("TYK_SECRET_ADMIN", "s"),
            ],
        );
        assert_eq!(
            problems.unwrap_err(),
            "TYK_GW_APPPATH: app_path: expected an existing folder, found \"/nowhere\" (no such file or directory)\n\
             TYK_GW_HTTPSERVEROPTIONS_CERTIFICATES: http_server_options.certificates: expected a list of objects in \
             [ ], found \"x\"\n\
             TYK_GW_LISTENPORT: listen_port: expected a port between 0 and 65535, found \"eighty\"\n\
             TYK_GW_SECURITY_CONTROLAPIUSEMUTUALTLS: security.control_api_use_mutual_tls: not supported by this \
             version: The admin API asks for client certificates\n    \
             set it to false; `control_api_port` keeps the admin API away from clients"
        );
    }

    #[test]
    fn goes_by_gos_rules() {
        let text = "{\"app_path\": \"{apps}\", \"listen_port\": 1, \"listen_port\": 8181, \"Enable_JSVM\": true, \
                    \"jsvm_timeout\": 0, \"storage\": null, \"log_level\": \"\", \"policies\": {\"policy_source\": \"\"}, \
                    \"log_format\": \"JSON\", \"gatehouse\": {\"workers\": null}}";
        let settings = parsed(text, &[]).unwrap();
        assert_eq!(settings.server.listen.to_string(), "0.0.0.0:8181");
        assert!(settings.javascript.enabled);
        assert_eq!(settings.javascript.timeout, Duration::from_secs(5));
        assert_eq!(
            (settings.policies, settings.storage.place),
            (None, StoragePlace::Embedded("gatehouse.redb".into()))
        );
        assert_eq!(settings.log.format, super::super::settings::LogFormat::Json);
        assert_eq!(settings.ignored_keys, []);
    }

    #[test]
    fn defaults_are_documented_ones() {
        let settings = parsed("{\"app_path\": \"{apps}\"}", &[]).unwrap();
        assert_eq!(settings.server.listen.to_string(), "0.0.0.0:8080");
        assert_eq!(settings.server.health_check_name, "hello");
        assert_eq!(settings.server.server_header, "gatehouse");
        assert_eq!(settings.limits.body_timeout, Duration::from_secs(120));
        assert_eq!(settings.limits.write_timeout, Duration::from_secs(120));
        assert_eq!(settings.limits.buffered_body_bytes, 10 << 20);
        assert_eq!(settings.limits.in_flight, 10_000);
        assert_eq!(settings.upstream.timeout, Duration::from_secs(30));
        assert_eq!(settings.upstream.idle_per_host, 500);
        assert_eq!(settings.javascript.response_bytes, 16 << 20);
        assert!(!settings.javascript.enabled);
        assert_eq!(settings.middleware_path, Path::new("middleware"));
        assert_eq!(settings.control_api_port, None);
    }

    /// golden/run.py, BASE_CONFIG.
    #[test]
    fn loads_the_golden_configuration() {
        let text = r#"{
            "listen_address": "127.0.0.1", "secret": "golden", "template_path": "templates",
            "use_db_app_configs": false, "app_path": "{apps}", "middleware_path": "middleware",
            "enable_jsvm": true, "jsvm_timeout": 3, "enable_analytics": false, "hash_keys": true,
            "policies": {"policy_source": "file", "policy_record_name": "policies/policies.json"},
            "local_session_cache": {"disable_cached_session_state": true}, "close_connections": false,
            "allow_insecure_configs": true, "log_level": "error", "listen_port": 4321
        }"#;
        let settings = parsed(text, &[]).unwrap();
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:4321");
        assert_eq!(settings.policies, Some(PoliciesSettings { path: "policies/policies.json".into() }));
        assert!(settings.keys.hashed);
        assert_eq!(settings.log.level, LogLevel::Error);
        let ignored: Vec<_> = settings.ignored_keys.iter().map(|key| (key.key.as_str(), key.line)).collect();
        assert_eq!(ignored, [("allow_insecure_configs", 7)]);
    }

    #[test]
    fn loads_a_full_tyk_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("tyk_full.conf").replace("{apps}", &folder.path().to_string_lossy());
        let path = folder.path().join("tyk.conf");
        fs::write(&path, text).unwrap();
        let settings = load(Some(&path), std::iter::empty()).unwrap_or_else(|error| panic!("{error}"));
        let ignored: Vec<_> = settings.ignored_keys.iter().map(|key| key.key.as_str()).collect();
        assert_eq!(
            ignored,
            [
                "node_secret",
                "http_server_options.enable_websockets",
                "http_server_options.flush_interval",
                "http_server_options.ssl_ciphers",
                "security.private_certificate_encoding_secret",
                "policies.allow_explicit_policy_id",
                "enable_analytics",
                "analytics_config",
                "health_check",
                "optimisations_use_async_session_write",
                "allow_master_keys",
                "session_update_pool_size",
                "uptime_tests",
                "max_conn_time",
                "coprocess_options",
                "oauth_token_expire",
                "tracing",
                "opentelemetry",
                "listen_prot",
            ]
        );
        let meant: Vec<_> = settings.ignored_keys.iter().filter_map(|key| key.meant.as_deref()).collect();
        assert_eq!(meant, ["listen_port"], "only the slip is taken for one");
    }

    #[test]
    fn says_which_file_is_missing_or_bad() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none.conf");
        let error = load(Some(&none), std::iter::empty()).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("no configuration file: looked for {}\n", none.display())),
            "{error}"
        );
        let unreadable = load(Some(folder.path()), std::iter::empty());
        assert!(matches!(unreadable, Err(ConfigError::Unreadable { .. })));
        let path = folder.path().join("bad.conf");
        fs::write(&path, b"{\n \"\xff\": 1}").unwrap();
        let error = load(Some(&path), std::iter::empty()).unwrap_err().to_string();
        assert!(error.contains("bad.conf:2:3: not valid JSON: a byte that is not UTF-8"), "{error}");
    }

    /// Whatever the file says, the answer is settings or an error.
    #[test]
    fn survives_any_value_for_any_key() {
        let parsed = |text: &str, variable: Option<(String, String)>| {
            drop(parse(Path::new("tyk.conf"), text, variable.into_iter()));
        };
        let values =
            ["null", "true", "-1", "1.5", "18446744073709551615", "\"\"", "\"x\"", "[]", "[1]", "{}", "[{}]"];
        let nested = ["{\"x\": [null, {\"y\": 1}]}", "[[[]]]", "[null]"];
        for setting in super::super::reference_table::SETTINGS {
            for value in values.iter().chain(&nested) {
                let steps = setting.key.split('.').collect::<Vec<_>>();
                for depth in 1..=steps.len() {
                    let text =
                        steps[..depth].iter().rev().fold((*value).to_owned(), |inner, step| {
                            match step.strip_suffix("[]") {
                                Some(name) => format!("{{\"{name}\": [{inner}]}}"),
                                None => format!("{{\"{step}\": {inner}}}"),
                            }
                        });
                    parsed(&text, None);
                    parsed(&text, Some((setting.variable(), (*value).to_owned())));
                }
            }
        }
    }
}
