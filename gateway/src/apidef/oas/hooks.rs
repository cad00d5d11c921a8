//! Functions of plugins in a Tyk OAS definition: hooks, authentication, analytics, endpoints.

use super::{
    at,
    authentication::Gatekeeper,
    file::{Extension, Plugin, Plugins},
};
use crate::apidef::{
    model::{Hooks, PluginUse},
    reader::{PlaceNames, Reader, is_plugin_driver, unavailable},
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
    if !is_plugin_driver(driver) {
        for (field, plugins) in lists {
            if plugins.iter().any(is_used) {
                let driver = "middleware.global.pluginConfig.driver";
                reader.problems.refuse(field, unavailable::script_hooks("`enabled` to false", driver));
            }
        }
        return Hooks { analytics, ..Hooks::default() };
    }
    let [pre, post_key_auth, post, response] = lists.map(|(field, plugins)| {
        let used = plugins.iter().enumerate().filter(|(_, plugin)| is_used(plugin));
        used.filter_map(|(index, plugin)| place(reader, plugin, &format!("{field}[{index}]"))).collect()
    });
    let auth_check = match gatekeeper.plugin {
        true => {
            let field = at("server.authentication.custom.config");
            let hook = place(reader, &file.server.authentication.custom.config, &field);
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
    let function = if plugin.function_name.is_empty() { &plugin.name } else { &plugin.function_name };
    let names = PlaceNames {
        file: ("path", &plugin.path),
        function: ("functionName", function),
        on_load_failure: ("onLoadFailure", &plugin.on_load_failure),
    };
    reader.plugin(names, plugin.config.as_ref(), (!timeout.is_zero()).then_some(timeout), field)
}

fn is_used(plugin: &Plugin) -> bool {
    plugin.enabled && !(plugin.function_name.is_empty() && plugin.name.is_empty() && plugin.path.is_empty())
}
