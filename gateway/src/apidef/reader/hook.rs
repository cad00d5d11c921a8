//! Checks of a place that names a hook, in JavaScript or in a plugin.

use std::{path::Path, time::Duration};

use serde_json::Value;

use super::{PlaceNames, Reader, is_plugin_driver, unavailable};
use crate::apidef::model::{HookUse, ScriptHook, ScriptSource};

/// Drivers that ask for what Gatehouse does not have.
const REFUSED_DRIVERS: [&str; 3] = ["python", "lua", "grpc"];

/// A hook as any kind of definition has it.
pub(in crate::apidef) struct WrittenHook<'a> {
    pub(in crate::apidef) names: PlaceNames<'a>,
    /// Source in base64; wins over the file.
    pub(in crate::apidef) code: &'a str,
    /// A driver for this hook alone.
    pub(in crate::apidef) driver: &'a str,
    pub(in crate::apidef) require_session: bool,
    /// For plugins.
    pub(in crate::apidef) config: Option<&'a Value>,
    /// For plugins.
    pub(in crate::apidef) timeout: Option<Duration>,
    /// How to switch it off.
    pub(in crate::apidef) switch: &'a str,
}

impl Reader<'_> {
    /// A hook at `field`. It is in the language that it says itself, that its file shows, or that the section says.
    pub(in crate::apidef) fn hook(
        &mut self,
        hook: WrittenHook<'_>,
        section_driver: &str,
        field: &str,
    ) -> Option<HookUse> {
        let path = hook.names.file.1.trim();
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        let is_plugin = match (hook.driver, extension) {
            ("", _) if !hook.code.is_empty() => false,
            ("", Some("js")) => false,
            ("", Some("so" | "dylib")) => true,
            ("", _) => is_plugin_driver(section_driver),
            (driver, _) => is_plugin_driver(driver),
        };
        if is_plugin {
            return self.plugin(hook.names, hook.config, hook.timeout, field).map(HookUse::Plugin);
        }
        let driver = if hook.driver.is_empty() { section_driver } else { hook.driver };
        if REFUSED_DRIVERS.contains(&driver) {
            self.problems.refuse(field, unavailable::driver(driver, hook.switch));
            return None;
        }
        self.script_hook(&hook, path, field).map(HookUse::Script)
    }

    fn script_hook(&mut self, hook: &WrittenHook<'_>, path: &str, field: &str) -> Option<ScriptHook> {
        let object = self.plugin_name(
            hook.names.function,
            "is missing; it names the object that `new TykJS.TykMiddleware.NewMiddleware({})` made",
            field,
        )?;
        let (on_load_failure, written) = hook.names.on_load_failure;
        let of_plugins = [
            ("config", hook.config.is_some()),
            (on_load_failure, !written.is_empty()),
            ("timeout", hook.timeout.is_some()),
        ];
        for (key, _) in of_plugins.iter().filter(|(_, set)| *set) {
            self.problems
                .warn(format!("{field}.{key}"), "has no effect: it is for plugins, and this is a script");
        }
        let source = if hook.code.is_empty() {
            (!path.is_empty()).then(|| ScriptSource::File(path.into()))
        } else {
            let name = format!("{} {field} (inline)", self.api_id);
            match decode(hook.code) {
                Ok(text) => Some(ScriptSource::Inline { text: text.into(), name: name.into() }),
                Err(what) => {
                    self.problems.refuse(format!("{field}.code"), what);
                    return None;
                }
            }
        };
        let (object, field) = (object.into(), field.into());
        Some(ScriptHook { object, source, require_session: hook.require_session, field })
    }
}

/// The text of a source that stands in the definition.
fn decode(code: &str) -> Result<String, String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let packed: String = code.split_whitespace().collect();
    let bytes =
        STANDARD.decode(packed).map_err(|error| format!("is not base64 ({error}); it holds the source"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 when decoded; it holds the source".to_owned())
}
