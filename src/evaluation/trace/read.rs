//! Reading a trace back.

use super::column::{Cell, Column, EPISODE, Kind, Layout, SEED, STEP, Segment, columns};
use super::error::TraceError;
use crate::backend::Simulation;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The steps of one episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// The index of the episode.
    pub index: u64,
    /// The line of the file that each row stands in.
    pub lines: Vec<u64>,
    /// A cell for each column.
    pub rows: Vec<Vec<Cell>>,
}

/// A trace that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Its columns: those of the simulation.
    pub columns: Vec<Column>,
    /// Whether the features of all candidates are among them.
    pub with_candidates: bool,
    /// The episodes, in the order of the file.
    pub episodes: Vec<Episode>,
}

impl Trace {
    /// Reads a trace of a simulation, JSON Lines or CSV, into memory.
    ///
    /// # Errors
    /// [`TraceError::Read`] if the file cannot be read, and [`TraceError::Damaged`] with line and column if it is not a
    /// trace of whole episodes of this simulation.
    pub fn read(path: &Path, simulation: &Simulation) -> Result<Self, TraceError> {
        let source = Source { path };
        let file = File::open(path).map_err(|error| source.unreadable(error))?;
        let mut file = BufReader::new(file);
        let start = file.fill_buf().map_err(|error| source.unreadable(error))?;
        let is_json = start.first() == Some(&b'{');
        if start.starts_with(b"PAR1") {
            let problem = "Parquet cannot be replayed, expected JSON Lines or CSV";
            return Err(source.damaged(1, None, problem));
        }
        let mut reader = Reader {
            trace: Self {
                columns: columns(simulation, false),
                with_candidates: false,
                episodes: Vec::new(),
            },
            simulation,
            layout: None,
            source,
        };
        if is_json {
            reader.read_json(file)?;
        } else {
            reader.read_csv(file)?;
        }
        reader.end()
    }
}

/// Names the file in errors.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
}

impl Source<'_> {
    fn unreadable(self, source: std::io::Error) -> TraceError {
        TraceError::Read {
            path: self.path.to_owned(),
            source,
        }
    }

    fn damaged(self, line: u64, column: Option<String>, problem: impl Into<String>) -> TraceError {
        TraceError::Damaged {
            path: self.path.to_owned(),
            line,
            column,
            problem: problem.into(),
        }
    }
}

struct Reader<'a> {
    trace: Trace,
    simulation: &'a Simulation,
    /// Known once the first row is.
    layout: Option<Layout>,
    source: Source<'a>,
}

impl Reader<'_> {
    /// Settles the columns.
    fn settle(&mut self, with_candidates: bool) {
        self.trace.with_candidates = with_candidates;
        self.trace.columns = columns(self.simulation, with_candidates);
        self.layout = Some(Layout::new(&self.trace.columns));
    }

    fn read_json(&mut self, file: impl BufRead) -> Result<(), TraceError> {
        for (number, line) in (1..).zip(file.lines()) {
            let line = line.map_err(|error| self.source.unreadable(error))?;
            let value: Value = serde_json::from_str(&line).map_err(|error| {
                let column = error.column().to_string();
                let text = error.to_string();
                let told = text
                    .rsplit_once(" at line")
                    .map_or(&text[..], |(told, _)| told);
                self.source
                    .damaged(number, Some(column), format!("no JSON object: {told}"))
            })?;
            if self.layout.is_none() {
                self.settle(value.get("candidates").is_some());
            }
            let mut row = Vec::with_capacity(self.trace.columns.len());
            for column in &self.trace.columns {
                row.push(self.json_cell(number, column, &value)?);
            }
            let (expected, found) = (row.len(), num_leaves(&value));
            if found != expected {
                let problem = format!("{found} values, expected {expected}");
                return Err(self.source.damaged(number, None, problem));
            }
            self.push(number, row)?;
        }
        Ok(())
    }

    fn json_cell(&self, line: u64, column: &Column, value: &Value) -> Result<Cell, TraceError> {
        let damaged = |problem: String| self.source.damaged(line, Some(column.name()), problem);
        let found = column
            .path
            .iter()
            .try_fold(value, |value, segment| match segment {
                Segment::Key(key) => value.get(key),
                Segment::Index(index) => value.get(index),
            });
        let text = match found {
            None => return Err(damaged(format!("no value, expected {}", expected(column)))),
            Some(Value::Null) => String::new(),
            // The decimals are the shortest of their precision, so nothing is rounded twice.
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::String(text)) if ["NaN", "inf", "-inf"].contains(&&text[..]) => {
                text.clone()
            }
            Some(other) => {
                return Err(damaged(format!("{other}, expected {}", expected(column))));
            }
        };
        Cell::parse(column, &text).ok_or_else(|| {
            let shown = if text.is_empty() { "null" } else { &text };
            damaged(format!("{shown}, expected {}", expected(column)))
        })
    }

    fn read_csv(&mut self, file: impl Read) -> Result<(), TraceError> {
        let mut file = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(file);
        let mut record = csv::StringRecord::new();
        loop {
            let line = file.position().line();
            let is_more =
                file.read_record(&mut record)
                    .map_err(|error| match error.into_kind() {
                        csv::ErrorKind::Io(error) => self.source.unreadable(error),
                        csv::ErrorKind::Utf8 { err, .. } => {
                            let column = (err.field() + 1).to_string();
                            self.source.damaged(line, Some(column), "no text in UTF-8")
                        }
                        other => self.source.damaged(line, None, format!("{other:?}")),
                    })?;
            if !is_more {
                return Ok(());
            }
            let line = record.position().map_or(line, csv::Position::line);
            if self.layout.is_none() {
                self.read_header(line, &record)?;
                continue;
            }
            let columns = &self.trace.columns;
            if record.len() != columns.len() {
                let problem = format!("{} values, expected {}", record.len(), columns.len());
                return Err(self.source.damaged(line, None, problem));
            }
            let mut row = Vec::with_capacity(columns.len());
            for (column, text) in columns.iter().zip(&record) {
                row.push(Cell::parse(column, text).ok_or_else(|| {
                    let problem = format!("{text:?}, expected {}", expected(column));
                    self.source.damaged(line, Some(column.name()), problem)
                })?);
            }
            self.push(line, row)?;
        }
    }

    fn read_header(&mut self, line: u64, header: &csv::StringRecord) -> Result<(), TraceError> {
        self.settle(header.iter().any(|name| name.starts_with("candidates[")));
        let names: Vec<String> = self.trace.columns.iter().map(Column::name).collect();
        let mut pairs = names.iter().zip(header);
        if let Some((name, found)) = pairs.find(|(name, found)| name != found) {
            let problem = format!("the column is called {found:?}");
            return Err(self.source.damaged(line, Some(name.clone()), problem));
        }
        if header.len() != names.len() {
            let problem = format!("{} columns, expected {}", header.len(), names.len());
            return Err(self.source.damaged(line, None, problem));
        }
        Ok(())
    }

    /// Appends a row to its episode.
    fn push(&mut self, line: u64, row: Vec<Cell>) -> Result<(), TraceError> {
        let layout = self.layout.as_ref().expect("settled with the first row");
        let plan = &self.simulation.plan;
        let columns = &self.trace.columns;
        let damaged = |column: usize, problem: String| {
            let name = columns[column].name();
            Err(self.source.damaged(line, Some(name), problem))
        };
        let integer = |column: usize| match row[column] {
            Cell::Integer(number) => number,
            _ => unreachable!("the column is of integers"),
        };
        if integer(SEED) != plan.seed {
            let problem = format!("{}, expected the seed {}", integer(SEED), plan.seed);
            return damaged(SEED, problem);
        }
        for column in layout.slate.clone() {
            let (found, most) = (integer(column), plan.num_candidates);
            if found >= u64::from(most) {
                return damaged(column, format!("{found}, expected an index below {most}"));
            }
        }
        let num_considered = plan.choice.num_considered(plan.slate_size);
        if let Cell::Integer(chosen) = row[layout.chosen]
            && chosen >= u64::from(num_considered)
        {
            let problem = format!("{chosen}, expected a position below {num_considered}");
            return damaged(layout.chosen, problem);
        }
        let (episode, step) = (integer(EPISODE), integer(STEP));
        let running = self
            .trace
            .episodes
            .last()
            .filter(|last| !has_ended(layout, last));
        let expected_step = running.map_or(0, |running| running.rows.len() as u64);
        if running.is_some_and(|running| running.index != episode) {
            let problem = format!("{episode}, but the episode of the line before has not ended");
            return damaged(EPISODE, problem);
        }
        if step != expected_step {
            return damaged(STEP, format!("{step}, expected {expected_step}"));
        }
        if running.is_none() {
            self.trace.episodes.push(Episode {
                index: episode,
                lines: Vec::new(),
                rows: Vec::new(),
            });
        }
        let last = self.trace.episodes.last_mut().expect("there is one now");
        last.lines.push(line);
        last.rows.push(row);
        Ok(())
    }

    /// Checks that the last episode is whole.
    fn end(self) -> Result<Trace, TraceError> {
        let last = self.trace.episodes.last().zip(self.layout.as_ref());
        let Some((last, layout)) = last else {
            return Err(self
                .source
                .damaged(1, None, "the file ends before the first step"));
        };
        if !has_ended(layout, last) {
            let line = last.lines.last().map_or(1, |line| line + 1);
            let problem = format!("the file ends within episode {}", last.index);
            return Err(self.source.damaged(line, None, problem));
        }
        Ok(self.trace)
    }
}

fn has_ended(layout: &Layout, episode: &Episode) -> bool {
    let ends = |row: &Vec<Cell>| {
        [layout.terminated, layout.truncated]
            .iter()
            .any(|&column| row[column] == Cell::Flag(true))
    };
    episode.rows.last().is_some_and(ends)
}

/// Says what a column holds.
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
