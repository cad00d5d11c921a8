//! Hooks: what runs around the endpoints of an API.

use std::{path::Path, sync::Arc};

use super::{PluginUse, ScriptSource};

/// What runs for every request of an API, in scripts or plugins, at the places of the chain that Tyk calls hooks.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Before everything but size limit, version and access lists.
    pub pre: Vec<HookUse>,
    /// Lets the caller in, or not.
    pub auth_check: Option<HookUse>,
    /// After the caller was let in.
    pub post_key_auth: Vec<HookUse>,
    /// Last before the upstream.
    pub post: Vec<HookUse>,
    /// On the answer of an upstream, script or plugin.
    pub response: Vec<HookUse>,
    /// On the record of a request that has been served.
    pub analytics: Option<PluginUse>,
}

impl Hooks {
    /// All of them but the analytics function, in the order in which Tyk loads their sources.
    pub fn all(&self) -> impl Iterator<Item = &HookUse> {
        let lists = [&self.pre, &self.post, &self.post_key_auth, &self.response].into_iter().flatten();
        self.auth_check.iter().chain(lists)
    }

    /// Those in JavaScript, in the same order.
    pub fn scripts(&self) -> impl Iterator<Item = &ScriptHook> {
        self.all().filter_map(|hook| match hook {
            HookUse::Script(script) => Some(script),
            HookUse::Plugin(_) => None,
        })
    }

    /// Whether any is a function of a plugin.
    pub fn uses_plugins(&self) -> bool {
        self.analytics.is_some() || self.all().any(|hook| matches!(hook, HookUse::Plugin(_)))
    }
}

/// A place in a definition that names a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookUse {
    /// A function of a plugin.
    Plugin(PluginUse),
    /// JavaScript.
    Script(ScriptHook),
}

impl HookUse {
    /// The file that it is in; `None` for what stands in the definition itself.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Plugin(plugin) => Some(&plugin.file),
            Self::Script(script) => script.source.as_ref()?.file(),
        }
    }
}

/// A hook in JavaScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptHook {
    /// The global that `NewMiddleware` made, or any expression for one.
    pub object: Arc<str>,
    /// Where its source is; `None` when another source of the API defines it.
    pub source: Option<ScriptSource>,
    /// It gets the session, and its metadata are written back.
    pub require_session: bool,
    /// The place in the definition, for messages, such as `custom_middleware.pre[0]`.
    pub field: Arc<str>,
}
