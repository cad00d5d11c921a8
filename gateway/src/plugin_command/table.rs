//! Lines of columns for people: names on the left, what they are on the right.

use std::{fmt::Write as _, time::Duration};

/// Room for a name.
const NAMES: usize = 11;

/// A text of lines with names.
#[derive(Debug, Default)]
pub(super) struct Table(String);

impl Table {
    /// A line `name  value`; further lines of the value stand under its first.
    pub(super) fn line(&mut self, name: &str, value: &str) {
        let mut lines = value.lines();
        let first = lines.next().unwrap_or_default();
        self.put(format_args!("{name:NAMES$} {first}"));
        for line in lines {
            self.put(format_args!("{:NAMES$} {line}", ""));
        }
    }

    /// A line as it is.
    pub(super) fn text(&mut self, line: &str) {
        self.put(format_args!("{line}"));
    }

    fn put(&mut self, line: std::fmt::Arguments<'_>) {
        let start = self.0.len();
        // Writing to a string does not fail.
        let _ = write!(self.0, "{line}");
        self.0.truncate(start + self.0[start..].trim_end().len());
        self.0.push('\n');
    }

    /// All lines.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Columns that are as wide as their widest cell, two spaces apart.
pub(super) fn columns<const COUNT: usize>(rows: &[[String; COUNT]]) -> String {
    let mut widths = [0; COUNT];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; COUNT]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Bytes in the unit that fits.
pub(super) fn size(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    match bytes as f64 {
        size if size < KIB => format!("{bytes} bytes"),
        size if size < KIB * KIB => format!("{:.1} KiB", size / KIB),
        size => format!("{:.1} MiB", size / KIB / KIB),
    }
}

/// A time with three digits or so.
pub(super) fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Table, columns, size, time};

    #[test]
    fn lines_have_no_spaces_at_their_ends() {
        let mut table = Table::default();
        table.line("size", "1");
        table.line("verdict", "one\n\ntwo");
        assert_eq!(table.into_text(), "size        1\nverdict     one\n\n            two\n");
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        assert_eq!(columns(&[row(["a", "b"]), row(["long", ""])]), "a     b\nlong");
    }

    #[test]
    fn units_fit() {
        assert_eq!([size(999), size(2048), size(3 << 20)], ["999 bytes", "2.0 KiB", "3.0 MiB"]);
        let times = [12_300, 4_560_000, 1_500_000_000].map(|nanos| time(Duration::from_nanos(nanos)));
        assert_eq!(times, ["12.3 µs", "4.56 ms", "1.50 s"]);
    }
}
