//! The command line.

use std::net::SocketAddr;

use hyper::Uri;

/// Where to listen, and what `/aggregate` calls.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) listen: SocketAddr,
    pub(crate) upstream: Uri,
}

impl Arguments {
    /// Reads `--listen ADDRESS --upstream URL` in any order; both are required.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut listen, mut upstream) = (None, None);
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let wrong = |problem: &dyn std::fmt::Display| format!("{name} {value}: {problem}");
            match name.as_str() {
                "--listen" => listen = Some(value.parse().map_err(|problem| wrong(&problem))?),
                "--upstream" => upstream = Some(value.parse().map_err(|problem| wrong(&problem))?),
                _ => return Err(format!("unknown argument {name}")),
            }
        }
        Ok(Self {
            listen: listen.ok_or("--listen is missing")?,
            upstream: upstream.ok_or("--upstream is missing")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn both_arguments_in_any_order() {
        let arguments =
            parse("--upstream http://127.0.0.1:1/item --listen 127.0.0.1:0").expect("a complete line");
        assert_eq!(arguments.listen.port(), 0);
        assert_eq!(arguments.upstream.path(), "/item");
    }

    #[test]
    fn a_problem_names_its_argument() {
        assert!(parse("--listen nowhere").expect_err("not an address").starts_with("--listen nowhere: "));
        assert_eq!(parse("--listen").expect_err("no value"), "--listen needs a value");
        assert_eq!(parse("--listen 127.0.0.1:0").expect_err("no upstream"), "--upstream is missing");
    }
}
