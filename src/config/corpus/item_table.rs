//! Tables of items as other programs write them: CSV with any of the usual separators, unknown columns, quotes and blank lines.

use super::problem::{bad_cell, missing_column, names};
use crate::config::quote::clip;
use crate::config::{Bounds, Column, CorpusProblem, nearest_name};
use std::borrow::Cow;

/// The separators of cells, the most usual first.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// The numbers of the declared columns, row by row, and their lines in the file.
#[derive(Debug, Default)]
pub(super) struct ItemTable {
    /// The declared columns that the table has.
    pub(super) columns: Vec<Column>,
    /// For each row, a number for each of these columns.
    pub(super) rows: Vec<Vec<f64>>,
    /// The line of each row.
    pub(super) lines: Vec<u32>,
    /// The columns that are not declared.
    pub(super) ignored: Vec<String>,
}

/// Reads a table: a header that names the columns in any order, cells separated by commas, semicolons or tabs, blank lines
/// skipped. Quotes around a cell protect separators and line breaks in it.
///
/// Errors quote nothing from a file that is no such table: a configuration may name any file, even a secret one.
pub(super) fn read(columns: &[Column], text: &str) -> Result<ItemTable, CorpusProblem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let separator = separator(columns, text);
    let mut records = Records {
        rest: text,
        line: 1,
        separator,
    };
    let Some((line, header)) = records.next().transpose()? else {
        return Err(CorpusProblem::Empty);
    };
    let header: Vec<&str> = header.iter().map(|name| name.trim()).collect();
    let columns = &Column::asked_for(columns, header.iter().copied());
    let positions = positions(columns, &header, line)?;
    let mut table = ItemTable {
        ignored: header
            .iter()
            .filter(|name| !columns.iter().any(|column| column.name == **name))
            .map(|name| (*name).to_owned())
            .collect(),
        columns: columns.clone(),
        ..ItemTable::default()
    };
    // A row of separators alone counts as blank at the end of a table, because spreadsheets write such rows; elsewhere its
    // cells are missing.
    let mut blank = None;
    for record in records {
        let (line, cells) = record?;
        let place = || format!("line {line}");
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            blank = blank.or(Some(line));
            continue;
        }
        if let Some(line) = blank {
            return Err(bad_cell(&columns[0], &format!("line {line}"), "\"\""));
        }
        if cells.len() != header.len() {
            return Err(CorpusProblem::RowLength {
                place: place(),
                expected: header.len(),
                found: cells.len(),
                hint: length_hint(separator, header.len(), &cells),
            });
        }
        let cell = |(column, position): (&Column, &usize)| {
            let text = cells[*position].trim_matches(is_space);
            let number = text.parse::<f64>().ok();
            let number = number.filter(|number| column.accepts(*number));
            number.ok_or_else(|| refused(column, &place(), text))
        };
        let row = columns.iter().zip(&positions).map(cell);
        table.rows.push(row.collect::<Result<_, _>>()?);
        table.lines.push(line);
    }
    Ok(table)
}

/// Tells whether a character around a number is ignored; a line break within quotes is not.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\u{a0}')
}

/// Finds each declared column in the header.
fn positions(columns: &[Column], header: &[&str], line: u32) -> Result<Vec<usize>, CorpusProblem> {
    let place = format!("the header (line {line})");
    let known = |name: &str| columns.iter().any(|column| column.name == name);
    let is_meant = |name: &&str| {
        known(name) || nearest_name(name, columns.iter().map(|column| &*column.name)).is_some()
    };
    if !header.iter().any(is_meant) {
        return Err(CorpusProblem::NoHeader {
            place,
            known: names(columns),
        });
    }
    let position = |column: &Column| {
        let mut found = header.iter().enumerate();
        let mut found = found.by_ref().filter(|(_, name)| **name == column.name);
        match (found.next(), found.next()) {
            (Some((position, _)), None) => Ok(position),
            (Some(_), Some(_)) => Err(CorpusProblem::DuplicateColumn {
                column: column.name.to_string(),
            }),
            (None, _) => {
                // A name that belongs to another declared column is no misspelling of this one.
                let others = header.iter().copied().filter(|name| !known(name));
                let near = nearest_name(&column.name, others.clone()).or_else(|| {
                    others
                        .clone()
                        .find(|name| name.eq_ignore_ascii_case(&column.name))
                });
                let place = match near {
                    Some(near) => format!("{place} (is it the one called `{}`?)", clip(near)),
                    None => place.clone(),
                };
                Err(missing_column(columns, column, &place))
            }
        }
    };
    columns.iter().map(position).collect()
}

/// Makes the error for a cell, with the likely reason if there is one.
fn refused(column: &Column, place: &str, text: &str) -> CorpusProblem {
    let mut problem = bad_cell(column, place, &format!("{text:?}"));
    let number = text.parse::<f64>().ok();
    if let CorpusProblem::Cell { allowed, .. } = &mut problem {
        let with_point = text.replacen(',', ".", 1);
        if number.is_none() && text.contains(',') && with_point.parse::<f64>().is_ok() {
            *allowed += &format!(", with a point before its decimals: {with_point}");
        } else if number.is_some_and(Bounds::is_too_large) {
            *allowed = column.sentence_of_too_large();
        }
    }
    problem
}

/// Returns a likely reason why a row has another number of cells than the header.
fn length_hint(separator: char, expected: usize, cells: &[Cow<'_, str>]) -> &'static str {
    let digits = |cell: &Cow<'_, str>| {
        let cell = cell.trim();
        !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit())
    };
    if separator == ',' && cells.len() > expected && cells.iter().any(digits) {
        "; decimals need a point (0.5, not 0,5), and a cell with a comma in it quotes around it"
    } else {
        ""
    }
}

/// Finds the separator of cells: the one with which the header has the most declared columns, else the most frequent one.
fn separator(columns: &[Column], text: &str) -> char {
    let header = text.lines().find(|line| !line.trim().is_empty());
    let header = header.unwrap_or_default();
    let known = |separator: char| {
        let mut cells = Vec::new();
        let record = Records {
            rest: header,
            line: 1,
            separator,
        }
        .next();
        if let Some(Ok((_, found))) = record {
            cells = found;
        }
        let is_known = |column: &&Column| cells.iter().any(|cell| column.is_called(cell.trim()));
        columns.iter().filter(is_known).count()
    };
    let count = |separator: char| header.matches(separator).count();
    // `max_by_key` returns the last of equal ones, which should be the comma.
    SEPARATORS
        .into_iter()
        .rev()
        .max_by_key(|&separator| (known(separator), count(separator)))
        .unwrap_or(',')
}

/// Splits a text into records, each with the line where it begins; empty lines are skipped.
struct Records<'a> {
    rest: &'a str,
    line: u32,
    separator: char,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(u32, Vec<Cow<'a, str>>), CorpusProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
            if !self.rest[..end].trim().is_empty() {
                break;
            }
            self.skip_line(end);
        }
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            match self.cell() {
                Ok(cell) => cells.push(cell),
                Err(problem) => {
                    self.rest = "";
                    return Some(Err(problem));
                }
            }
            match self.rest.strip_prefix(self.separator) {
                Some(rest) => self.rest = rest,
                None => {
                    self.skip_line(0);
                    return Some(Ok((line, cells)));
                }
            }
        }
    }
}

impl<'a> Records<'a> {
    /// Continues after the line break at a position, or at the end of the text.
    fn skip_line(&mut self, end: usize) {
        let rest = &self.rest[end..];
        let rest = rest.strip_prefix('\r').unwrap_or(rest);
        self.rest = rest.strip_prefix('\n').unwrap_or(rest);
        self.line = self.line.saturating_add(1);
    }

    /// Reads a cell, up to its separator or the end of the line.
    fn cell(&mut self) -> Result<Cow<'a, str>, CorpusProblem> {
        let ends = [self.separator, '\n', '\r'];
        let space = |character: char| character == ' ';
        let Some(mut inside) = self.rest.trim_start_matches(space).strip_prefix('"') else {
            let end = self.rest.find(ends).unwrap_or(self.rest.len());
            let (cell, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Ok(Cow::Borrowed(cell));
        };
        let begun = self.line;
        let mut cell = Cow::Borrowed("");
        loop {
            let Some(quote) = inside.find('"') else {
                return Err(CorpusProblem::OpenQuote {
                    place: format!("line {begun}"),
                });
            };
            let breaks = inside[..quote].matches('\n').count();
            self.line = self
                .line
                .saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
            cell += &inside[..quote];
            inside = &inside[quote + 1..];
            match inside.strip_prefix('"') {
                // Within quotes, two quotes stand for one.
                Some(rest) => {
                    cell += "\"";
                    inside = rest;
                }
                None => break,
            }
        }
        self.rest = inside.trim_start_matches(space);
        if !self.rest.is_empty() && !self.rest.starts_with(ends) {
            return Err(CorpusProblem::AfterQuote {
                place: format!("line {}", self.line),
            });
        }
        Ok(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPICS: [Column; 2] = [
        Column::index("cluster_id"),
        Column::number("quality", Bounds::FINITE),
    ];

    fn told(text: &str) -> String {
        read(&TOPICS, text).unwrap_err().to_string()
    }

    #[test]
    fn further_columns_are_ignored_and_named() {
        for (text, ignored) in [
            (
                "id,title,cluster_id,quality\n7,\"Up, down\",1,0.5\n",
                &["id", "title"][..],
            ),
            (",cluster_id,quality\n0,1,0.5\n", &[""]),
            ("quality,cluster_id\n0.5,1\n", &[]),
        ] {
            let table = read(&TOPICS, text).unwrap();
            assert_eq!(table.rows, [[1.0, 0.5]], "{text:?}");
            assert_eq!(table.ignored, ignored);
            assert_eq!(table.lines, [2]);
        }
    }

    #[test]
    fn separators_are_told_apart_and_quotes_protect_them() {
        for text in [
            "cluster_id;quality;title\n1;0.5;a,b\n",
            "cluster_id\tquality\ttitle\n1\t0.5\ta;b,c\n",
            "\u{feff}cluster_id,quality,title\r\n1,0.5,\"a,\r\nb\"\r\n\r\n",
            "\"title\",\"cluster_id\",\"quality\"\n\"say \"\"hi\"\", you\", \"1\" , \"0.5\"\n,,\n;\n"
                .trim_end_matches(";\n"),
        ] {
            let table = read(&TOPICS, text).unwrap();
            assert_eq!(table.rows, [[1.0, 0.5]], "{text:?}");
        }
        let table = read(&TOPICS, "cluster_id,t,quality\n0,\"a\nb\",1\n1,c,2\n").unwrap();
        assert_eq!(table.lines, [2, 4]);
    }

    #[test]
    fn decimal_commas_are_named() {
        assert_eq!(
            told("cluster_id;quality\n0;1,5\n"),
            "column `quality` of line 2 is \"1,5\"; allowed is a finite number of magnitude at most 1e12, with a point before its decimals: 1.5"
        );
        assert!(told("cluster_id,quality\n0,\"1,5\"\n").ends_with("1.5"));
        assert!(
            told("cluster_id,quality\n0,1,5\n")
                .contains("line 2 has 3 cells, the header has 2; decimals need a point")
        );
    }

    #[test]
    fn a_number_that_is_too_large_is_told_how_large_it_may_be() {
        let message = told("cluster_id,quality\n0,1e39\n");
        assert!(
            message.contains("is \"1e39\"; allowed is a number of at most 3.4e38 in size"),
            "{message}"
        );
    }

    #[test]
    fn a_file_that_is_no_table_of_items_is_not_quoted() {
        let message = told("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1\n");
        assert_eq!(
            message,
            "the header (line 1) names none of the columns cluster_id, quality; allowed is a first line with the names of the \
             columns, separated by commas, semicolons or tabs"
        );
    }

    #[test]
    fn a_column_that_is_spelled_otherwise_is_pointed_at() {
        assert!(told("cluster_id,Qualty\n0,1\n").contains("(is it the one called `Qualty`?)"));
        assert!(told("Cluster_ID,quality\n0,1\n").contains("`Cluster_ID`"));
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_swallow_rows() {
        let message = told("cluster_id,quality,title\n0,1,\"a\n1,2,b\n");
        assert_eq!(message, "the quote that begins in line 2 is never closed");
        assert!(told("cluster_id,quality,title\n0,1,\"a\"b\n").contains("line 2"));
        assert!(told("cluster_id,quality\n0,\"1\n\"\n").contains("column `quality` of line 2"));
    }

    #[test]
    fn a_row_without_cells_is_blank_at_the_end_alone() {
        assert_eq!(
            read(&TOPICS, "cluster_id,quality\n0,1\n,\n,\n")
                .unwrap()
                .rows
                .len(),
            1
        );
        assert!(told("cluster_id,quality\n0,1\n,\n0,2\n").contains("of line 3 is \"\""));
    }
}
