//! Places of a Classic definition that name functions of plugins: endpoint lists, hooks, analytics.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    convert::Reader,
    file::{self, ClassicFile},
};
use crate::apidef::model::{Hooks, OnLoadFailure, PluginUse};

/// Values of `custom_middleware.driver` that make hooks functions of plugins.
const DRIVERS: [&str; 2] = ["rust", "goplugin"];

/// Whether a driver runs plugins.
pub(super) fn is_plugin_driver(driver: &str) -> bool {
    DRIVERS.contains(&driver)
}

impl Reader<'_> {
    /// Hooks of the API that run.
    pub(super) fn hooks(&mut self, file: &ClassicFile) -> Hooks {
        let hooks = &file.custom_middleware;
        let analytics = self.analytics(&file.analytics_plugin, file.do_not_track);
        let lists = [
            ("pre", hooks.pre.as_slice()),
            ("auth_check", std::slice::from_ref(&hooks.auth_check)),
            ("post_key_auth", &hooks.post_key_auth),
            ("post", &hooks.post),
            ("response", &hooks.response),
        ];
        if !is_plugin_driver(&hooks.driver) {
            for (name, hooks) in lists {
                if hooks.iter().any(is_used) {
                    self.problems.refuse(
                        format!("custom_middleware.{name}"),
                        "has hooks in JavaScript, which this version of Gatehouse does not run yet; the API is not \
                         served because a hook may be what protects it. Set `disabled` on the hooks to serve it \
                         without them; hooks in Rust need `custom_middleware.driver` to be `rust`",
                    );
                }
            }
            return Hooks { analytics, ..Hooks::default() };
        }
        let [pre, auth_check, post_key_auth, post, response] = lists.map(|(name, hooks)| {
            let used = hooks.iter().enumerate().filter(|(_, hook)| is_used(hook));
            let read = used.filter_map(|(index, hook)| {
                let field = match name {
                    "auth_check" => "custom_middleware.auth_check".to_owned(),
                    _ => format!("custom_middleware.{name}[{index}]"),
                };
                self.hook(hook, &field)
            });
            read.collect::<Vec<_>>()
        });
        let auth_check = auth_check.into_iter().next().filter(|_| !file.use_keyless);
        if let Some(hook) = &auth_check
            && hook.on_load_failure == OnLoadFailure::Proxy
        {
            self.problems.refuse(
                "custom_middleware.auth_check.on_load_failure",
                "is `proxy`, which would let everybody in when the plugin does not load; use `fail` or `refuse`",
            );
        }
        Hooks { pre, auth_check, post_key_auth, post, response, analytics }
    }

    fn hook(&mut self, hook: &file::Hook, field: &str) -> Option<PluginUse> {
        let names = Names { file: ("path", &hook.path), function: ("name", &hook.name) };
        self.plugin(names, &hook.config, &hook.on_load_failure, hook.timeout, field)
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

/// Tyk writes out an empty `auth_check`.
fn is_used(hook: &file::Hook) -> bool {
    let written = !hook.name.is_empty() || !hook.path.is_empty();
    written && !hook.disabled
}
