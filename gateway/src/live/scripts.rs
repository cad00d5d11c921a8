//! The scripts of an API: read, loaded as one program, and told apart again by who needs which.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use super::{compile::Compiler, kept::Fingerprint};
use crate::{
    apidef::{
        ApiDefinition,
        folder::DefinitionFile,
        model::{Endpoint, ScriptSource, VirtualEndpoint},
    },
    chain::{script_hook::ScriptState, virtual_endpoint::LiveVirtualEndpoint},
    js::{
        budget::Budget,
        engine::{ErrorClass, Program, ScriptError, Source},
        runtime::Script,
        seed,
    },
    telemetry::metrics::Failures,
};

/// Loads the sources of all virtual endpoints, hooks and event handlers of an API into one program; `None` when it has none or scripts
/// are off.
pub(super) fn load(
    compiler: &Compiler<'_>,
    definition: &ApiDefinition,
    file: &DefinitionFile,
) -> Option<ApiScripts> {
    let javascript = &compiler.settings.javascript;
    if !javascript.enabled {
        return None;
    }
    let endpoints = definition.versions().iter().flat_map(|version| &version.endpoints.virtual_endpoints);
    // As in Tyk, those of hooks come last: theirs is the last definition of a name.
    let hooks = definition.hooks.scripts().filter_map(|hook| hook.source.as_ref());
    let events = definition.event_scripts().filter_map(|(script, _)| script.source.as_ref());
    let endpoints = endpoints.map(|endpoint| &endpoint.rule.source);
    let wanted: Vec<&ScriptSource> = endpoints.chain(hooks).chain(events).collect();
    let blobs_disabled = javascript.blobs_disabled;
    let mut sources: Vec<(ScriptSource, Result<usize, Arc<ScriptError>>)> = Vec::new();
    let mut texts = Vec::new();
    let mut files = Vec::new();
    for source in wanted {
        let blob = matches!(source, ScriptSource::Inline { .. });
        if (blob && blobs_disabled) || sources.iter().any(|(known, _)| known == source) {
            continue;
        }
        let read = read_source(source).map(|text| {
            if let ScriptSource::File(path) = source {
                files.push((path.clone(), Fingerprint::of(&text.text)));
            }
            texts.push(text);
            texts.len() - 1
        });
        sources.push((source.clone(), read.map_err(Arc::new)));
    }
    let is_needed =
        definition.hooks.scripts().next().is_some() || definition.event_scripts().next().is_some();
    if sources.is_empty() && !is_needed {
        return None;
    }
    let mut config = serde_json::json!({ "APIID": &*definition.id, "OrgID": &*definition.org_id });
    if let Some(data) = &definition.config_data {
        config["config_data"] = data.clone();
    }
    let budget = compiler.js.budget().with(&definition.script_budget);
    let program = Program {
        api_id: Arc::clone(&definition.id),
        seed: seed::of_sources(&texts),
        sources: texts,
        config_json: config.to_string().into(),
        memory_bytes: budget.memory_bytes,
    };
    let driver = definition.driver.unwrap_or(javascript.driver);
    let (script, failures) = match compiler.js.load(driver, program, &budget) {
        Ok(loaded) => loaded,
        Err(error) => {
            file.report_one("", &format!("the JavaScript engine did not start: {error}"));
            return None;
        }
    };
    let mut failed: HashMap<usize, Arc<ScriptError>> =
        failures.into_iter().map(|(index, error)| (index, Arc::new(error))).collect();
    for (source, state) in &mut sources {
        if let Ok(index) = state
            && let Some(error) = failed.remove(index)
        {
            *state = Err(error);
        }
        if let Err(error) = state {
            report_source(definition, file, source, error);
        }
    }
    let classes = ErrorClass::ALL.map(ErrorClass::as_str);
    let failures = compiler.metrics.script_failures(&definition.id, classes);
    Some(ApiScripts { script, sources, files, blobs_disabled, failures, budget })
}

/// The program of an API and what became of each of its sources.
pub(super) struct ApiScripts {
    script: Arc<Script>,
    sources: Vec<(ScriptSource, Result<usize, Arc<ScriptError>>)>,
    files: Vec<(PathBuf, Fingerprint)>,
    blobs_disabled: bool,
    failures: Failures,
    /// What a call of it may use, where its place says nothing else.
    pub(super) budget: Budget,
}

impl ApiScripts {
    /// How many sources did not load.
    pub(super) fn failed(&self) -> usize {
        self.sources.iter().filter(|(_, state)| state.is_err()).count()
    }

    /// The files that it was made from; `None` when another load of the same may come to something else.
    pub(super) fn files(&self) -> Option<Vec<(PathBuf, Fingerprint)>> {
        (self.failed() == 0 && self.script.loads_alike()).then(|| self.files.clone())
    }

    /// The endpoints that exist: inline ones do not when blobs are disabled.
    pub(super) fn usable(&self, endpoints: &[Endpoint<VirtualEndpoint>]) -> Vec<Endpoint<VirtualEndpoint>> {
        let exists = |endpoint: &&Endpoint<VirtualEndpoint>| {
            !self.blobs_disabled || matches!(endpoint.rule.source, ScriptSource::File(_))
        };
        endpoints.iter().filter(exists).cloned().collect()
    }

    /// A virtual endpoint with what it calls.
    pub(super) fn endpoint(&self, endpoint: &Endpoint<VirtualEndpoint>) -> LiveVirtualEndpoint {
        let state = self.sources.iter().find(|(source, _)| *source == endpoint.rule.source);
        let load_error = state.and_then(|(_, state)| state.as_ref().err().cloned());
        LiveVirtualEndpoint {
            function: Arc::clone(&endpoint.rule.function),
            script: Arc::clone(&self.script),
            load_error,
            use_session: endpoint.rule.use_session,
            proxy_on_error: endpoint.rule.proxy_on_error,
            path: endpoint.path.as_str().into(),
            failures: self.failures.clone(),
            budget: self.budget.with(&endpoint.rule.budget),
        }
    }

    /// What a hook or event handler calls whose source this is.
    pub(super) fn state(&self, source: Option<&ScriptSource>) -> ScriptState {
        let Some(wanted) = source else { return ScriptState::Ready(Arc::clone(&self.script)) };
        match self.sources.iter().find(|(source, _)| source == wanted) {
            Some((_, Ok(_))) => ScriptState::Ready(Arc::clone(&self.script)),
            Some((_, Err(error))) => ScriptState::Failed(Arc::clone(error)),
            None => ScriptState::Failed(Arc::new(ScriptError::new(
                ErrorClass::Source,
                "its source stands in the definition, and `disable_virtual_path_blobs` forbids those",
            ))),
        }
    }
}

fn read_source(source: &ScriptSource) -> Result<Source, ScriptError> {
    match source {
        ScriptSource::Inline { text, name } => Ok(Source { name: Arc::clone(name), text: Arc::clone(text) }),
        ScriptSource::File(path) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(Source { name: path.to_string_lossy().into(), text: text.into() }),
            Err(error) => Err(ScriptError::new(
                ErrorClass::Source,
                format!("{}: {error}; the path is relative to {}", path.display(), working_directory()),
            )),
        },
    }
}

fn working_directory() -> String {
    match std::env::current_dir() {
        Ok(path) => path.display().to_string(),
        Err(_) => "the working directory".to_owned(),
    }
}

fn report_source(
    definition: &ApiDefinition,
    file: &DefinitionFile,
    source: &ScriptSource,
    error: &ScriptError,
) {
    let name = match source {
        ScriptSource::File(path) => path.to_string_lossy().into_owned(),
        ScriptSource::Inline { name, .. } => name.to_string(),
    };
    let position = error.position.as_ref().map_or(name, ToString::to_string);
    if !file.note("", format!("a source did not load: {position}: {error}")) {
        return;
    }
    tracing::error!(
        api_id = &*definition.id,
        class = error.class.as_str(),
        position,
        "a source did not load: {error}; its endpoints and hooks answer 500, endpoints with proxy_on_error go to the upstream"
    );
}
