//! Fixed documents.

mod item_table;
mod problem;
mod read;

pub(super) use read::read;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

/// Holds fixed documents, with one column for each feature, in the order of declaration.
///
/// Two corpora are equal if their documents are, wherever these were given.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// Each feature's name and its values, `[rows]`.
    pub columns: Vec<(String, Vec<f64>)>,
    /// Number of documents.
    pub rows: usize,
    /// The file that the documents were read from, if there is one.
    table: Option<Arc<Table>>,
}

/// The places of documents in the file that they were read from.
#[derive(Debug)]
struct Table {
    path: PathBuf,
    /// The line of each document.
    lines: Vec<u32>,
    /// The columns that were ignored.
    ignored: Vec<String>,
}

impl PartialEq for Corpus {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.rows == other.rows
    }
}

impl Corpus {
    /// Returns the values of one feature, `[rows]`.
    ///
    /// # Panics
    /// If the key was not declared with this column.
    #[must_use]
    pub fn column(&self, name: &str) -> &[f64] {
        let mut columns = self.columns.iter();
        let found = columns.find(|(column, _)| column == name);
        let (_, values) = found.expect("a column is asked for by the name it was declared with");
        values
    }

    /// Returns the values of one feature, `[rows]`, if they were given.
    #[must_use]
    pub fn optional_column(&self, name: &str) -> Option<&[f64]> {
        let mut columns = self.columns.iter();
        let (_, values) = columns.find(|(column, _)| column == name)?;
        Some(values)
    }

    /// Makes a corpus from drawn documents; there is at least one column, and all have the same number of rows.
    pub(crate) fn of_columns(columns: Vec<(String, Vec<f64>)>) -> Self {
        Self {
            rows: columns.first().map_or(0, |(_, values)| values.len()),
            columns,
            table: None,
        }
    }

    /// Says where a document was given: `row 3`, or `line 4` of a file.
    pub(super) fn place(&self, row: usize) -> String {
        match self.table.as_ref().and_then(|table| table.lines.get(row)) {
            Some(line) => format!("line {line}"),
            None => format!("row {}", row + 1),
        }
    }

    /// Returns the file that the documents were read from, if there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.table.as_ref().map(|table| table.path.as_path())
    }

    /// Lists the columns of the file that were ignored.
    pub(super) fn ignored(&self) -> &[String] {
        self.table.as_ref().map_or(&[], |table| &table.ignored)
    }

    fn row(&self, row: usize) -> Row<'_> {
        Row { corpus: self, row }
    }
}

impl Serialize for Corpus {
    /// Writes the inline form: a list of numbers for a single column, else a list of tables.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [(_, values)] = self.columns.as_slice() {
            return values.serialize(serializer);
        }
        let mut list = serializer.serialize_seq(Some(self.rows))?;
        for row in 0..self.rows {
            list.serialize_element(&self.row(row))?;
        }
        list.end()
    }
}

struct Row<'a> {
    corpus: &'a Corpus,
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = &self.corpus.columns;
        let mut table = serializer.serialize_map(Some(columns.len()))?;
        let mut rest = columns.as_slice();
        while let Some(((name, values), others)) = rest.split_first() {
            // `features[0]`, `features[1]` and so on are written as one list.
            let Some(list) = name.strip_suffix("[0]") else {
                table.serialize_entry(name, &values[self.row])?;
                rest = others;
                continue;
            };
            let is_next = |(index, (name, _)): &(usize, &(String, Vec<f64>))| {
                *name == format!("{list}[{index}]")
            };
            let entries = rest.iter().enumerate().take_while(is_next);
            let entries: Vec<f64> = entries.map(|(_, (_, values))| values[self.row]).collect();
            table.serialize_entry(list, &entries)?;
            rest = &rest[entries.len()..];
        }
        table.end()
    }
}
