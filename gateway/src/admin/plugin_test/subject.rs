//! Finds or loads what a test calls: code of the request, a function in a plugin's file, or what a loaded API has.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::json;

use super::{
    super::answer::Refused,
    given::{HookType, PluginTest, What},
    message::Messages,
};
use crate::{
    chain::{
        self,
        hook::LiveHook,
        plugin::{LivePlugin, PluginState},
        script_hook::{LiveScriptHook, ScriptState},
        virtual_endpoint::LiveVirtualEndpoint,
    },
    config::settings::DriverName,
    js::{
        engine::{ErrorClass, Program, ScriptError, Source},
        runtime::{Script, Surroundings},
        seed,
    },
    live::api::LiveApi,
    plugins::{ApiFacts, Kept, Kind, PluginServices, PluginSite, registry},
    rehearsal::Failure,
    serve::Gateway,
    telemetry::metrics::{self, Failures},
};

/// Name of the request's code in positions.
const CODE: &str = "code";
/// Id of an API that is only named.
const NO_API: &str = "__sandbox__";
/// Where native crashes of tests are reported; no endpoint of an API is called so.
const SITE: &str = "/tyk/plugins/test";
/// What finds the object of a hook that is not named.
const TRACKER: &str = include_str!("tracker.js");
/// How it is called there.
const TRACKED: &str = "__tested";

/// What is known before anything is loaded.
pub(super) struct Stage {
    pub(super) surroundings: Surroundings,
    pub(super) services: Arc<PluginServices>,
    pub(super) hook: HookType,
    pub(super) has_session: bool,
}

/// What there is to call.
pub(super) enum Found {
    Subject(Subject),
    /// Nothing, because it did not load.
    Nothing(Failure),
}

/// Something that can be called, with its surroundings.
pub(super) enum Subject {
    /// Before the upstream, for a caller who may have a session.
    Request(Box<LiveHook>),
    /// `auth_check`.
    Auth(Box<LiveHook>),
    /// On an answer.
    Response(Box<LiveHook>),
    /// A virtual endpoint.
    Virtual(Box<LiveVirtualEndpoint>),
    /// On a record.
    Analytics(Box<LivePlugin>),
}

/// Finds what a test calls. Blocks while it is loaded.
pub(super) fn find(
    gateway: &Gateway,
    stage: &Stage,
    test: &PluginTest,
    what: What,
    messages: &mut Messages,
) -> Result<Found, Refused> {
    match what {
        What::Code(code) => code_of_test(gateway, stage, test, code),
        What::File { path, function } => function_of_file(gateway, stage, test, &path, &function),
        What::Api => of_api(gateway, stage, test, messages),
    }
}

fn code_of_test(
    gateway: &Gateway,
    stage: &Stage,
    test: &PluginTest,
    code: Arc<str>,
) -> Result<Found, Refused> {
    if !gateway.settings.javascript.enabled {
        return Err(Refused::bad("scripts are off: `enable_jsvm` is false in the configuration"));
    }
    if matches!(stage.hook, HookType::Plugin | HookType::Analytics) {
        return Err(Refused::bad("hook_type: code in JavaScript cannot be one; plugin_path names a plugin"));
    }
    if stage.hook == HookType::Virtual && test.name.is_empty() {
        return Err(Refused::bad("name is required for virtual endpoints: the function to call"));
    }
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let mut sources = Vec::new();
    if test.name.is_empty() {
        sources.push(source("(test)", TRACKER));
    }
    sources.push(Source { name: CODE.into(), text: code });
    let api_id = if test.api_id.is_empty() { NO_API } else { &test.api_id };
    let config_data = test.config_data.clone().unwrap_or_else(|| json!({}));
    let config = json!({ "APIID": api_id, "OrgID": test.org_id, "config_data": config_data });
    let budget = *gateway.js.budget();
    let program = Program {
        api_id: api_id.into(),
        seed: seed::of_sources(&sources),
        sources,
        config_json: config.to_string().into(),
        memory_bytes: budget.memory_bytes,
    };
    let driver = driver(gateway, &test.driver)?;
    let (script, mut failures) =
        match gateway.js.load_rehearsed(&stage.surroundings, driver, program, &budget) {
            Ok(loaded) => loaded,
            Err(error) => return Ok(Found::Nothing((&error).into())),
        };
    if let Some((_, error)) = failures.pop() {
        return Ok(Found::Nothing((&error).into()));
    }
    let failures = Failures::none();
    if stage.hook == HookType::Virtual {
        return Ok(Found::Subject(Subject::Virtual(Box::new(LiveVirtualEndpoint {
            function: test.name.as_str().into(),
            script,
            load_error: None,
            use_session: stage.has_session,
            proxy_on_error: false,
            path: SITE.into(),
            failures,
            budget,
        }))));
    }
    let object = if test.name.is_empty() { TRACKED } else { &test.name };
    let method = if stage.hook == HookType::Response { "DoProcessResponse" } else { "DoProcessRequest" };
    let hook = LiveScriptHook {
        state: ScriptState::Ready(script),
        function: format!("{object}.{method}").into(),
        budget,
        use_session: true,
        api_id: api_id.into(),
        place: SITE.into(),
        failures,
    };
    Ok(Found::Subject(stage.subject(LiveHook::Script(hook))))
}

/// The driver of this name, read as definitions are.
fn driver(gateway: &Gateway, name: &str) -> Result<DriverName, Refused> {
    match name {
        "" | "otto" | "goja" | "javascript" => Ok(gateway.settings.javascript.driver),
        #[cfg(feature = "quickjs")]
        "quickjs" => Ok(DriverName::QuickJs),
        #[cfg(feature = "boa")]
        "boa" => Ok(DriverName::Boa),
        other => Err(Refused::bad(format!("driver: `{other}` is not a JavaScript driver"))),
    }
}

fn function_of_file(
    gateway: &Gateway,
    stage: &Stage,
    test: &PluginTest,
    path: &Path,
    function: &str,
) -> Result<Found, Refused> {
    let kind = match stage.hook {
        HookType::Pre | HookType::PostKeyAuth | HookType::Post | HookType::Plugin => Kind::Request,
        HookType::AuthCheck => Kind::Auth,
        HookType::Response => Kind::Response,
        HookType::Analytics => Kind::Analytics,
        HookType::Virtual => {
            return Err(Refused::bad(
                "hook_type: a plugin cannot be `virtual`; `rust_plugin` is its endpoint",
            ));
        }
    };
    let file = match registry::locate(path) {
        Ok(file) => permitted(gateway, &file)?,
        Err(problem) => return Ok(not_loaded(&format!("{}: {problem}", path.display()))),
    };
    let loaded = match gateway.plugins.load(&file, function, kind) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(not_loaded(&error.to_string())),
    };
    let snapshot = gateway.snapshot();
    let api = snapshot.apis().find(|api| *api.id == *test.api_id);
    let id = if test.api_id.is_empty() { NO_API } else { &test.api_id };
    let facts = ApiFacts {
        id: id.into(),
        name: api.map_or("", |api| &*api.name).into(),
        organisation: test.org_id.as_str().into(),
        listen_path: api.map_or("/", |api| &api.listen_path).into(),
        config_data: test.config_data.as_ref().map_or("{}".to_owned(), ToString::to_string).into(),
        definition: None,
    };
    let shown = path.to_string_lossy();
    let site = PluginSite {
        services: Arc::clone(&stage.services),
        api: Arc::new(facts),
        config: test.config.as_ref().map(|config| config.to_string().into()),
        crash_site: gateway.plugins.crash_site([id, "POST", SITE, &shown, function]),
        timeout: Some(gateway.plugins.timeout),
        kept: Kept::default(),
    };
    let failures = Failures::none();
    let plugin = LivePlugin { state: PluginState::Ready(loaded), site: Arc::new(site), failures };
    Ok(Found::Subject(stage.subject_of_plugin(plugin)))
}

/// A plugin's file as it really is, when it lies where definitions name plugins: below the working directory, from which
/// their paths begin, below `middleware_path`, or in the folder of a plugin that is loaded. Whoever has the secret could put a
/// definition that names any file; a test is not to be the shorter way there.
fn permitted(gateway: &Gateway, file: &Path) -> Result<PathBuf, Refused> {
    let real = file.canonicalize();
    let real = real.map_err(|error| Refused::bad(format!("plugin_path: {}: {error}", file.display())))?;
    let loaded = gateway.plugins.registry().plugins();
    let folders = loaded.iter().filter_map(|plugin| plugin.path.parent().map(Path::to_owned));
    let roots =
        env::current_dir().into_iter().chain([gateway.settings.middleware_path.clone()]).chain(folders);
    let mut roots = roots.map(|root| if root.as_os_str().is_empty() { PathBuf::from(".") } else { root });
    if roots.any(|root| root.canonicalize().is_ok_and(|root| real.starts_with(root))) {
        return Ok(real);
    }
    Err(Refused::bad(format!(
        "plugin_path: {} is neither below the working directory or middleware_path nor beside a plugin that is loaded",
        file.display()
    )))
}

fn of_api(
    gateway: &Gateway,
    stage: &Stage,
    test: &PluginTest,
    messages: &mut Messages,
) -> Result<Found, Refused> {
    let snapshot = gateway.snapshot();
    let api = snapshot.apis().find(|api| *api.id == *test.api_id);
    let api = api.ok_or_else(|| Refused::not_found("API not found"))?;
    match stage.hook {
        HookType::Virtual | HookType::Plugin => {
            let exchange = &messages.exchange;
            let path = exchange.uri.path();
            let routed =
                snapshot.route(exchange.host(), path).filter(|(routed, _)| std::ptr::eq(*routed, &**api));
            let below = || path.starts_with(&api.listen_path).then_some(api.listen_path.len());
            // Without the listen path it is a path of the API for itself.
            let listen_length = routed.map(|(_, length)| length).or_else(below).unwrap_or_default();
            endpoint_of_api(stage, api, listen_length, messages)
        }
        HookType::Analytics => match &api.hooks.analytics {
            Some(plugin) => Ok(stage.plugin(plugin)),
            None => Err(Refused::not_found("the API has no analytics_plugin")),
        },
        hook => {
            let hooks = &api.hooks;
            let list: &[LiveHook] = match hook {
                HookType::Pre => &hooks.pre,
                HookType::AuthCheck => hooks.auth_check.as_slice(),
                HookType::PostKeyAuth => &hooks.post_key_auth,
                HookType::Post => &hooks.post,
                _ => &hooks.response,
            };
            let found = list.get(test.index).ok_or_else(|| {
                let (place, index, count) = (&test.hook_type, test.index, list.len());
                Refused::not_found(&format!(
                    "the API has no {place} hook {index}; it has {count}, counted from 0"
                ))
            })?;
            match found {
                LiveHook::Plugin(plugin) => Ok(stage.plugin(plugin)),
                LiveHook::Script(hook) => stage.script(hook),
            }
        }
    }
}

/// The endpoint that the request of the test is for.
fn endpoint_of_api(
    stage: &Stage,
    api: &LiveApi,
    listen_length: usize,
    messages: &mut Messages,
) -> Result<Found, Refused> {
    let exchange = &mut *messages.exchange;
    let shown = format!("{} {}", exchange.method, exchange.uri.path());
    let rules = chain::code_at(api, listen_length, exchange)
        .map_err(|error| Refused::not_found(&error.to_string()))?;
    let missing = |what: &str| Refused::not_found(&format!("the API has no {what} for {shown}"));
    if stage.hook == HookType::Plugin {
        return rules.plugin.map(|plugin| stage.plugin(plugin)).ok_or_else(|| missing("endpoint plugin"));
    }
    let endpoint = rules.virtual_endpoint.ok_or_else(|| missing("virtual endpoint"))?;
    if let Some(error) = &endpoint.load_error {
        return Ok(Found::Nothing((&**error).into()));
    }
    Ok(Found::Subject(Subject::Virtual(Box::new(LiveVirtualEndpoint {
        function: Arc::clone(&endpoint.function),
        script: stage.rehearsed(&endpoint.script),
        load_error: None,
        use_session: endpoint.use_session,
        proxy_on_error: endpoint.proxy_on_error,
        path: Arc::clone(&endpoint.path),
        failures: endpoint.failures.clone(),
        budget: endpoint.budget,
    }))))
}

impl Stage {
    fn rehearsed(&self, script: &Script) -> Arc<Script> {
        script.rehearsed(&self.surroundings)
    }

    /// A hook at the place of the test.
    fn subject(&self, hook: LiveHook) -> Subject {
        let hook = Box::new(hook);
        match self.hook {
            HookType::AuthCheck => Subject::Auth(hook),
            HookType::Response => Subject::Response(hook),
            _ => Subject::Request(hook),
        }
    }

    fn subject_of_plugin(&self, plugin: LivePlugin) -> Subject {
        match self.hook {
            HookType::Analytics => Subject::Analytics(Box::new(plugin)),
            _ => self.subject(LiveHook::Plugin(plugin)),
        }
    }

    /// A loaded API's hook in JavaScript.
    fn script(&self, hook: &LiveScriptHook) -> Result<Found, Refused> {
        let script = match &hook.state {
            ScriptState::Ready(script) => script,
            ScriptState::Failed(error) => return Ok(Found::Nothing((&**error).into())),
            ScriptState::Off => {
                let error =
                    ScriptError::new(ErrorClass::Source, "`enable_jsvm` is false in the configuration");
                return Ok(Found::Nothing((&error).into()));
            }
        };
        Ok(Found::Subject(self.subject(LiveHook::Script(LiveScriptHook {
            state: ScriptState::Ready(self.rehearsed(script)),
            function: Arc::clone(&hook.function),
            budget: hook.budget,
            use_session: hook.use_session,
            api_id: Arc::clone(&hook.api_id),
            place: Arc::clone(&hook.place),
            failures: hook.failures.clone(),
        }))))
    }

    /// A function of a plugin that a loaded API names.
    fn plugin(&self, plugin: &LivePlugin) -> Found {
        let function = match &plugin.state {
            PluginState::Ready(function) => Arc::clone(function),
            PluginState::Failed(why) => return not_loaded(why),
            PluginState::Closed => return not_loaded("its endpoint is closed because it crashed too often"),
        };
        let site = PluginSite {
            services: Arc::clone(&self.services),
            api: Arc::clone(&plugin.site.api),
            config: plugin.site.config.clone(),
            crash_site: plugin.site.crash_site,
            timeout: plugin.site.timeout,
            kept: Kept::default(),
        };
        Found::Subject(self.subject_of_plugin(LivePlugin {
            state: PluginState::Ready(function),
            site: Arc::new(site),
            failures: plugin.failures.clone(),
        }))
    }
}

fn not_loaded(message: &str) -> Found {
    Found::Nothing(Failure {
        message: message.to_owned(),
        class: metrics::plugin::NOT_LOADED,
        position: None,
        stack: Vec::new(),
    })
}

/// Whether a script's failure is that its code registered nothing.
pub(super) fn is_unregistered(failure: &Failure) -> bool {
    failure.class == ErrorClass::MissingFunction.as_str() && failure.message.contains(TRACKED)
}
