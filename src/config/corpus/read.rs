//! Reading documents: inline, or from a CSV or JSON file.

use std::path::Path;
use std::sync::Arc;

use toml::Value as Toml;

use super::problem::{bad_cell, bad_row, missing_column, unknown_column};
use super::{Corpus, Table, item_table};
use crate::config::assignment::Assignment;
use crate::config::named_file::{named_text, resolve_path};
use crate::config::quote::{clip, type_name};
use crate::config::value::number;
use crate::config::{Allowed, Bounds, Column, ConfigError, CorpusProblem, Origin};

/// Reads the corpus that is given for a key.
///
/// A relative path is relative to the folder of the configuration file that names it, or for a flag to the working folder.
pub(in crate::config) fn read(
    columns: &[Column],
    given: &Assignment,
) -> Result<Corpus, ConfigError> {
    let refused = |problem, origin: &Origin| ConfigError::Corpus {
        key: given.key.clone(),
        problem: Box::new(problem),
        origin: origin.clone(),
    };
    match &given.value {
        Toml::Array(rows) => inline(columns, rows)
            .and_then(|(columns, rows)| transpose(&columns, &rows))
            .map_err(|problem| refused(problem, &given.origin)),
        Toml::String(path) => {
            let path = resolve_path(path, &given.origin);
            let text = named_text(&given.key, &path)?;
            let begins_with = |mark: char| text.trim_start().starts_with(mark);
            let read = if begins_with('[') {
                json(columns, &text, &path)
            } else if begins_with('{') {
                Err(CorpusProblem::Json {
                    why: "it is a JSON object; allowed is a list of objects, one a document (what pandas writes with \
                          `orient=\"records\"`, and polars by `write_json`)"
                        .to_owned(),
                })
            } else {
                table(columns, &text, &path)
            };
            let read = read.and_then(|(columns, rows, table)| {
                let mut corpus = transpose(&columns, &rows)?;
                corpus.table = Some(Arc::new(table));
                Ok(corpus)
            });
            read.map_err(|problem| refused(problem, &Origin::File(path.into())))
        }
        other => Err(ConfigError::WrongType {
            key: given.key.clone(),
            value: clip(&other.to_string()),
            found: type_name(other),
            allowed: Allowed::Corpus(columns.to_vec()).to_string(),
            origin: given.origin.clone(),
        }),
    }
}

/// The columns, rows of numbers, and the places of the rows in the file.
type Read = (Vec<Column>, Vec<Vec<f64>>, Table);

/// Reads a CSV file.
fn table(columns: &[Column], text: &str, path: &Path) -> Result<Read, CorpusProblem> {
    let table = item_table::read(columns, text)?;
    let place = Table {
        path: path.to_owned(),
        lines: table.lines,
        ignored: table.ignored,
    };
    Ok((table.columns, table.rows, place))
}

/// Reads a JSON file: the inline form.
fn json(columns: &[Column], text: &str, path: &Path) -> Result<Read, CorpusProblem> {
    let rows = crate::json::read(text.as_bytes()).map_err(|error| CorpusProblem::Json {
        why: clip(&error.to_string()),
    })?;
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let mut rows: Vec<Toml> = rows.iter().map(of_json).collect();
    let mut ignored: Vec<String> = Vec::new();
    for row in &mut rows {
        let Toml::Table(row) = row else { continue };
        let is_asked_for = |name: &str| {
            let mut columns = columns.iter();
            columns.any(|column| column.name == name || column.is_called(name))
        };
        row.retain(|name, _| {
            let is_kept = is_asked_for(name);
            if !is_kept && !ignored.iter().any(|other| other == name) {
                ignored.push(name.to_owned());
            }
            is_kept
        });
    }
    let (columns, rows) = inline(columns, &rows)?;
    let place = Table {
        path: path.to_owned(),
        lines: Vec::new(),
        ignored,
    };
    Ok((columns, rows, place))
}

/// Converts a JSON value to TOML; a value that TOML does not have becomes text, for the error.
fn of_json(value: &serde_json::Value) -> Toml {
    use serde_json::Value as Json;
    match value {
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Toml::Integer(integer),
            (None, Some(number)) => Toml::Float(number),
            (None, None) => Toml::String(number.to_string()),
        },
        Json::Null => Toml::String("null".to_owned()),
        Json::Bool(value) => Toml::Boolean(*value),
        Json::String(text) => Toml::String(text.clone()),
        Json::Array(list) => Toml::Array(list.iter().map(of_json).collect()),
        Json::Object(table) => {
            let entries = table
                .iter()
                .map(|(name, value)| (name.clone(), of_json(value)));
            Toml::Table(entries.collect())
        }
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
            .map(|(index, column)| (column.name.to_string(), values(index)))
            .collect(),
        rows: rows.len(),
        table: None,
    })
}

/// Writes out the lists of a row: `features = [0.1, 0.2]` as `features[0]` and `features[1]`.
fn flat<'a>(columns: &[Column], row: &'a toml::Table) -> Vec<(String, &'a Toml)> {
    let is_list = |name: &str| {
        columns
            .iter()
            .any(|column| column.is_list && column.name == name)
    };
    let mut flat = Vec::with_capacity(row.len());
    for (name, value) in row {
        match value {
            Toml::Array(list) if is_list(name) => {
                let entries = list.iter().enumerate();
                flat.extend(entries.map(|(index, value)| (format!("{name}[{index}]"), value)));
            }
            value => flat.push((name.clone(), value)),
        }
    }
    flat
}

/// Reads `[0.5, 0.7]`, if there is one column, or `[{ quality = 0.5 }, ...]`.
fn inline(
    columns: &[Column],
    rows: &[Toml],
) -> Result<(Vec<Column>, Vec<Vec<f64>>), CorpusProblem> {
    let declared = columns;
    let first = match rows.first() {
        Some(Toml::Table(row)) => flat(declared, row),
        _ => Vec::new(),
    };
    let columns = Column::asked_for(declared, first.iter().map(|(name, _)| name.as_str()));
    let columns = columns.as_slice();
    let read_row = |(index, row): (usize, &Toml)| {
        let place = format!("row {}", index + 1);
        let cell = |column: &Column, value: &Toml| {
            let number = number(value);
            let accepted = number.filter(|number| column.accepts(*number));
            accepted.ok_or_else(|| {
                let mut problem = bad_cell(column, &place, &value.to_string());
                let is_too_large = number.is_some_and(Bounds::is_too_large);
                if let (CorpusProblem::Cell { allowed, .. }, true) = (&mut problem, is_too_large) {
                    *allowed = column.sentence_of_too_large();
                }
                problem
            })
        };
        match (row, columns) {
            (Toml::Table(table), _) => {
                let row = flat(declared, table);
                let known = |name: &String| columns.iter().any(|column| column.name == **name);
                if let Some((unknown, _)) = row.iter().find(|(name, _)| !known(name)) {
                    return Err(unknown_column(columns, unknown, &place));
                }
                // Mostly, all rows name their columns in the same order, so the same position is tried first.
                let find = |position: usize, column: &Column| {
                    let here = row.get(position).filter(|(name, _)| column.name == **name);
                    here.or_else(|| row.iter().find(|(name, _)| column.name == **name))
                };
                let value = |(position, column): (usize, &Column)| match find(position, column) {
                    Some((_, value)) => cell(column, value),
                    None => Err(missing_column(columns, column, &place)),
                };
                columns.iter().enumerate().map(value).collect()
            }
            (Toml::Array(_), _) => Err(bad_row(columns, place, row)),
            (value, [column]) => Ok(vec![cell(column, value)?]),
            _ => Err(bad_row(columns, place, row)),
        }
    };
    let rows = rows.iter().enumerate().map(read_row);
    Ok((columns.to_vec(), rows.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
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
                "cluster_id,quality,quality\n1,2,3\n",
                "the header names the column `quality` twice",
            ),
            (
                "1,0.5\n",
                "the header (line 1) names none of the columns cluster_id, quality",
            ),
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
