//! Places of a Classic definition that name hooks and functions of plugins: endpoint lists, hooks, analytics.

use std::time::Duration;

use serde_json::Value;

use super::file::{self, ClassicFile};
use crate::apidef::{
    model::{HookUse, Hooks, PluginUse},
    reader::{PlaceNames, Reader, WrittenHook},
};

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
        let [pre, auth_check, post_key_auth, post, response] = lists.map(|(name, hooks)| {
            let used = hooks.iter().enumerate().filter(|(_, hook)| is_used(hook));
            let read = used.filter_map(|(index, hook)| {
                let field = match name {
                    "auth_check" => "custom_middleware.auth_check".to_owned(),
                    _ => format!("custom_middleware.{name}[{index}]"),
                };
                self.custom_middleware(hook, &file.custom_middleware.driver, &field)
            });
            read.collect::<Vec<_>>()
        });
        let auth_check = auth_check.into_iter().next().filter(|_| !file.use_keyless);
        self.check_authenticates(auth_check.as_ref(), "custom_middleware.auth_check.on_load_failure");
        Hooks { pre, auth_check, post_key_auth, post, response, analytics }
    }

    fn custom_middleware(&mut self, hook: &file::Hook, section: &str, field: &str) -> Option<HookUse> {
        let timeout = self.timeout(hook.timeout, field)?;
        let hook = WrittenHook {
            names: names(("path", &hook.path), ("name", &hook.name), &hook.on_load_failure),
            code: &hook.code,
            driver: &hook.driver,
            require_session: hook.require_session,
            config: hook.config.as_ref(),
            timeout,
            switch: "set `disabled`",
        };
        self.hook(hook, section, field)
    }

    /// An entry of `go_plugin` or `rust_plugin`.
    pub(super) fn endpoint_plugin(&mut self, entry: &file::PluginEntry, field: &str) -> Option<PluginUse> {
        let file = ("plugin_path", entry.plugin_path.as_str());
        let names = names(file, ("func_name", &entry.func_name), &entry.on_load_failure);
        self.place(names, entry.config.as_ref(), entry.timeout, field)
    }

    fn analytics(&mut self, plugin: &file::AnalyticsPlugin, do_not_track: bool) -> Option<PluginUse> {
        if !plugin.enable || do_not_track {
            return None;
        }
        let file = ("plugin_path", plugin.plugin_path.as_str());
        let names = names(file, ("func_name", &plugin.func_name), &plugin.on_load_failure);
        self.place(names, plugin.config.as_ref(), plugin.timeout, "analytics_plugin")
    }

    fn place(
        &mut self,
        names: PlaceNames<'_>,
        config: Option<&Value>,
        timeout: f64,
        field: &str,
    ) -> Option<PluginUse> {
        let timeout = self.timeout(timeout, field)?;
        self.plugin(names, config, timeout, field)
    }

    /// `timeout` of a place in seconds; the inner `None` is the gateway's setting.
    fn timeout(&mut self, seconds: f64, field: &str) -> Option<Option<Duration>> {
        match seconds {
            0.0 => Some(None),
            seconds => self.seconds(seconds, &format!("{field}.timeout")).map(Some),
        }
    }
}

fn names<'a>(
    file: (&'a str, &'a str),
    function: (&'a str, &'a str),
    on_load_failure: &'a str,
) -> PlaceNames<'a> {
    PlaceNames { file, function, on_load_failure: ("on_load_failure", on_load_failure) }
}

/// Tyk writes out an empty `auth_check`.
fn is_used(hook: &file::Hook) -> bool {
    let written = !hook.name.is_empty() || !hook.path.is_empty() || !hook.code.is_empty();
    written && !hook.disabled
}
