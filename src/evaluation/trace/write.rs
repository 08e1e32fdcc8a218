//! Rows as JSON Lines and as CSV.

use super::column::{Cell, Column, RowWriter, Segment};
use super::error::TraceError;
use crate::evaluation::json_numbers::LARGEST_EXACT;
use std::io::{self, Write};
use std::path::Path;

/// The file format of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object for each line.
    JsonLines,
    /// Comma-separated values with a header.
    Csv,
    /// Apache Parquet; only in a build with the feature `parquet`.
    Parquet,
}

impl Format {
    /// Chooses the format by the extension of the file; JSON Lines where it is an unknown one.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Self::Csv,
            Some("parquet") => Self::Parquet,
            _ => Self::JsonLines,
        }
    }
}

/// Makes a writer for a trace with these columns.
///
/// # Errors
/// [`TraceError::NoParquet`] for Parquet in a build without it, and those of the file.
pub fn writer<W: Write + Send + 'static>(
    format: Format,
    columns: &[Column],
    to: W,
) -> Result<Box<dyn RowWriter>, TraceError> {
    let failed = |source| TraceError::Write {
        what: "the trace".to_owned(),
        source,
    };
    Ok(match format {
        Format::JsonLines => Box::new(JsonLines::new(columns, to)),
        Format::Csv => Box::new(Csv::new(columns, to).map_err(failed)?),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(super::parquet::Parquet::new(columns, to).map_err(failed)?),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => return Err(TraceError::NoParquet),
    })
}

/// Writes one JSON object for each line. The text between the values is the same in every line.
#[derive(Debug)]
struct JsonLines<W> {
    to: W,
    /// The text before each value.
    before: Vec<String>,
    /// The text after the last value.
    after: String,
}

impl<W: Write> JsonLines<W> {
    fn new(columns: &[Column], to: W) -> Self {
        let mut open: &[Segment] = &[];
        let mut before = Vec::with_capacity(columns.len());
        for column in columns {
            let path = &column.path[..];
            let mut text = String::from(if open.is_empty() { "{" } else { "" });
            let most = open.len().min(path.len()).saturating_sub(1);
            let common = (0..most)
                .take_while(|&depth| open[depth] == path[depth])
                .count();
            close(&mut text, open, common + 1);
            if !open.is_empty() {
                text.push(',');
            }
            for (depth, segment) in path.iter().enumerate().skip(common) {
                let (bracket, label) = match segment {
                    Segment::Key(key) => {
                        ('{', format!("{}:", serde_json::Value::from(key.as_str())))
                    }
                    Segment::Index(_) => ('[', String::new()),
                };
                if depth > common {
                    text.push(bracket);
                }
                text.push_str(&label);
            }
            before.push(text);
            open = path;
        }
        let mut after = String::new();
        close(&mut after, open, 1);
        after.push_str("}\n");
        Self { to, before, after }
    }
}

/// Closes the open objects and arrays of a path, from its end up to a depth.
fn close(text: &mut String, open: &[Segment], depth: usize) {
    for segment in open.iter().skip(depth).rev() {
        text.push(match segment {
            Segment::Key(_) => '}',
            Segment::Index(_) => ']',
        });
    }
}

impl<W: Write> RowWriter for JsonLines<W> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        for (before, cell) in self.before.iter().zip(cells) {
            self.to.write_all(before.as_bytes())?;
            let is_finite = match cell {
                Cell::Single(number) => number.is_finite(),
                Cell::Double(number) => number.is_finite(),
                Cell::Integer(_) | Cell::Flag(_) | Cell::Missing => true,
            };
            match cell {
                Cell::Missing => self.to.write_all(b"null")?,
                // Not every program that reads JSON has integers above 2^53, and JSON has no numbers that are infinite or not a
                // number: both are written as strings.
                Cell::Integer(large) if *large > LARGEST_EXACT => write!(self.to, "\"{large}\"")?,
                cell if !is_finite => write!(self.to, "\"{}\"", cell.text())?,
                cell => self.to.write_all(cell.text().as_bytes())?,
            }
        }
        self.to.write_all(self.after.as_bytes())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes comma-separated values.
struct Csv<W: Write> {
    to: csv::Writer<W>,
}

impl<W: Write> Csv<W> {
    fn new(columns: &[Column], to: W) -> io::Result<Self> {
        let mut to = csv::Writer::from_writer(to);
        to.write_record(columns.iter().map(Column::name))
            .map_err(io::Error::from)?;
        Ok(Self { to })
    }
}

impl<W: Write> RowWriter for Csv<W> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        let record = cells.iter().map(|cell| cell.text());
        self.to.write_record(record).map_err(io::Error::from)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.to.flush()
    }
}
