//! Entries of `custom_middleware` in JavaScript, with their source in the definition.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::definition::Api;

/// Source of a request hook with this body, which may end with a result of its own.
pub fn request_source(name: &str, body: &str) -> String {
    format!(
        "var {name} = new TykJS.TykMiddleware.NewMiddleware({{}});\n\
         {name}.NewProcessRequest(function (request, session, config) {{\n{body}\n\
         return {name}.ReturnData(request, session.meta_data);\n}});"
    )
}

/// Source of a response hook with this body.
pub fn response_source(name: &str, body: &str) -> String {
    format!(
        "var {name} = new TykJS.TykMiddleware.NewMiddleware({{}});\n\
         {name}.NewProcessResponse(function (response, request, session, config) {{\n{body}\n\
         return {name}.ReturnResponseData(response, session.meta_data);\n}});"
    )
}

/// A hook whose source is this.
pub fn inline(name: &str, source: &str) -> Value {
    json!({"name": name, "code": STANDARD.encode(source)})
}

/// A request hook with this body.
pub fn request_hook(name: &str, body: &str) -> Value {
    inline(name, &request_source(name, body))
}

/// A response hook with this body.
pub fn response_hook(name: &str, body: &str) -> Value {
    inline(name, &response_source(name, body))
}

impl Api {
    /// Lets everybody in, by an `auth_check` hook: an API with authentication, which `post_key_auth` hooks need.
    pub fn open_by_hook(self) -> Self {
        let mut check = request_hook("everybody", "return everybody.ReturnAuthData(request, {});");
        check["driver"] = "otto".into();
        self.set("/use_keyless", false)
            .set("/custom_plugin_auth_enabled", true)
            .set("/custom_middleware/auth_check", check)
    }

    /// Hooks at a place of `custom_middleware`, each with a driver or file that says its language.
    pub fn scripts(self, place: &str, hooks: Value) -> Self {
        self.set(&format!("/custom_middleware/{place}"), hooks)
    }
}
