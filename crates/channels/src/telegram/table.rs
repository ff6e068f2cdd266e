//! A Markdown table, drawn with letters of one width.

use pulldown_cmark::{Alignment, Event, TagEnd};

/// Collects the cells of a table while its events pass.
#[derive(Debug)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: String,
}

impl Table {
    pub(super) fn new(alignments: &[Alignment]) -> Self {
        Self { alignments: alignments.to_vec(), rows: Vec::new(), row: Vec::new(), cell: String::new() }
    }

    pub(super) fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text)
            | Event::Code(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.cell.push_str(&text),
            Event::SoftBreak | Event::HardBreak => self.cell.push(' '),
            Event::End(TagEnd::TableCell) => self.row.push(std::mem::take(&mut self.cell)),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => self.rows.push(std::mem::take(&mut self.row)),
            _ => {}
        }
    }

    /// Rows under each other, columns aligned, a line under the head.
    pub(super) fn draw(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |cell: &String| cell.chars().count();
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(width).max().unwrap_or(0))
            .collect();
        let mut lines = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(column, width)| {
                    let cell = row.get(column).map_or("", String::as_str);
                    match self.alignments.get(column) {
                        Some(Alignment::Right) => format!("{cell:>width$}"),
                        Some(Alignment::Center) => format!("{cell:^width$}"),
                        _ => format!("{cell:<width$}"),
                    }
                })
                .collect();
            lines.push(cells.join(" | ").trim_end().to_owned());
            if index == 0 && self.rows.len() > 1 {
                let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                lines.push(rules.join("-+-"));
            }
        }
        lines.join("\n")
    }
}
