//! Hooks and functions of plugins in a Tyk OAS definition: hooks, authentication, analytics, endpoints.

use super::{
    at,
    authentication::Gatekeeper,
    file::{Extension, Plugin, Plugins},
};
use crate::apidef::{
    model::{HookUse, Hooks, PluginUse},
    reader::{PlaceNames, Reader, WrittenHook},
};

/// Hooks of the API that run.
pub(super) fn hooks(reader: &mut Reader<'_>, file: &Extension, gatekeeper: &Gatekeeper) -> Hooks {
    let global = &file.middleware.global;
    let analytics = analytics(reader, file);
    let driver = &global.plugin_config.driver;
    let lists = [
        list("prePlugin", global.pre_plugins.as_deref(), &global.pre_plugin),
        list(
            "postAuthenticationPlugin",
            global.post_authentication_plugins.as_deref(),
            &global.post_authentication_plugin,
        ),
        list("postPlugin", global.post_plugins.as_deref(), &global.post_plugin),
        list("responsePlugin", global.response_plugins.as_deref(), &global.response_plugin),
    ];
    let [pre, post_key_auth, post, response] = lists.map(|(field, plugins)| {
        let used = plugins.iter().enumerate().filter(|(_, plugin)| is_used(plugin));
        used.filter_map(|(index, plugin)| hook(reader, plugin, driver, &format!("{field}[{index}]")))
            .collect()
    });
    let auth_check = match gatekeeper.plugin {
        true => {
            let field = at("server.authentication.custom.config");
            let hook = hook(reader, &file.server.authentication.custom.config, driver, &field);
            reader.check_authenticates(hook.as_ref(), &format!("{field}.onLoadFailure"));
            hook
        }
        false => None,
    };
    Hooks { pre, auth_check, post_key_auth, post, response, analytics }
}

/// A list of plugins with its place: Tyk's older spelling counts where the newer one is not there.
fn list<'a>(
    older: &str,
    newer_list: Option<&'a [Plugin]>,
    older_list: &'a Plugins,
) -> (String, &'a [Plugin]) {
    match newer_list {
        Some(plugins) => (at(&format!("middleware.global.{older}s")), plugins),
        None => (at(&format!("middleware.global.{older}.plugins")), &older_list.plugins),
    }
}

/// As in Tyk, the first entry of the list is the one that counts.
fn analytics(reader: &mut Reader<'_>, file: &Extension) -> Option<PluginUse> {
    let logs = &file.middleware.global.traffic_logs;
    let plugin = logs.plugins.first().filter(|plugin| plugin.enabled && logs.enabled)?;
    place(reader, plugin, &at("middleware.global.trafficLogs.plugins[0]"))
}

/// Entries of an operation's `postPlugins`: as in Tyk, the first one counts.
pub(super) fn endpoint(reader: &mut Reader<'_>, plugins: &[Plugin], field: &str) -> Option<PluginUse> {
    let first = plugins.first()?;
    if plugins.iter().skip(1).any(|plugin| plugin.enabled) {
        reader.problems.warn(
            format!("{field}[1]"),
            "has no effect: as in Tyk, only the first plugin of an operation counts",
        );
    }
    if first.enabled { place(reader, first, &format!("{field}[0]")) } else { None }
}

fn place(reader: &mut Reader<'_>, plugin: &Plugin, field: &str) -> Option<PluginUse> {
    let timeout = reader.period(&plugin.timeout, &format!("{field}.timeout"))?;
    let timeout = (!timeout.is_zero()).then_some(timeout);
    reader.plugin(names(plugin), plugin.config.as_ref(), timeout, field)
}

fn hook(reader: &mut Reader<'_>, plugin: &Plugin, section_driver: &str, field: &str) -> Option<HookUse> {
    let timeout = reader.period(&plugin.timeout, &format!("{field}.timeout"))?;
    let hook = WrittenHook {
        names: names(plugin),
        code: &plugin.code,
        driver: &plugin.driver,
        require_session: plugin.require_session,
        config: plugin.config.as_ref(),
        timeout: (!timeout.is_zero()).then_some(timeout),
        switch: "set its `enabled` to false",
    };
    reader.hook(hook, section_driver, field)
}

fn names(plugin: &Plugin) -> PlaceNames<'_> {
    let function = if plugin.function_name.is_empty() { &plugin.name } else { &plugin.function_name };
    PlaceNames {
        file: ("path", &plugin.path),
        function: ("functionName", function),
        on_load_failure: ("onLoadFailure", &plugin.on_load_failure),
    }
}

fn is_used(plugin: &Plugin) -> bool {
    let texts = [&plugin.function_name, &plugin.name, &plugin.path, &plugin.code];
    plugin.enabled && texts.iter().any(|text| !text.is_empty())
}
