//! One call of the admin API: what its function may look at.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;

use super::answer::{FieldError, Refused};
use crate::serve::Gateway;

/// A call with the secret, for a route that exists.
pub struct Call {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// The whole body; empty where the route takes none.
    pub body: Bytes,
    /// Who calls.
    pub client: SocketAddr,
    parameters: Vec<(&'static str, String)>,
    query: Vec<(String, String)>,
}

impl Call {
    /// Puts together what was sent.
    pub fn new(
        gateway: Arc<Gateway>,
        parameters: Vec<(&'static str, String)>,
        query: Option<&str>,
        body: Bytes,
        client: SocketAddr,
    ) -> Self {
        let query = form_urlencoded::parse(query.unwrap_or("").as_bytes()).into_owned().collect();
        Self { gateway, body, client, parameters, query }
    }

    /// A parameter of the path, decoded; never empty.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query, decoded; the first one of that name, empty when there is none.
    pub fn query(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether keys without access rights may be made.
    pub fn master_keys(&self) -> bool {
        self.gateway.settings.admin.as_ref().is_some_and(|admin| admin.master_keys)
    }

    /// The body as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<&str, Refused> {
        std::str::from_utf8(&self.body).map_err(|error| {
            let good = &self.body[..error.valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            let message = "is not UTF-8".to_owned();
            Refused::malformed(FieldError {
                field: String::new(),
                line: Some(line),
                column: Some(column),
                message,
            })
        })
    }
}
