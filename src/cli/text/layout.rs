//! Text in paragraphs, columns and pairs of a name and a value.

use std::fmt::Write;

/// Joins parts with blank lines between them, and leaves out empty ones.
pub(crate) fn paragraphs(parts: &[String]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n")
}

/// Makes a row of cells.
pub(crate) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// Writes names with their values, aligned.
pub(crate) fn facts(pairs: &[[String; 2]]) -> String {
    let width = pairs.iter().map(|[name, _]| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for [name, value] in pairs {
        let gap = " ".repeat(width.saturating_sub(name.len()));
        let _ = writeln!(text, "{name}{gap}  {value}");
    }
    text
}

/// Writes rows in columns, the first `num_left` aligned left, the others right.
pub(crate) fn columns(rows: &[Vec<String>], num_left: usize) -> String {
    let size = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; size];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            // Not by a width of the format, which is at most 65,535.
            let rest = " ".repeat(width.saturating_sub(cell.chars().count()));
            let _ = if column < num_left {
                write!(line, "{gap}{cell}{rest}")
            } else {
                write!(line, "{gap}{rest}{cell}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_characters() {
        let rows = [row(["", "± x"]), row(["name", "1"]), row(["b"])];
        assert_eq!(columns(&rows, 1), "      ± x\nname    1\nb\n");
        assert_eq!(columns(&rows, 2), "      ± x\nname  1\nb\n");
        assert_eq!(columns(&[], 1), "");
        let wide = "x".repeat(70_000);
        assert_eq!(columns(&[row([&wide, "1"])], 1).len(), 70_004);
    }
}
