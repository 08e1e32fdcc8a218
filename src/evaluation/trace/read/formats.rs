//! Rows of each format: JSON Lines, CSV and Parquet.

use super::Reader;
use super::source::Watched;
use crate::evaluation::trace::column::{Cell, Column, Kind, Segment};
use crate::evaluation::trace::error::TraceError;
#[cfg(feature = "parquet")]
use crate::evaluation::trace::parquet;
use crate::text_file::quotable;
use serde_json::Value;
#[cfg(feature = "parquet")]
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};

/// By how much rounding may raise a probability above 1.
const ROUNDING: f64 = 1e-9;

/// The groups of columns that a trace of any simulation has.
const GROUPS: [&str; 14] = [
    "seed",
    "episode",
    "step",
    "user",
    "observation",
    "slate",
    "documents",
    "candidates",
    "chosen",
    "responses",
    "reward",
    "terminated",
    "truncated",
    "propensity",
];

impl Reader<'_> {
    /// Reads up to the end of the first line that is not blank.
    pub(super) fn first_line(&self, file: &mut impl BufRead) -> Result<Vec<u8>, TraceError> {
        let mut start = Vec::new();
        loop {
            let before = start.len();
            let length = file
                .read_until(b'\n', &mut start)
                .map_err(|error| self.source.unreadable(error))?;
            if length == 0 || !start[before..].trim_ascii().is_empty() {
                return Ok(start);
            }
        }
    }

    pub(super) fn read_json(&mut self, mut file: impl BufRead) -> Result<(), TraceError> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let length = file
                .read_until(b'\n', &mut line)
                .map_err(|error| self.source.unreadable(error))?;
            if length == 0 {
                return Ok(());
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let value = crate::json::read(&line).map_err(|error| {
                let column = error.column().to_string();
                let text = error.to_string();
                let told = text
                    .rsplit_once(" at line")
                    .map_or(&text[..], |(told, _)| told);
                self.source
                    .damaged(number, Some(column), format!("no JSON object: {told}"))
            })?;
            let Value::Object(object) = &value else {
                let problem = format!("{}, expected an object", quotable(&value.to_string()));
                return Err(self.source.damaged(number, None, problem));
            };
            if self.layout.is_none() {
                let is_candidate = |key: &String| group(key) == "candidates";
                self.settle(object.keys().any(is_candidate));
            }
            let mut row = Vec::with_capacity(self.trace.columns.len());
            for column in &self.trace.columns {
                row.push(self.json_cell(number, column, &value)?);
            }
            let mut found = 0;
            for (key, value) in object {
                if self.is_of_trace(key) {
                    found += num_leaves(value);
                } else {
                    self.ignore(key);
                }
            }
            let expected = row.len();
            if found != expected {
                let problem = format!("{found} values, expected {expected}");
                return Err(self.source.damaged(number, None, problem));
            }
            self.push(number, row)?;
        }
        Ok(())
    }

    /// Tells whether a name is one of the simulation's columns, or looks like a column of another simulation.
    pub(super) fn is_of_trace(&self, name: &str) -> bool {
        let of = |column: &Column| match column.path.first() {
            Some(Segment::Key(key)) => key == group(name),
            _ => false,
        };
        GROUPS.contains(&group(name)) || self.trace.columns.iter().any(of)
    }

    /// Remembers a column that is ignored.
    pub(super) fn ignore(&mut self, name: &str) {
        if !self.trace.ignored.iter().any(|known| known == name) {
            self.trace.ignored.push(name.to_owned());
        }
    }

    pub(super) fn json_cell(
        &self,
        line: u64,
        column: &Column,
        value: &Value,
    ) -> Result<Cell, TraceError> {
        let damaged = |problem: String| self.source.damaged(line, Some(column.name()), problem);
        let found = column
            .path
            .iter()
            .try_fold(value, |value, segment| match segment {
                Segment::Key(key) => value.get(key),
                Segment::Index(index) => value.get(index),
            });
        // A file converted from CSV has the CSV names of the columns as its keys.
        let text = match found.or_else(|| value.get(column.name())) {
            None => return Err(damaged(format!("no value, expected {}", expected(column)))),
            Some(Value::Null) => String::new(),
            // The decimals are the shortest ones of the number's precision, so reading them as text rounds nothing twice.
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::String(text)) if ["NaN", "inf", "-inf"].contains(&&text[..]) => {
                text.clone()
            }
            // Integers above 2^53 are written as strings.
            Some(Value::String(text))
                if matches!(column.kind, Kind::Integer)
                    && text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                text.clone()
            }
            Some(other) => {
                let shown = quotable(&other.to_string());
                return Err(damaged(format!("{shown}, expected {}", expected(column))));
            }
        };
        self.cell(line, column, &text, |text| {
            if text.is_empty() { "null" } else { text }.to_owned()
        })
    }

    /// Reads a cell, and checks everything that does not depend on other cells.
    pub(super) fn cell(
        &self,
        line: u64,
        column: &Column,
        text: &str,
        shown: impl Fn(&str) -> String,
    ) -> Result<Cell, TraceError> {
        let damaged = |problem: String| {
            let shown = quotable(&shown(text));
            let problem = format!("{shown}, expected {problem}");
            Err(self.source.damaged(line, Some(column.name()), problem))
        };
        let Some(cell) = Cell::parse(column, text) else {
            let comma = match text.contains(',') {
                true => ", with a point before its decimals",
                false => "",
            };
            return damaged(expected(column) + comma);
        };
        let is_probability = column.path == [Segment::Key("propensity".to_owned())];
        match cell {
            Cell::Double(number) if is_probability && !(0.0..=1.0 + ROUNDING).contains(&number) => {
                damaged("a probability, from 0 to 1".to_owned())
            }
            cell => Ok(cell),
        }
    }

    pub(super) fn read_csv<R: Read>(
        &mut self,
        header: &[u8],
        mut file: BufReader<Watched<R>>,
    ) -> Result<(), TraceError> {
        let count = |separator: u8| header.iter().filter(|&&byte| byte == separator).count();
        let separator = [b'\t', b';', b',']
            .into_iter()
            .max_by_key(|&one| count(one));
        let mut lines = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator.unwrap_or(b','))
            .from_reader(Cursor::new(header).chain(&mut file));
        let mut record = csv::StringRecord::new();
        // The index of each column, and how many cells a line has.
        let mut places: Option<(Vec<usize>, usize)> = None;
        let mut line = 1;
        loop {
            line = lines.position().line().max(line);
            let is_more =
                lines
                    .read_record(&mut record)
                    .map_err(|error| match error.into_kind() {
                        csv::ErrorKind::Io(error) => self.source.unreadable(error),
                        csv::ErrorKind::Utf8 { err, .. } => {
                            let column = (err.field() + 1).to_string();
                            self.source.damaged(line, Some(column), "no text in UTF-8")
                        }
                        other => self.source.damaged(line, None, format!("{other:?}")),
                    })?;
            if !is_more {
                break;
            }
            line = record.position().map_or(line, csv::Position::line);
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let Some((places, length)) = &places else {
                places = Some((self.read_header(line, &record)?, record.len()));
                continue;
            };
            if record.len() != *length {
                let problem = format!("{} values, expected {length}", record.len());
                return Err(self.source.damaged(line, None, problem));
            }
            let mut row = Vec::with_capacity(places.len());
            for (column, &place) in self.trace.columns.iter().zip(places) {
                row.push(self.cell(line, column, &record[place], |text| format!("{text:?}"))?);
            }
            self.push(line, row)?;
        }
        drop(lines);
        let watched = file.get_ref();
        let problem = if watched.quotes % 2 == 1 {
            "a quote is never closed"
        } else if !watched.is_whole() {
            "the file ends within this line: it is cut, or lacks the line break at its end"
        } else {
            return Ok(());
        };
        Err(self.source.damaged(line, None, problem))
    }

    /// Finds the index of each column.
    pub(super) fn read_header(
        &mut self,
        line: u64,
        header: &csv::StringRecord,
    ) -> Result<Vec<usize>, TraceError> {
        let header: Vec<&str> = header.iter().map(str::trim).collect();
        self.settle(header.iter().any(|name| name.starts_with("candidates[")));
        let names: Vec<String> = self.trace.columns.iter().map(Column::name).collect();
        let place = |name: &String| header.iter().position(|found| found == name);
        if names.iter().all(|name| place(name).is_none()) {
            let problem = "none of the columns of a trace, such as seed, episode and step";
            return Err(self.source.damaged(line, None, problem));
        }
        let mut places = Vec::with_capacity(names.len());
        for name in &names {
            let problem = match place(name) {
                None => "there is no such column",
                Some(place) if header[place + 1..].contains(&&name[..]) => {
                    "there are two columns of this name"
                }
                Some(place) => {
                    places.push(place);
                    continue;
                }
            };
            return Err(self.source.damaged(line, Some(name.clone()), problem));
        }
        for (place, name) in header.iter().enumerate() {
            if places.contains(&place) {
                continue;
            }
            if self.is_of_trace(name) {
                let problem = "the simulation has no such column";
                return Err(self.source.damaged(line, Some(quotable(name)), problem));
            }
            self.ignore(name);
        }
        Ok(places)
    }

    /// Reads Parquet, row by row, as if it were CSV.
    #[cfg(feature = "parquet")]
    pub(super) fn read_parquet(&mut self) -> Result<(), TraceError> {
        let source = self.source;
        let file = File::open(source.path).map_err(|error| source.unreadable(error))?;
        let mut rows = parquet::rows(file).map_err(|told| source.damaged(1, None, told))?;
        let places = self.read_header(1, &rows.header)?;
        for number in 1.. {
            let Some(record) = rows
                .next()
                .map_err(|told| source.damaged(number, None, told))?
            else {
                return Ok(());
            };
            let mut row = Vec::with_capacity(places.len());
            for (column, &place) in self.trace.columns.iter().zip(&places) {
                let cell = record.get(place).map_or("", String::as_str);
                row.push(self.cell(number, column, cell, str::to_owned)?);
            }
            self.push(number, row)?;
        }
        Ok(())
    }

    #[cfg(not(feature = "parquet"))]
    pub(super) fn read_parquet(&mut self) -> Result<(), TraceError> {
        let problem = "Parquet cannot be replayed by this build, expected JSON Lines or CSV; build slatesim with `--features parquet`";
        Err(self.source.damaged(1, None, problem))
    }
}

/// Returns the first part of a column's name.
fn group(name: &str) -> &str {
    name.split(['.', '[']).next().unwrap_or(name)
}

/// Describes the values of a column, for messages.
fn expected(column: &Column) -> String {
    let what = match column.kind {
        Kind::Integer => "a whole number",
        Kind::Single | Kind::Double => "a number",
        Kind::Flag => "true or false",
    };
    format!(
        "{what}{}",
        if column.is_optional {
            " or nothing"
        } else {
            ""
        }
    )
}

/// Counts the values of an object.
fn num_leaves(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(num_leaves).sum(),
        Value::Array(elements) => elements.iter().map(num_leaves).sum(),
        _ => 1,
    }
}
