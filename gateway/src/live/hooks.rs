//! From the hooks of a definition to hooks that can be called.

use std::sync::Arc;

use super::{api::LiveHooks, plugins::PluginCompiler, scripts::ApiScripts};
use crate::{
    apidef::{
        ApiDefinition,
        model::{HookUse, ScriptHook},
    },
    chain::{
        hook::LiveHook,
        script_hook::{LiveScriptHook, ScriptState},
    },
    js::engine::ErrorClass,
    plugins::Kind,
    telemetry::metrics::Metrics,
};

/// The hooks of an API. Without `scripts` those in JavaScript are there all the same, and keep requests out.
pub(super) fn compile(
    definition: &ApiDefinition,
    scripts: Option<&ApiScripts>,
    plugins: &mut PluginCompiler<'_>,
    metrics: &Metrics,
) -> LiveHooks {
    let hooks = &definition.hooks;
    let script = |hook: &ScriptHook, method: &str| {
        LiveHook::Script(LiveScriptHook {
            state: scripts.map_or(ScriptState::Off, |scripts| scripts.state(hook.source.as_ref())),
            function: format!("{}.{method}", hook.object).into(),
            use_session: hook.require_session,
            api_id: Arc::clone(&definition.id),
            place: Arc::clone(&hook.field),
            failures: metrics.script_failures(&definition.id, ErrorClass::ALL.map(ErrorClass::as_str)),
        })
    };
    let mut one = |hook: &HookUse, kind: Kind, method: &str| match hook {
        HookUse::Plugin(plugin) => plugins.hook(plugin, kind).map(LiveHook::Plugin),
        HookUse::Script(hook) => Some(script(hook, method)),
    };
    let (request, response) = ("DoProcessRequest", "DoProcessResponse");
    let auth_check = hooks.auth_check.as_ref().and_then(|hook| one(hook, Kind::Auth, request));
    let mut list = |hooks: &[HookUse], kind: Kind, method: &str| -> Vec<LiveHook> {
        hooks.iter().filter_map(|hook| one(hook, kind, method)).collect()
    };
    LiveHooks {
        pre: list(&hooks.pre, Kind::Request, request),
        auth_check,
        post_key_auth: list(&hooks.post_key_auth, Kind::Request, request),
        post: list(&hooks.post, Kind::Request, request),
        response: list(&hooks.response, Kind::Response, response),
        analytics: hooks.analytics.as_ref().and_then(|hook| plugins.hook(hook, Kind::Analytics)),
        scripts: hooks.scripts().next().is_some(),
    }
}
