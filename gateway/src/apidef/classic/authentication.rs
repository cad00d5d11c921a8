//! Who may call: `use_keyless`, keys, and `auth_check`.

use http::header;

use super::file::ClassicFile;
use crate::apidef::{
    model::KeyAuth,
    reader::{Reader, unavailable},
};

/// The configuration of keys in `auth_configs`.
const KEYS: &str = "authToken";
/// Where keys are when nothing is written, in Tyk's spelling.
const AUTHORIZATION: &str = "Authorization";

impl Reader<'_> {
    /// Where callers have their keys; `None` when everybody may call, or a hook alone decides.
    ///
    /// Refuses an API whose protection is not there: nothing protected is served open.
    pub(super) fn keys(&mut self, file: &ClassicFile) -> Option<KeyAuth> {
        let hook = &file.custom_middleware.auth_check;
        let has_hook = !hook.disabled && !hook.name.is_empty();
        let flags = [
            ("enable_coprocess_auth", file.enable_coprocess_auth),
            ("use_go_plugin_auth", file.use_go_plugin_auth),
            ("custom_plugin_auth_enabled", file.custom_plugin_auth_enabled),
        ];
        let flag = flags.iter().find(|(_, on)| *on).map(|(name, _)| *name);
        if file.use_keyless {
            if let Some(flag) = flag {
                self.problems.refuse(
                    flag,
                    "asks for authentication by a plugin, and `use_keyless` lets everybody in; the API is not served \
                     because one of the two is a mistake. Set `use_keyless` to false, or switch this off",
                );
            } else if has_hook {
                self.problems.warn(
                    "custom_middleware.auth_check",
                    "is not called because `use_keyless` is true: everybody may call this API",
                );
            }
            return None;
        }
        match flag {
            Some(flag) if !has_hook => {
                self.problems.refuse(flag, unavailable::plugin_missing("custom_middleware.auth_check"));
                None
            }
            // The hook alone decides, unless keys are asked for besides.
            _ if has_hook && !file.use_standard_auth => None,
            // As in Tyk, keys are what is left when nothing else is said.
            _ => self.key_auth(file),
        }
    }

    fn key_auth(&mut self, file: &ClassicFile) -> Option<KeyAuth> {
        let (field, written) = match file.auth_configs.get(KEYS) {
            Some(written) => ("auth_configs.authToken", written),
            None => ("auth", &file.auth),
        };
        let header = if written.disable_header {
            None
        } else if written.auth_header_name.is_empty() {
            Some(header::AUTHORIZATION)
        } else {
            Some(self.header_name(&written.auth_header_name, &format!("{field}.auth_header_name"))?)
        };
        // The header's name is the parameter's and the cookie's too, where they have none.
        let named = |name: &str| match (name, written.auth_header_name.as_str()) {
            ("", "") => AUTHORIZATION.to_owned(),
            ("", header) if !written.disable_header => header.to_owned(),
            ("", _) => AUTHORIZATION.to_owned(),
            (name, _) => name.to_owned(),
        };
        let keys = KeyAuth {
            header,
            parameter: written.use_param.then(|| named(&written.param_name)),
            cookie: written.use_cookie.then(|| named(&written.cookie_name)),
            strip: file.strip_auth_data,
        };
        if keys.header.is_none() && keys.parameter.is_none() && keys.cookie.is_none() {
            self.problems.warn(
                format!("{field}.disable_header"),
                "is set, and neither `use_param` nor `use_cookie`: nobody can have a key",
            );
        }
        Some(keys)
    }
}
