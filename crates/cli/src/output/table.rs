//! Rows and columns for people.

use bulkhead_profile::{Finding, Severity};
use comfy_table::{ContentArrangement, Table, presets};

use super::paint;

/// A table without borders.
pub fn rows<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.map(str::to_uppercase));
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Names and values, a line each.
pub fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line =
        |(name, value): &(&str, String)| format!("  {}  {value}", paint::dim(&format!("{name:<width$}")));
    pairs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What was found, worst first.
pub fn findings(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let mark = match finding.severity {
            Severity::Error => paint::bad("error"),
            Severity::Warning => paint::warn("warning"),
            Severity::Info => paint::dim("info"),
        };
        format!("{mark}: {}", finding.sentence())
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A length of time for people.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=86_399 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Bytes for people.
pub fn bytes(bytes: u64) -> String {
    if bytes < 1_048_576 {
        return format!("{} KiB", bytes.div_ceil(1024));
    }
    let tenths = bytes * 10 / 1_048_576;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes() {
        let times = [7, 1500, 61_000, 3_660_000, 90_000_000].map(duration);
        assert_eq!(times, ["7 ms", "1 s", "1 min", "1 h 1 min", "1 d 1 h"]);
        assert_eq!([bytes(12_582_912), bytes(5000)], ["12.0 MiB", "5 KiB"]);
    }

    #[test]
    fn a_table_has_no_trailing_blanks() {
        let text = rows(["name", "port"], [["main".to_owned(), "18789".to_owned()]]);
        assert_eq!(text, "NAME  PORT\nmain  18789");
    }
}
