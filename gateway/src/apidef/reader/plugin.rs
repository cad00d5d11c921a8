//! Checks of a place that names a function of a plugin.

use std::time::Duration;

use serde_json::Value;

use super::Reader;
use crate::apidef::model::{HookUse, OnLoadFailure, PluginUse};

/// Drivers that make hooks functions of plugins.
const DRIVERS: [&str; 2] = ["rust", "goplugin"];

/// Whether a driver runs plugins.
pub(in crate::apidef) fn is_plugin_driver(driver: &str) -> bool {
    DRIVERS.contains(&driver)
}

/// The fields that name a function, with their keys.
pub(in crate::apidef) struct PlaceNames<'a> {
    pub(in crate::apidef) file: (&'a str, &'a str),
    pub(in crate::apidef) function: (&'a str, &'a str),
    /// Key of what happens when the plugin does not load.
    pub(in crate::apidef) on_load_failure: (&'a str, &'a str),
}

impl Reader<'_> {
    /// A function of a plugin at `field`.
    pub(in crate::apidef) fn plugin(
        &mut self,
        names: PlaceNames<'_>,
        config: Option<&Value>,
        timeout: Option<Duration>,
        field: &str,
    ) -> Option<PluginUse> {
        let on_load_failure = match names.on_load_failure.1 {
            "" | "fail" => OnLoadFailure::Fail,
            "refuse" => OnLoadFailure::Refuse,
            "proxy" => OnLoadFailure::Proxy,
            other => {
                self.problems.refuse(
                    format!("{field}.{}", names.on_load_failure.0),
                    format!("`{other}` is not one of fail, refuse, proxy"),
                );
                return None;
            }
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
            config: config.map(|config| config.to_string().into()),
            on_load_failure,
            timeout,
            field: field.into(),
        })
    }

    /// A plugin that lets callers in may not be passed by.
    pub(in crate::apidef) fn check_authenticates(&mut self, hook: Option<&HookUse>, field: &str) {
        let is_passed_by = |hook: &HookUse| matches!(hook, HookUse::Plugin(plugin) if plugin.on_load_failure == OnLoadFailure::Proxy);
        if hook.is_some_and(is_passed_by) {
            self.problems.refuse(
                field,
                "is `proxy`, which would let everybody in when the plugin does not load; use `fail` or `refuse`",
            );
        }
    }

    pub(super) fn plugin_name(
        &mut self,
        (key, value): (&str, &str),
        missing: &str,
        field: &str,
    ) -> Option<String> {
        let value = value.trim();
        if value.is_empty() {
            self.problems.refuse(format!("{field}.{key}"), missing);
            return None;
        }
        Some(value.to_owned())
    }
}
