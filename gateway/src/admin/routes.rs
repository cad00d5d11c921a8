//! What a route of the admin API is, and which one a request is for. The document ([`super::schema`]) is made from the same
//! rows, those of `route_table`.

use std::pin::Pin;

use http::Method;
use percent_encoding::percent_decode_str;

use super::{
    answer::{Outcome, Refused},
    call::Call,
    route_table::ROUTES,
};

/// One operation.
#[derive(Clone, Copy)]
pub struct Route {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`; `HEAD` goes with `GET`.
    pub method: &'static str,
    /// The path; `{name}` stands for one segment.
    pub path: &'static str,
    /// Name of the operation, in the document and in audit lines.
    pub operation: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Parameters of the query.
    pub query: &'static [Query],
    /// Name of the schema of its body.
    pub body: Option<&'static str>,
    /// Name of the schema of its answer.
    pub gives: &'static str,
    /// Statuses of errors, besides 403, which all have, and 413 of those with a body.
    pub errors: &'static [u16],
    /// What runs it.
    pub run: Run,
}

/// A parameter of the query; all are optional texts.
#[derive(Clone, Copy)]
pub struct Query {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

/// A future that a route's function gives.
pub type Waiting = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The function of a route.
#[derive(Clone, Copy)]
pub enum Run {
    /// Reads or writes files, or compiles; runs on a thread for that.
    Blocking(fn(&Call) -> Outcome),
    /// Waits for others.
    Waiting(fn(Call) -> Waiting),
}

/// What there is for a method and path.
pub enum Found {
    /// A route, with the parameters of its path.
    Route(&'static Route, Vec<(&'static str, String)>),
    /// Only routes for these methods.
    OtherMethods(Vec<&'static str>),
    /// No route at all.
    Nothing,
}

/// Finds the route of a request; slashes at the end of the path do not count, as in Tyk.
///
/// # Errors
/// When a parameter is one that nothing can be called.
pub fn find(method: &Method, path: &str) -> Result<Found, Refused> {
    let segments = || path.trim_end_matches('/').split('/');
    // The first path that matches is the one meant: `/tyk/keys/create` is no key.
    let Some(first) = ROUTES.iter().find(|route| matches(route.path, segments())) else {
        return Ok(Found::Nothing);
    };
    let mut same_path = ROUTES.iter().filter(|route| route.path == first.path);
    match same_path.clone().find(|route| route.method == method.as_str()) {
        Some(route) => Ok(Found::Route(route, parameters(route.path, segments())?)),
        None => {
            let mut methods: Vec<&'static str> = same_path.by_ref().map(|route| route.method).collect();
            if methods.contains(&"GET") {
                methods.push("HEAD");
            }
            Ok(Found::OtherMethods(methods))
        }
    }
}

/// The name of a parameter, when the segment stands for one.
pub fn parameter_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn matches<'a>(template: &str, mut segments: impl Iterator<Item = &'a str>) -> bool {
    let all = template.split('/').all(|expected| match segments.next() {
        Some(segment) => parameter_name(expected).map_or(expected == segment, |_| !segment.is_empty()),
        None => false,
    });
    all && segments.next().is_none()
}

fn parameters<'a>(
    template: &'static str,
    segments: impl Iterator<Item = &'a str>,
) -> Result<Vec<(&'static str, String)>, Refused> {
    let named = template.split('/').zip(segments);
    let named = named.filter_map(|(expected, segment)| Some((parameter_name(expected)?, segment)));
    named.map(|(name, segment)| Ok((name, decoded(name, segment)?))).collect()
}

/// A segment as it was meant. What could stand for another path is refused, although names are never taken for paths.
fn decoded(name: &str, segment: &str) -> Result<String, Refused> {
    let bad = |why: &str| Refused::bad(format!("{name}: {why}"));
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| bad("is not UTF-8"))?;
    if decoded.contains(['/', '\\']) {
        return Err(bad("has a slash in it"));
    }
    if decoded.chars().any(char::is_control) {
        return Err(bad("has a control character in it"));
    }
    if matches!(&*decoded, "." | "..") {
        return Err(bad("is a path, not a name"));
    }
    if decoded.len() > MAX_NAME {
        return Err(bad("is longer than 1,024 bytes"));
    }
    Ok(decoded.into_owned())
}

/// Bytes of an id or of a key's name.
const MAX_NAME: usize = 1024;

/// The name as it was sent, for one that came in a body.
///
/// # Errors
/// As for a parameter of a path.
pub fn checked_name(name: &str, value: &str) -> Result<(), Refused> {
    // A percent sign in a body stands for itself.
    decoded(name, &value.replace('%', "%25")).map(drop)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Found, ROUTES, find};

    fn found(method: &str, path: &str) -> String {
        match find(&Method::from_bytes(method.as_bytes()).unwrap(), path) {
            Ok(Found::Route(route, parameters)) => {
                let values: Vec<String> = parameters.into_iter().map(|(_, value)| value).collect();
                format!("{} {}", route.operation, values.join(",")).trim_end().to_owned()
            }
            Ok(Found::OtherMethods(methods)) => methods.join(","),
            Ok(Found::Nothing) => "nothing".to_owned(),
            Err(refused) => format!("{:?}", refused.into_answer().refused.unwrap_or_default()),
        }
    }

    #[test]
    fn paths_lead_to_operations() {
        for (method, path, expected) in [
            ("GET", "/tyk/apis", "listApis"),
            ("GET", "/tyk/apis///", "listApis"),
            ("GET", "/tyk/apis/x", "getApi x"),
            ("GET", "/tyk/apis/a%20b%25", "getApi a b%"),
            ("GET", "/tyk/apis/oas", "listOasApis"),
            ("GET", "/tyk/apis/oas/export", "exportOasApis"),
            ("PUT", "/tyk/apis/oas/x/", "updateOasApi x"),
            ("GET", "/tyk/apis/oas/x/export", "exportOasApi x"),
            ("PATCH", "/tyk/apis", "GET,POST,HEAD"),
            ("PATCH", "/tyk/apis/oas/x", "patchOasApi x"),
            ("POST", "/tyk/apis/oas/import", "importOasApi"),
            ("GET", "/tyk/apis/oas/x/versions", "listOasApiVersions x"),
            ("POST", "/tyk/reload/", "GET,HEAD"),
            ("GET", "/tyk/reload/group", "reloadGroup"),
            ("GET", "/tyk/", "nothing"),
            ("GET", "/tyk", "nothing"),
            ("GET", "/tyk/apis/a/b", "nothing"),
            ("GET", "/other", "nothing"),
            ("GET", "//tyk/apis", "nothing"),
        ] {
            assert_eq!(found(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn names_are_not_paths() {
        for (segment, why) in [
            ("..", "is a path, not a name"),
            ("%2e%2E", "is a path, not a name"),
            ("..%2F..%2Fetc%2Fpasswd", "has a slash in it"),
            ("a%5cb", "has a slash in it"),
            ("a%00", "has a control character in it"),
            ("a%0d%0a", "has a control character in it"),
            ("%ff", "is not UTF-8"),
        ] {
            assert_eq!(
                found("DELETE", &format!("/tyk/apis/{segment}")),
                format!("\"apiID: {why}\""),
                "{segment}"
            );
        }
        assert_eq!(
            found("GET", &format!("/tyk/apis/{}", "x".repeat(1025))),
            "\"apiID: is longer than 1,024 bytes\""
        );
        assert_eq!(found("GET", "/tyk/apis/..."), "getApi ...");
    }

    #[test]
    fn every_row_can_be_reached_and_is_named_once() {
        for (index, route) in ROUTES.iter().enumerate() {
            let path = route.path.replace("{apiID}", "x").replace("{keyName}", "x").replace("{polID}", "x");
            assert!(found(route.method, &path).starts_with(route.operation), "{} {path}", route.method);
            assert!(
                ROUTES[..index].iter().all(|other| other.operation != route.operation),
                "{}",
                route.operation
            );
        }
    }
}
