//! What the dynamic loader's messages mean. Those of glibc, as they have been for decades; anything else is passed on.

use super::error::Problem;

/// The problem behind a message of `dlopen`.
pub(super) fn problem(message: &str) -> Problem {
    let message = message.trim();
    if message.contains("static TLS block") {
        return Problem::StaticTls;
    }
    // "libfoo.so.1: cannot open shared object file: No such file or directory"
    if let Some((library, _)) = message.split_once(": cannot open shared object file") {
        return Problem::MissingLibrary { library: library.to_owned() };
    }
    // "/lib/libc.so.6: version `GLIBC_2.38' not found (required by /x/plugin.so)"
    if let Some(version) = between(message, "version `", "' not found") {
        return Problem::CLibrary { version: version.to_owned() };
    }
    // "/x/plugin.so: undefined symbol: foo, version BAR"
    if let Some((_, symbol)) = message.split_once("undefined symbol: ") {
        let symbol = symbol.split([',', ' ', '\t']).next().unwrap_or(symbol);
        return Problem::MissingSymbol { symbol: symbol.to_owned() };
    }
    Problem::Open(message.to_owned())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(middle, _)| middle)
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn messages_of_glibc_are_understood() {
        let cases = [
            (
                "/c/a.so: cannot allocate memory in static TLS block",
                "has thread-local variables for which there is no room left",
            ),
            (
                "libssl.so.3: cannot open shared object file: No such file or directory",
                "needs the library libssl.so.3, which is not there",
            ),
            (
                "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.99' not found (required by /c/a.so)",
                "needs `GLIBC_2.99`, which the C library here does not have",
            ),
            (
                "/c/a.so: undefined symbol: EVP_sha, version OPENSSL_3",
                "needs the symbol `EVP_sha`, which no library has",
            ),
            ("/c/a.so: file too short", "cannot be loaded: /c/a.so: file too short"),
        ];
        for (message, expected) in cases {
            assert_eq!(problem(message).to_string(), expected);
        }
    }
}
