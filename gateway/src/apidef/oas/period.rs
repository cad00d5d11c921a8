//! Times as a Tyk OAS definition writes them: seconds, or a text such as `1m30s`.

use std::time::Duration;

use serde::Deserialize;

/// A time as written.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number of seconds or a text such as `10s`")]
pub(super) enum Period {
    /// Seconds.
    Seconds(f64),
    /// As Go writes times; empty is none.
    Text(String),
}

impl Default for Period {
    fn default() -> Self {
        Self::Seconds(0.0)
    }
}

impl Period {
    /// The time; zero for none. `None` when it is not one.
    pub(super) fn duration(&self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Self::Text(text) => parse(text.trim()),
        }
    }

    /// As it was written, for messages.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Numbers with units, one after the other, as Go's `time.ParseDuration` takes them; the empty text is zero, as in
/// Tyk.
fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if matches!(rest, "" | "0") {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit_and_rest) = rest.split_at(number_end);
        let unit_end =
            unit_and_rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(unit_and_rest.len());
        let (unit, next) = unit_and_rest.split_at(unit_end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = next;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::{Duration, Period};

    #[test]
    fn times_are_read_as_go_reads_them() {
        let cases = [
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("1h", Some(3_600_000)),
            ("1.5s", Some(1_500)),
            ("250ms", Some(250)),
            ("", Some(0)),
            ("0", Some(0)),
            ("10", None),
            ("s", None),
            ("-1s", None),
            ("1x", None),
            ("1.2.3s", None),
            ("ten seconds", None),
            ("99999999999999999999h", None),
        ];
        for (text, milliseconds) in cases {
            let period = Period::Text(text.to_owned());
            assert_eq!(period.duration(), milliseconds.map(Duration::from_millis), "{text}");
        }
        assert_eq!(Period::Seconds(2.5).duration(), Some(Duration::from_millis(2500)));
        assert_eq!(Period::Seconds(-1.0).duration(), None);
    }
}
