//! Fixed documents, inline or in a CSV file.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use toml::Value as Toml;

use super::check::{number, type_name};
use super::layers::{Assignment, Origin};
use super::value::clip;
use super::{Allowed, Column, ConfigError, CorpusProblem};

/// Holds fixed documents, one column a feature, in the order of their declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus {
    /// Each feature's name and its values, `[rows]`.
    pub columns: Vec<(String, Vec<f64>)>,
    /// Number of documents.
    pub rows: usize,
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
        for (name, values) in columns {
            table.serialize_entry(name, &values[self.row])?;
        }
        table.end()
    }
}

/// Reads the corpus that a key was given.
///
/// A path in a file is relative to that file's folder, one in a flag to the working folder.
pub(super) fn read(columns: &[Column], given: &Assignment) -> Result<Corpus, ConfigError> {
    let (rows, origin) = match &given.value {
        Toml::Array(rows) => (inline(columns, rows), given.origin.clone()),
        Toml::String(path) => {
            let path = resolve_path(path, &given.origin);
            let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::ReadNamed {
                key: given.key.clone(),
                path: path.clone(),
                source,
            })?;
            (csv(columns, &text), Origin::File(path.into()))
        }
        other => {
            return Err(ConfigError::WrongType {
                key: given.key.clone(),
                value: clip(&other.to_string()),
                found: type_name(other),
                allowed: Allowed::Corpus(columns.to_vec()).to_string(),
                origin: given.origin.clone(),
            });
        }
    };
    rows.and_then(|rows| transpose(columns, &rows))
        .map_err(|problem| ConfigError::Corpus {
            key: given.key.clone(),
            problem: Box::new(problem),
            origin,
        })
}

pub(super) fn resolve_path(path: &str, origin: &Origin) -> PathBuf {
    match origin {
        Origin::File(file) => file.parent().unwrap_or(Path::new("")).join(path),
        _ => PathBuf::from(path),
    }
}

/// Turns rows into columns.
fn transpose(columns: &[Column], rows: &[Vec<f64>]) -> Result<Corpus, CorpusProblem> {
    if rows.is_empty() {
        return Err(CorpusProblem::Empty);
    }
    let values = |index: usize| rows.iter().map(|row| row[index]).collect();
    Ok(Corpus {
        columns: columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column.name.to_owned(), values(index)))
            .collect(),
        rows: rows.len(),
    })
}

/// Reads `[0.5, 0.7]`, where there is one column, or `[{ quality = 0.5 }, ...]`.
fn inline(columns: &[Column], rows: &[Toml]) -> Result<Vec<Vec<f64>>, CorpusProblem> {
    let read_row = |(index, row): (usize, &Toml)| {
        let place = format!("row {}", index + 1);
        let cell = |column: &Column, value: &Toml| {
            let number = number(value).filter(|number| column.accepts(*number));
            number.ok_or_else(|| bad_cell(column, &place, &value.to_string()))
        };
        match (row, columns) {
            (Toml::Table(table), _) => {
                let known = |name: &String| columns.iter().any(|column| column.name == name);
                if let Some(unknown) = table.keys().find(|name| !known(name)) {
                    return Err(unknown_column(columns, unknown, &place));
                }
                let value = |column: &Column| match table.get(column.name) {
                    Some(value) => cell(column, value),
                    None => Err(missing_column(columns, column, &place)),
                };
                columns.iter().map(value).collect()
            }
            (Toml::Array(_), _) => Err(bad_row(columns, place, row)),
            (value, [column]) => Ok(vec![cell(column, value)?]),
            _ => Err(bad_row(columns, place, row)),
        }
    };
    rows.iter().enumerate().map(read_row).collect()
}

/// Reads a table of numbers: a header that names the columns in any order, cells separated by commas, blank lines
/// skipped. Quotes around a cell are taken off; nothing that a number needs would need more.
fn csv(columns: &[Column], text: &str) -> Result<Vec<Vec<f64>>, CorpusProblem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            let cells = line.split(',').map(unquoted).collect::<Vec<_>>();
            (format!("line {}", index + 1), cells)
        });
    let Some((place, header)) = lines.next() else {
        return Err(CorpusProblem::Empty);
    };
    for (position, name) in header.iter().enumerate() {
        if !columns.iter().any(|column| column.name == *name) {
            return Err(unknown_column(
                columns,
                name,
                &format!("the header ({place})"),
            ));
        }
        if header[..position].contains(name) {
            let column = (*name).to_owned();
            return Err(CorpusProblem::DuplicateColumn { column });
        }
    }
    let position = |column: &Column| {
        let found = header.iter().position(|name| *name == column.name);
        found.ok_or_else(|| missing_column(columns, column, &format!("the header ({place})")))
    };
    let positions = columns
        .iter()
        .map(position)
        .collect::<Result<Vec<_>, _>>()?;
    lines
        .map(|(place, cells)| {
            if cells.len() != header.len() {
                return Err(CorpusProblem::RowLength {
                    place,
                    expected: header.len(),
                    found: cells.len(),
                });
            }
            let cell = |(column, position): (&Column, &usize)| {
                let text = cells[*position];
                let number = text.parse::<f64>().ok();
                let number = number.filter(|number| column.accepts(*number));
                number.ok_or_else(|| bad_cell(column, &place, &format!("{text:?}")))
            };
            columns.iter().zip(&positions).map(cell).collect()
        })
        .collect()
}

fn unquoted(cell: &str) -> &str {
    let cell = cell.trim();
    let inner = cell
        .strip_prefix('"')
        .and_then(|cell| cell.strip_suffix('"'));
    inner.unwrap_or(cell).trim()
}

fn names(columns: &[Column]) -> Vec<String> {
    columns
        .iter()
        .map(|column| column.name.to_owned())
        .collect()
}

fn unknown_column(columns: &[Column], name: &str, place: &str) -> CorpusProblem {
    CorpusProblem::UnknownColumn {
        column: clip(name),
        place: place.to_owned(),
        known: names(columns),
    }
}

fn missing_column(columns: &[Column], column: &Column, place: &str) -> CorpusProblem {
    CorpusProblem::MissingColumn {
        column: column.name.to_owned(),
        place: place.to_owned(),
        known: names(columns),
    }
}

fn bad_row(columns: &[Column], place: String, row: &Toml) -> CorpusProblem {
    let allowed = match columns {
        [column] => column.sentence(),
        _ => format!("a table with the keys {}", names(columns).join(", ")),
    };
    let found = clip(&row.to_string());
    CorpusProblem::Row {
        place,
        found,
        allowed,
    }
}

fn bad_cell(column: &Column, place: &str, value: &str) -> CorpusProblem {
    CorpusProblem::Cell {
        column: column.name.to_owned(),
        place: place.to_owned(),
        value: clip(value),
        allowed: column.sentence(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Bounds;
    use super::*;

    const TOPICS: [Column; 2] = [
        Column::index("cluster_id"),
        Column::number("quality", Bounds::FINITE),
    ];
    const SCORES: [Column; 1] = [Column::number("clickbait_score", Bounds::UNIT)];

    fn given(columns: &[Column], value: &str) -> Result<Corpus, String> {
        let assignment = Assignment {
            key: "environment.document.corpus".to_owned(),
            value: value.parse().unwrap(),
            origin: Origin::Flag("--set".into()),
        };
        read(columns, &assignment).map_err(|error| error.to_string())
    }

    fn from_csv(columns: &[Column], text: &str) -> Result<Corpus, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("documents.csv"), text).unwrap();
        let assignment = Assignment {
            key: "environment.document.corpus".to_owned(),
            value: Toml::from("documents.csv"),
            origin: Origin::File(folder.path().join("run.toml").into()),
        };
        read(columns, &assignment).map_err(|error| error.to_string())
    }

    #[test]
    fn a_single_column_is_a_list_of_numbers_or_of_tables() {
        let corpus = given(&SCORES, "[0.5, 1]").unwrap();
        assert_eq!(corpus.column("clickbait_score"), [0.5, 1.0]);
        assert_eq!(
            given(
                &SCORES,
                "[{ clickbait_score = 0.5 }, { clickbait_score = 1 }]"
            ),
            Ok(corpus)
        );
    }

    #[test]
    fn several_columns_are_a_list_of_tables_with_all_of_them() {
        let corpus = given(
            &TOPICS,
            "[{ quality = -2.49, cluster_id = 2 }, { cluster_id = 0, quality = 1 }]",
        )
        .unwrap();
        assert_eq!(corpus.rows, 2);
        assert_eq!(corpus.column("cluster_id"), [2.0, 0.0]);
        assert_eq!(corpus.column("quality"), [-2.49, 1.0]);
        for (value, problem) in [
            ("[{ cluster_id = 2 }]", "no column `quality` in row 1"),
            (
                "[{ cluster_id = 2, quality = 1 }, { cluster_id = 2, quality = 1, size = 2 }]",
                "unknown column `size` in row 2; the columns are cluster_id, quality",
            ),
            (
                "[{ cluster_id = 2.5, quality = 1 }]",
                "column `cluster_id` of row 1 is 2.5; allowed is a whole number",
            ),
            (
                "[{ cluster_id = -1, quality = 1 }]",
                "column `cluster_id` of row 1 is -1",
            ),
            (
                "[{ cluster_id = 1, quality = nan }]",
                "column `quality` of row 1 is nan; allowed is a finite number",
            ),
            ("[{ cluster_id = 1, quality = \"good\" }]", "is \"good\""),
            (
                "[0.5, 0.7]",
                "row 1 is 0.5; allowed is a table with the keys cluster_id, quality",
            ),
            ("[]", "there are no documents in it"),
        ] {
            let message = given(&TOPICS, value).unwrap_err();
            assert!(
                message.starts_with("bad corpus in `environment.document.corpus`: "),
                "{message}"
            );
            assert!(message.contains(problem), "{message}");
        }
    }

    #[test]
    fn a_cell_out_of_range_is_named_with_its_row() {
        let message = given(&SCORES, "[0.5, 1.2]").unwrap_err();
        assert!(
            message.contains("column `clickbait_score` of row 2 is 1.2; allowed is a number at least 0 and at most 1"),
            "{message}"
        );
    }

    #[test]
    fn something_else_than_documents_is_a_wrong_type() {
        let message = given(&SCORES, "0.5").unwrap_err();
        assert!(
            message
                .contains("is a floating-point number; allowed is one clickbait_score a candidate"),
            "{message}"
        );
    }

    #[test]
    fn a_csv_file_beside_the_configuration_is_read_by_its_header() {
        let text = "\u{feff}\"quality\", cluster_id\r\n-2.49,2\r\n\r\n1.5e0, 0.0\r\n";
        let corpus = from_csv(&TOPICS, text).unwrap();
        assert_eq!(corpus.column("cluster_id"), [2.0, 0.0]);
        assert_eq!(corpus.column("quality"), [-2.49, 1.5]);
    }

    #[test]
    fn each_fault_of_a_csv_file_is_one_clear_error() {
        for (text, problem) in [
            ("", "there are no documents in it"),
            ("cluster_id,quality\n", "there are no documents in it"),
            (
                "cluster_id\n1\n",
                "no column `quality` in the header (line 1)",
            ),
            (
                "cluster_id,quality,size\n1,2,3\n",
                "unknown column `size` in the header (line 1)",
            ),
            (
                "cluster_id,quality,quality\n1,2,3\n",
                "the header names the column `quality` twice",
            ),
            ("1,0.5\n", "unknown column `1` in the header"),
            (
                "cluster_id,quality\n1,0.5\n2\n",
                "line 3 has 1 cells, the header has 2",
            ),
            (
                "cluster_id,quality\n1,0.5\n\n2,high\n",
                "column `quality` of line 4 is \"high\"",
            ),
            (
                "cluster_id,quality\n1,\n",
                "column `quality` of line 2 is \"\"",
            ),
            (
                "cluster_id,quality\n1,inf\n",
                "column `quality` of line 2 is \"inf\"",
            ),
        ] {
            let message = from_csv(&TOPICS, text).unwrap_err();
            assert!(message.contains(problem), "{text:?}: {message}");
            assert!(message.contains("documents.csv"), "{message}");
        }
    }

    #[test]
    fn a_csv_file_that_is_not_there_is_named() {
        let message = given(&TOPICS, "\"nowhere/documents.csv\"").unwrap_err();
        assert_eq!(
            message,
            "cannot read the file that `environment.document.corpus` names, nowhere/documents.csv"
        );
    }
}
