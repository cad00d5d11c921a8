//! Places of a Classic definition that name hooks and functions of plugins: endpoint lists, hooks, analytics.

use std::{path::Path, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    convert::Reader,
    file::{self, ClassicFile},
};
use crate::apidef::{
    Problems,
    model::{HookUse, Hooks, OnLoadFailure, PluginUse, ScriptHook, ScriptSource},
};

/// Values of `custom_middleware.driver` that make hooks functions of plugins.
const DRIVERS: [&str; 2] = ["rust", "goplugin"];

/// Values of it that ask for what Gatehouse does not have.
const REFUSED_DRIVERS: [&str; 3] = ["python", "lua", "grpc"];

/// Whether a driver runs plugins.
pub(super) fn is_plugin_driver(driver: &str) -> bool {
    DRIVERS.contains(&driver)
}

/// Refuses an API whose protection is not there: nothing protected is served open.
pub(super) fn check_authentication(file: &ClassicFile, problems: &mut Problems) {
    let hook = &file.custom_middleware.auth_check;
    let has_hook = !hook.disabled && !hook.name.is_empty();
    let flags = [
        ("enable_coprocess_auth", file.enable_coprocess_auth),
        ("use_go_plugin_auth", file.use_go_plugin_auth),
        ("custom_plugin_auth_enabled", file.custom_plugin_auth_enabled),
    ];
    let flag = flags.iter().find(|(_, on)| *on).map(|(name, _)| *name);
    if file.use_keyless {
        if let Some(flag) = flag {
            problems.refuse(
                flag,
                "asks for authentication by a plugin, and `use_keyless` lets everybody in; the API is not served \
                 because one of the two is a mistake. Set `use_keyless` to false, or switch this off",
            );
        } else if has_hook {
            problems.warn(
                "custom_middleware.auth_check",
                "is not called because `use_keyless` is true: everybody may call this API",
            );
        }
        return;
    }
    if has_hook && !file.use_standard_auth {
        return;
    }
    match flag {
        Some(flag) if !has_hook => problems.refuse(
            flag,
            "asks for authentication by a plugin, and `custom_middleware.auth_check` names none; the API is not \
             served because it would be open",
        ),
        _ if has_hook => problems.refuse(
            "use_standard_auth",
            "asks for a key besides `custom_middleware.auth_check`, and this version of Gatehouse has no key store \
             yet; the API is not served because one of its checks would be missing. Set it to false to have the \
             hook alone decide",
        ),
        _ => problems.refuse(
            "use_keyless",
            "is false, so requests need a key, and this version of Gatehouse has no key store yet; the API is not \
             served because it would be open. Set it to true if it may be called without a key, or let a plugin \
             decide with `custom_middleware.auth_check`",
        ),
    }
}

impl Reader<'_> {
    /// Hooks of the API that run.
    pub(super) fn hooks(&mut self, file: &ClassicFile) -> Hooks {
        let hooks = &file.custom_middleware;
        let driver = hooks.driver.as_str();
        let analytics = self.analytics(&file.analytics_plugin, file.do_not_track);
        let lists = [
            ("pre", hooks.pre.as_slice()),
            ("auth_check", std::slice::from_ref(&hooks.auth_check)),
            ("post_key_auth", &hooks.post_key_auth),
            ("post", &hooks.post),
            ("response", &hooks.response),
        ];
        let [pre, auth_check, post_key_auth, post, response] = lists.map(|(name, hooks)| {
            let used = hooks.iter().enumerate().filter(|(_, hook)| is_used(hook));
            let read = used.filter_map(|(index, hook)| {
                let field = match name {
                    "auth_check" => "custom_middleware.auth_check".to_owned(),
                    _ => format!("custom_middleware.{name}[{index}]"),
                };
                self.hook(hook, driver, &field)
            });
            read.collect::<Vec<_>>()
        });
        let auth_check = auth_check.into_iter().next().filter(|_| !file.use_keyless);
        if let Some(HookUse::Plugin(hook)) = &auth_check
            && hook.on_load_failure == OnLoadFailure::Proxy
        {
            self.problems.refuse(
                "custom_middleware.auth_check.on_load_failure",
                "is `proxy`, which would let everybody in when the plugin does not load; use `fail` or `refuse`",
            );
        }
        Hooks { pre, auth_check, post_key_auth, post, response, analytics }
    }

    /// A hook is in the language that it says itself, that its file shows, or that the section says.
    fn hook(&mut self, hook: &file::Hook, section_driver: &str, field: &str) -> Option<HookUse> {
        let extension = Path::new(hook.path.trim()).extension().and_then(|extension| extension.to_str());
        let plugin = match (hook.driver.as_str(), extension) {
            ("", _) if !hook.code.is_empty() => false,
            ("", Some("js")) => false,
            ("", Some("so" | "dylib")) => true,
            ("", _) => is_plugin_driver(section_driver),
            (driver, _) => is_plugin_driver(driver),
        };
        if plugin {
            let names = Names { file: ("path", &hook.path), function: ("name", &hook.name) };
            let read = self.plugin(names, &hook.config, &hook.on_load_failure, hook.timeout, field);
            return read.map(HookUse::Plugin);
        }
        let driver = if hook.driver.is_empty() { section_driver } else { &hook.driver };
        if REFUSED_DRIVERS.contains(&driver) {
            self.problems.refuse(
                field,
                format!(
                    "is for the driver `{driver}`, which Gatehouse does not have; the API is not served because a hook \
                     may be what protects it. Write it in JavaScript or Rust, or set `disabled`"
                ),
            );
            return None;
        }
        self.script_hook(hook, field).map(HookUse::Script)
    }

    fn script_hook(&mut self, hook: &file::Hook, field: &str) -> Option<ScriptHook> {
        let object = self.plugin_name(
            ("name", &hook.name),
            "is missing; it names the object that `new TykJS.TykMiddleware.NewMiddleware({})` made",
            field,
        )?;
        let of_plugins = [
            ("config", hook.config.is_some()),
            ("on_load_failure", !hook.on_load_failure.is_empty()),
            ("timeout", hook.timeout != 0.0),
        ];
        for (key, _) in of_plugins.iter().filter(|(_, set)| *set) {
            self.problems
                .warn(format!("{field}.{key}"), "has no effect: it is for plugins, and this is a script");
        }
        let source = if !hook.code.is_empty() {
            let name: Arc<str> = format!("{} {field} (inline)", self.api_id).into();
            match decode(&hook.code) {
                Ok(text) => Some(ScriptSource::Inline { text: text.into(), name }),
                Err(what) => {
                    self.problems.refuse(format!("{field}.code"), what);
                    return None;
                }
            }
        } else {
            let path = hook.path.trim();
            (!path.is_empty()).then(|| ScriptSource::File(path.into()))
        };
        Some(ScriptHook {
            object: object.into(),
            source,
            require_session: hook.require_session,
            field: field.into(),
        })
    }

    /// An entry of `go_plugin` or `rust_plugin`.
    pub(super) fn endpoint_plugin(&mut self, entry: &file::PluginEntry, field: &str) -> Option<PluginUse> {
        let names =
            Names { file: ("plugin_path", &entry.plugin_path), function: ("func_name", &entry.func_name) };
        self.plugin(names, &entry.config, &entry.on_load_failure, entry.timeout, field)
    }

    fn analytics(&mut self, plugin: &file::AnalyticsPlugin, do_not_track: bool) -> Option<PluginUse> {
        if !plugin.enable || do_not_track {
            return None;
        }
        let names =
            Names { file: ("plugin_path", &plugin.plugin_path), function: ("func_name", &plugin.func_name) };
        self.plugin(names, &plugin.config, &plugin.on_load_failure, plugin.timeout, "analytics_plugin")
    }

    fn plugin(
        &mut self,
        names: Names<'_>,
        config: &Option<Value>,
        on_load_failure: &str,
        timeout: f64,
        field: &str,
    ) -> Option<PluginUse> {
        let on_load_failure = match on_load_failure {
            "" | "fail" => OnLoadFailure::Fail,
            "refuse" => OnLoadFailure::Refuse,
            "proxy" => OnLoadFailure::Proxy,
            other => {
                self.problems.refuse(
                    format!("{field}.on_load_failure"),
                    format!("`{other}` is not one of fail, refuse, proxy"),
                );
                return None;
            }
        };
        let timeout: Option<Duration> = match timeout {
            0.0 => None,
            seconds => Some(self.seconds(seconds, &format!("{field}.timeout"))?),
        };
        let file = self.plugin_name(
            names.file,
            "is missing; it is the plugin's file, such as `plugins/libmine.so`",
            field,
        );
        let function =
            self.plugin_name(names.function, "is missing; it names a function of the plugin", field);
        Some(PluginUse {
            file: file?.into(),
            function: function?.into(),
            config: config.as_ref().map(|config| Arc::from(config.to_string())),
            on_load_failure,
            timeout,
            field: field.into(),
        })
    }

    fn plugin_name(&mut self, (key, value): (&str, &str), missing: &str, field: &str) -> Option<String> {
        let value = value.trim();
        if value.is_empty() {
            self.problems.refuse(format!("{field}.{key}"), missing);
            return None;
        }
        Some(value.to_owned())
    }
}

/// The fields that name a function, with their keys.
struct Names<'a> {
    file: (&'a str, &'a str),
    function: (&'a str, &'a str),
}

/// The text of a source that stands in the definition.
fn decode(code: &str) -> Result<String, String> {
    let bytes = STANDARD
        .decode(code.trim())
        .map_err(|error| format!("is not base64 ({error}); it holds the source"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 when decoded; it holds the source".to_owned())
}

/// Tyk writes out an empty `auth_check`.
fn is_used(hook: &file::Hook) -> bool {
    let written = !hook.name.is_empty() || !hook.path.is_empty() || !hook.code.is_empty();
    written && !hook.disabled
}
