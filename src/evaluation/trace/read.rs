//! Reading a trace back.

use super::column::{Cell, Column, EPISODE, Kind, Layout, SEED, STEP, Segment, columns};
use super::error::TraceError;
use crate::backend::Simulation;
use crate::error::Error;
use crate::text_file::{STDIN, quotable};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};
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
    /// The columns of the file that were passed over.
    pub ignored: Vec<String>,
    /// By how much a number of the file may differ from what was recorded: by what its decimals leave out.
    pub tolerance: f64,
}

impl Trace {
    /// Reads a trace of a simulation into memory: JSON Lines or CSV, as it was written or as a table library writes what it has
    /// read; Parquet in a build with the feature `parquet`. The path `-` is standard input.
    ///
    /// Columns may stand in any order, and further ones are passed over. A whole number may be written `1.0`, a flag `True`,
    /// nothing as `NaN`, and not a number as nothing.
    ///
    /// # Errors
    /// [`TraceError::Read`] if the file cannot be read, and [`TraceError::Damaged`] with line and column if it is not a
    /// trace of whole episodes of this simulation.
    pub fn read(path: &Path, simulation: &Simulation) -> Result<Self, TraceError> {
        let mut reader = Reader::new(path, simulation);
        reader.read()?;
        reader.end()
    }

    /// Reads a trace as [`read`](Self::read) does, and hands over some episodes at a time, so that they need not be held; what is
    /// returned has those that were not handed over.
    ///
    /// # Errors
    /// Those of [`read`](Self::read), as [`Error::Trace`], and whatever `on_episodes` returns.
    pub(super) fn read_in_parts(
        path: &Path,
        simulation: &Simulation,
        on_episodes: &mut dyn FnMut(&Self) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut failure = None;
        let mut take = |part: &Self| match on_episodes(part) {
            Ok(()) => true,
            Err(error) => {
                failure = Some(error);
                false
            }
        };
        let mut reader = Reader::new(path, simulation);
        reader.take = Some(&mut take);
        let whole = reader.read().and_then(|()| reader.end());
        failure.map_or_else(|| whole.map_err(Error::from), Err)
    }
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, simulation: &'a Simulation) -> Self {
        let is_input = path.as_os_str() == STDIN;
        Self {
            trace: Trace {
                columns: columns(simulation, false),
                with_candidates: false,
                episodes: Vec::new(),
                ignored: Vec::new(),
                tolerance: 0.0,
            },
            simulation,
            layout: None,
            known: HashSet::new(),
            take: None,
            is_input,
            source: Source {
                path: if is_input {
                    Path::new("standard input")
                } else {
                    path
                },
            },
        }
    }

    fn read(&mut self) -> Result<(), TraceError> {
        let (is_input, source) = (self.is_input, self.source);
        let path = source.path;
        let unreadable = |error| source.unreadable(error);
        let mut file: Box<dyn Read> = if is_input {
            Box::new(std::io::stdin().lock())
        } else {
            refuse_device(path).map_err(unreadable)?;
            Box::new(File::open(path).map_err(unreadable)?)
        };
        let mut start = Vec::new();
        file.by_ref()
            .take(4)
            .read_to_end(&mut start)
            .map_err(unreadable)?;
        if let Some(problem) = foreign(&start) {
            return Err(source.damaged(1, None, problem));
        }
        if start == b"PAR1" {
            if is_input {
                let problem = "Parquet on standard input; allowed is a file of it, as it is read from its end";
                return Err(source.damaged(1, None, problem));
            }
            return self.read_parquet();
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
        let mut file = BufReader::new(Watched::new(Cursor::new(text.to_vec()).chain(file)));
        let start = self.first_line(&mut file)?;
        match start.trim_ascii_start().first() {
            Some(b'[') => {
                let problem = "a JSON array; allowed is an object a line, as `lines=True` of pandas and `write_ndjson` of polars write \
                               them";
                return Err(source.damaged(1, None, problem));
            }
            Some(b'{') => {
                self.trace.tolerance = JSON_TOLERANCE;
                self.read_json(Cursor::new(start).chain(file))?;
            }
            _ => self.read_csv(&start, file)?,
        }
        Ok(())
    }
}

/// So many episodes are handed over together.
const PART: usize = 256;

/// Half a unit of the tenth decimal, which is the last one that pandas writes in JSON, and what single precision adds to it.
const JSON_TOLERANCE: f64 = 6e-11;

/// No line of a trace is longer: so many bytes are some million numbers.
const LONGEST_LINE: u64 = 1 << 30;

/// A probability may be above 1 by what rounding adds.
const ROUNDING: f64 = 1e-9;

/// Refuses what has no end.
fn refuse_device(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = path.metadata()?.file_type();
        if kind.is_block_device() || (kind.is_char_device() && !path.starts_with("/dev/stdin")) {
            let problem = "it is a device; allowed is a file or a pipe";
            return Err(std::io::Error::new(ErrorKind::InvalidInput, problem));
        }
    }
    #[cfg(not(unix))]
    path.metadata()?;
    Ok(())
}

/// Tells by its first bytes what is no text in UTF-8.
fn foreign(start: &[u8]) -> Option<&'static str> {
    const ZIPPED: [&[u8]; 3] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"PK\x03\x04"];
    if ZIPPED.iter().any(|mark| start.starts_with(mark)) {
        Some("the file is compressed; allowed is the unpacked file, or `-` to read it from a pipe")
    } else if start.starts_with(&[0xff, 0xfe])
        || start.starts_with(&[0xfe, 0xff])
        || start.contains(&0)
    {
        Some(
            "the file is in UTF-16 or no text; allowed is UTF-8: write it so with `Out-File -Encoding utf8` in PowerShell, or convert \
             it with `iconv -f UTF-16 -t UTF-8`",
        )
    } else {
        None
    }
}

/// Looks at what is read: how it ends, and that its lines do.
struct Watched<R> {
    inner: R,
    last: Option<u8>,
    length: u64,
    quotes: u64,
}

impl<R> Watched<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            last: None,
            length: 0,
            quotes: 0,
        }
    }

    /// Tells whether the last line has an end.
    fn is_whole(&self) -> bool {
        matches!(self.last, None | Some(b'\n' | b'\r'))
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let bytes = &buffer[..count];
        self.length = match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => (count - end) as u64,
            None => self.length + count as u64,
        };
        if self.length > LONGEST_LINE {
            let problem = "a line of it is longer than 1 GiB; allowed are the lines of a trace";
            return Err(std::io::Error::new(ErrorKind::InvalidData, problem));
        }
        self.quotes += bytes.iter().filter(|&&byte| byte == b'"').count() as u64;
        self.last = bytes.last().copied().or(self.last);
        Ok(count)
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
    /// The episodes that the file has had.
    known: HashSet<u64>,
    /// Takes some whole episodes at a time, and tells whether to go on.
    take: Option<&'a mut dyn FnMut(&Trace) -> bool>,
    /// Whether it is standard input that is read.
    is_input: bool,
    source: Source<'a>,
}

impl Reader<'_> {
    /// Settles the columns.
    fn settle(&mut self, with_candidates: bool) {
        self.trace.with_candidates = with_candidates;
        self.trace.columns = columns(self.simulation, with_candidates);
        self.layout = Some(Layout::new(&self.trace.columns));
    }

    /// Reads up to the end of the first line that is not blank.
    fn first_line(&self, file: &mut impl BufRead) -> Result<Vec<u8>, TraceError> {
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

    fn read_json(&mut self, mut file: impl BufRead) -> Result<(), TraceError> {
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

    /// Tells whether a name is one of the simulation's columns, or looks like one of another simulation's.
    fn is_of_trace(&self, name: &str) -> bool {
        let of = |column: &Column| match column.path.first() {
            Some(Segment::Key(key)) => key == group(name),
            _ => false,
        };
        GROUPS.contains(&group(name)) || self.trace.columns.iter().any(of)
    }

    /// Remembers a column that is passed over.
    fn ignore(&mut self, name: &str) {
        if !self.trace.ignored.iter().any(|known| known == name) {
            self.trace.ignored.push(name.to_owned());
        }
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
        // A table that was CSV before has the names of its columns.
        let text = match found.or_else(|| value.get(column.name())) {
            None => return Err(damaged(format!("no value, expected {}", expected(column)))),
            Some(Value::Null) => String::new(),
            // The decimals are the shortest of their precision, so nothing is rounded twice.
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::String(text)) if ["NaN", "inf", "-inf"].contains(&&text[..]) => {
                text.clone()
            }
            // Integers above 2^53 are written as texts.
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

    /// Reads a cell, and checks what can be checked of it alone.
    fn cell(
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

    fn read_csv<R: Read>(
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
        // Where each column stands, and how many cells a line has.
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

    /// Finds where each column stands.
    fn read_header(
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
    fn read_parquet(&mut self) -> Result<(), TraceError> {
        let source = self.source;
        let file = File::open(source.path).map_err(|error| source.unreadable(error))?;
        let mut rows = super::parquet::rows(file).map_err(|told| source.damaged(1, None, told))?;
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
    fn read_parquet(&mut self) -> Result<(), TraceError> {
        let problem = "Parquet cannot be replayed by this build, expected JSON Lines or CSV; build slatesim with `--features parquet`";
        Err(self.source.damaged(1, None, problem))
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
            if !self.known.insert(episode) {
                let problem = format!("{episode}, but the file has had this episode already");
                return damaged(EPISODE, problem);
            }
            self.trace.episodes.push(Episode {
                index: episode,
                lines: Vec::new(),
                rows: Vec::new(),
            });
        }
        let last = self.trace.episodes.last_mut().expect("there is one now");
        last.lines.push(line);
        last.rows.push(row);
        if self.take.is_some()
            && self.trace.episodes.len() >= PART
            && self
                .trace
                .episodes
                .last()
                .is_some_and(|last| has_ended(layout, last))
        {
            self.hand_over(line)?;
        }
        Ok(())
    }

    /// Hands over the episodes so far, where somebody takes them.
    fn hand_over(&mut self, line: u64) -> Result<(), TraceError> {
        if let Some(take) = &mut self.take {
            if !take(&self.trace) {
                return Err(self.source.damaged(line, None, "nobody takes the episodes"));
            }
            self.trace.episodes.clear();
        }
        Ok(())
    }

    /// Checks that the last episode is whole.
    fn end(mut self) -> Result<Trace, TraceError> {
        if self.known.is_empty() {
            return Err(self
                .source
                .damaged(1, None, "the file ends before the first step"));
        }
        let last = self.trace.episodes.last().zip(self.layout.as_ref());
        if let Some((last, layout)) = last
            && !has_ended(layout, last)
        {
            let line = last.lines.last().map_or(1, |line| line + 1);
            let problem = format!("the file ends within episode {}", last.index);
            return Err(self.source.damaged(line, None, problem));
        }
        self.hand_over(1)?;
        Ok(self.trace)
    }
}

/// What every trace has, whatever the simulation.
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

/// Returns the first part of a column's name.
fn group(name: &str) -> &str {
    name.split(['.', '[']).next().unwrap_or(name)
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
