//! What Tyk's admin API has and this one does not: who asks for it is told, and what there is instead.

/// First segments below `/tyk/`, and why there is nothing.
const NOT_HERE: [(&str, &str); 8] = [
    (
        "org",
        "Organisations have no keys or quotas of their own here; give the keys of its members limits, or a policy",
    ),
    ("oauth", "There are no OAuth clients here: APIs that ask for OAuth are refused"),
    (
        "certs",
        "Certificates are files here: http_server_options.certificates, storage.ca_file and storage.cert_file",
    ),
    ("health", "There are no counts for each API here; GET /hello and GET /ready tell of the gateway"),
    (
        "debug",
        "Requests cannot be traced here; the log tells of each failure, and POST /tyk/plugins/test tries a function",
    ),
    (
        "config",
        "The configuration is not shown here; `gatehouse check` reads it and says what is wrong with it",
    ),
    ("schema", "The document of this admin API is at GET /tyk/schema/admin"),
    ("cache", "DELETE /tyk/cache/{apiID} throws away what is kept of an API"),
];

/// Why there is nothing at a path.
pub(super) fn why(path: &str) -> &'static str {
    let first = path.strip_prefix("/tyk/").and_then(|rest| rest.split('/').next()).unwrap_or("");
    let known = NOT_HERE.iter().find(|(name, _)| *name == first);
    known.map_or("There is nothing here; GET /tyk/schema/admin describes the admin API", |(_, why)| why)
}

#[cfg(test)]
mod tests {
    use super::why;

    #[test]
    fn what_tyk_has_is_known() {
        assert!(why("/tyk/org/keys/default").contains("policy"));
        assert!(why("/tyk/health").contains("/ready") && why("/tyk/health/").contains("/ready"));
        for other in ["/tyk/nothing", "/tyk/", "/other", "/tyk/organisation"] {
            assert!(why(other).starts_with("There is nothing here"), "{other}");
        }
    }
}
