//! URL rewrites: `match_pattern` over path and query, `rewrite_to` with `$1` groups, triggers.

use std::borrow::Cow;

use http::{HeaderName, uri::PathAndQuery};
use percent_encoding::percent_decode_str;
use regex::Regex;
use url::Url;

use super::{context_variables, looping::LoopTarget};
use crate::{
    apidef::model::{TriggerMatch, UrlRewrite},
    exchange::Exchange,
    proxy::{direct::HostPools, target::Target},
    reply::error::GatewayError,
};

/// Matches in a body that become variables.
const MAX_PAYLOAD_MATCHES: usize = 64;

/// What a rewrite made of a URL.
#[derive(Debug)]
pub enum Rewritten {
    /// Another path at the API's own target.
    Path {
        /// Path, with or without a leading slash.
        path: String,
        /// Query.
        query: Option<String>,
    },
    /// Another server.
    Absolute(Target, PathAndQuery),
    /// Another API in this gateway.
    Loop(LoopTarget),
}

/// A compiled rewrite.
#[derive(Debug)]
pub struct Rewrite {
    pattern: Regex,
    rewrite_to: String,
    triggers: Vec<Trigger>,
}

#[derive(Debug)]
struct Trigger {
    any: bool,
    rewrite_to: String,
    headers: Vec<Condition>,
    query: Vec<Condition>,
    path_parts: Vec<Condition>,
    metadata: Vec<Condition>,
    context: Vec<Condition>,
    payload: Option<Condition>,
}

#[derive(Debug)]
struct Condition {
    name: String,
    /// The name in variables.
    variable: String,
    pattern: Regex,
    reverse: bool,
}

impl Rewrite {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// When one is not a regular expression.
    pub fn compile(rewrite: &UrlRewrite) -> Result<Self, regex::Error> {
        let condition = |condition: &TriggerMatch| -> Result<Condition, regex::Error> {
            let pattern = Regex::new(&condition.pattern)?;
            let name = condition.name.clone();
            Ok(Condition { variable: name.clone(), name, pattern, reverse: condition.reverse })
        };
        let all =
            |conditions: &[TriggerMatch]| conditions.iter().map(condition).collect::<Result<Vec<_>, _>>();
        let trigger = |trigger: &crate::apidef::model::RewriteTrigger| -> Result<Trigger, regex::Error> {
            let mut headers = all(&trigger.headers)?;
            headers.iter_mut().for_each(|condition| condition.variable = canonical(&condition.name));
            Ok(Trigger {
                any: trigger.any,
                rewrite_to: trigger.rewrite_to.clone(),
                headers,
                query: all(&trigger.query)?,
                path_parts: all(&trigger.path_parts)?,
                metadata: all(&trigger.metadata)?,
                context: all(&trigger.context)?,
                payload: trigger.payload.as_ref().map(condition).transpose()?,
            })
        };
        Ok(Self {
            pattern: Regex::new(&rewrite.pattern)?,
            rewrite_to: rewrite.rewrite_to.clone(),
            triggers: rewrite.triggers.iter().map(trigger).collect::<Result<_, _>>()?,
        })
    }

    /// Rewrites the exchange's URL; `None` when the pattern does not match it.
    ///
    /// # Errors
    /// When a trigger needs the body and that cannot be read, or the result is not a URL.
    pub async fn apply(
        &self,
        exchange: &mut Exchange,
        body_limit: usize,
        pools: &HostPools,
    ) -> Result<Option<Rewritten>, GatewayError> {
        let mut rewrite_to = self.rewrite_to.as_str();
        // What matched counts for whichever target is taken, and so does what matched of a trigger that does not hold.
        let mut variables = Vec::new();
        for (index, trigger) in self.triggers.iter().enumerate() {
            let body = match &trigger.payload {
                Some(_) => exchange.buffer_body(body_limit).await?,
                None => bytes::Bytes::new(),
            };
            if trigger.holds(exchange, &body, index, &mut variables) {
                rewrite_to = &trigger.rewrite_to;
                // As in Tyk, one that needs all of its conditions can still give way to one after it.
                if trigger.any {
                    break;
                }
            }
        }
        let url = exchange.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let decoded;
        let captures = match self.pattern.captures(url) {
            Some(captures) => captures,
            None if url.contains('%') => {
                decoded = percent_decode_str(url).decode_utf8_lossy().into_owned();
                match self.pattern.captures(&decoded) {
                    Some(captures) => captures,
                    None => return Ok(None),
                }
            }
            None => return Ok(None),
        };
        let mut rewritten =
            replace_groups(rewrite_to, |group| captures.get(group).map(|found| found.as_str()));
        let escape = |value: String| {
            if value.starts_with("http") {
                value
            } else {
                form_urlencoded::byte_serialize(value.as_bytes()).collect()
            }
        };
        let filled = context_variables::fill(&rewritten, exchange, &variables, escape);
        if let Cow::Owned(filled) = filled {
            rewritten = filled;
        }
        interpret(rewritten, pools).map(Some)
    }
}

/// What a rewritten URL means.
///
/// # Errors
/// When it is not a URL that can be called.
pub fn interpret(url: String, pools: &HostPools) -> Result<Rewritten, GatewayError> {
    if let Some(target) = LoopTarget::parse(&url) {
        return Ok(Rewritten::Loop(target));
    }
    if url.contains("://") {
        let failed = || GatewayError::RewriteFailed { url: url.clone() };
        let parsed = Url::parse(&url).map_err(|_| failed())?;
        if !matches!(parsed.scheme(), "http" | "https" | "h2c" | "ws" | "wss") {
            return Err(failed());
        }
        let target = Target::new(&parsed, false, pools).map_err(|_| failed())?;
        let path_and_query = target.join("", None, true).map_err(|_| failed())?;
        return Ok(Rewritten::Absolute(target, path_and_query));
    }
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (url, None),
    };
    Ok(Rewritten::Path { path, query })
}

/// Puts groups in for `$0`, `$1`, …; a group that is not there gives nothing.
fn replace_groups<'a>(text: &str, group: impl Fn(usize) -> Option<&'a str>) -> String {
    let mut replaced = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('$') {
        replaced.push_str(before);
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        match from[..digits].parse::<usize>() {
            Ok(number) => replaced.push_str(group(number).unwrap_or("")),
            Err(_) => replaced.push('$'),
        }
        rest = &from[digits..];
    }
    replaced.push_str(rest);
    replaced
}

impl Trigger {
    /// Whether the request meets the conditions; what matched becomes `trigger-…` variables, under Tyk's names.
    ///
    /// As in Tyk, `all` without any condition holds.
    fn holds(
        &self,
        exchange: &Exchange,
        body: &[u8],
        index: usize,
        found: &mut Vec<(String, String)>,
    ) -> bool {
        let mut matches = Matches { any: self.any, trigger: index, found, groups: 0, held: 0 };
        matches.group(&self.headers, Numbering::Values, |name| {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return Vec::new() };
            let values = exchange.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.map(Cow::Borrowed).collect()
        });
        let query = exchange.uri.query().unwrap_or("");
        matches.group(&self.query, Numbering::Values, |name| {
            let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            pairs.map(|(_, value)| value).collect()
        });
        let path = percent_decode_str(exchange.uri.path()).decode_utf8_lossy();
        matches.group(&self.path_parts, Numbering::Matches, |_| path.split('/').map(Cow::Borrowed).collect());
        matches.group(&self.metadata, Numbering::None, |name| {
            context_variables::metadata_text(name, exchange).map(Cow::Borrowed).into_iter().collect()
        });
        matches.group(&self.context, Numbering::None, |name| {
            context_variables::value(name, exchange).map(Cow::Owned).into_iter().collect()
        });
        if let Some(payload) = &self.payload {
            matches.payload(payload, &String::from_utf8_lossy(body));
        }
        if self.any { matches.held > 0 } else { matches.held == matches.groups }
    }
}

/// How the values of a condition are told apart in the names of variables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    /// By which value of that name it is.
    Values,
    /// By which match of the group it is.
    Matches,
    /// There is one.
    None,
}

/// The conditions of a trigger while they are looked at.
struct Matches<'f> {
    any: bool,
    trigger: usize,
    found: &'f mut Vec<(String, String)>,
    /// Kinds of conditions that the trigger has.
    groups: usize,
    /// Those that hold.
    held: usize,
}

impl Matches<'_> {
    fn group<'v>(
        &mut self,
        conditions: &[Condition],
        numbering: Numbering,
        values: impl Fn(&str) -> Vec<Cow<'v, str>>,
    ) {
        if conditions.is_empty() {
            return;
        }
        let mut met = 0;
        for condition in conditions {
            for (place, value) in values(&condition.name).iter().enumerate() {
                let captures = condition.pattern.captures(value);
                if captures.is_some() == condition.reverse {
                    continue;
                }
                if let Some(captures) = captures {
                    let mut variable = format!("trigger-{}-{}", self.trigger, condition.variable);
                    match numbering {
                        Numbering::Values => variable.push_str(&format!("-{place}")),
                        Numbering::Matches => variable.push_str(&format!("-{met}")),
                        Numbering::None => {}
                    }
                    self.note(variable, &captures);
                }
                met += 1;
            }
        }
        self.groups += 1;
        let holds = if self.any { met > 0 } else { met >= conditions.len() };
        self.held += usize::from(holds);
    }

    fn payload(&mut self, condition: &Condition, body: &str) {
        self.groups += 1;
        let matches: Vec<_> = condition.pattern.captures_iter(body).take(MAX_PAYLOAD_MATCHES).collect();
        if matches.is_empty() != condition.reverse {
            return;
        }
        self.held += 1;
        let variable = format!("trigger-{}-{}", self.trigger, condition.variable);
        if let Some(whole) = matches.first().and_then(|captures| captures.get(0)) {
            self.found.push((variable.clone(), whole.as_str().to_owned()));
        }
        for (place, captures) in matches.iter().enumerate() {
            self.note(format!("{variable}-{place}"), captures);
        }
    }

    /// The match and its groups.
    fn note(&mut self, variable: String, captures: &regex::Captures<'_>) {
        for (number, group) in captures.iter().enumerate().skip(1) {
            let text = group.map_or("", |group| group.as_str());
            self.found.push((format!("{variable}-{}", number - 1), text.to_owned()));
        }
        let whole = captures.get(0).map_or("", |group| group.as_str());
        self.found.push((variable, whole.to_owned()));
    }
}

/// `X-Request-Id` for `x-request-id`, as variables have it.
fn canonical(name: &str) -> String {
    let mut upper = true;
    let letter = |letter: char| {
        let letter = if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        upper = letter == '-';
        letter
    };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::{HostPools, Rewritten, interpret, replace_groups};
    use crate::config::settings::UpstreamSettings;

    #[test]
    fn groups_are_put_in() {
        let group = |number: usize| ["all", "one", "two"].get(number).copied();
        assert_eq!(replace_groups("new/$2/$1?was=$1", group), "new/two/one?was=one");
        assert_eq!(replace_groups("$0-$9-$x$", group), "all--$x$");
    }

    #[test]
    fn rewritten_urls_are_told_apart() {
        let second = std::time::Duration::from_secs(1);
        let pools = HostPools::new(&UpstreamSettings {
            idle_per_host: 1,
            idle_timeout: second,
            timeout: second,
            connect_timeout: second,
            insecure_skip_verify: false,
        });
        let interpret = |url: &str| interpret(url.to_owned(), &pools);
        assert!(matches!(interpret("tyk://self/a"), Ok(Rewritten::Loop(_))));
        assert!(matches!(interpret("http://h/a?b"), Ok(Rewritten::Absolute(_, path)) if path == "/a?b"));
        assert!(
            matches!(interpret("a/b?c=d"), Ok(Rewritten::Path { path, query: Some(query) }) if path == "a/b" && query == "c=d")
        );
        assert!(interpret("ftp://h/").is_err());
    }
}
