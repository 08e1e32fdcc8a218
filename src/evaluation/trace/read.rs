//! Reading a trace back.

mod formats;
mod source;

use super::column::{Cell, Column, EPISODE, Layout, SEED, STEP, columns};
use super::error::TraceError;
use crate::backend::Simulation;
use crate::text_file::STDIN;
use source::{Source, Watched, foreign, refuse_device};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// The steps of one episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// The index of the episode.
    pub index: u64,
    /// For each row, its line in the file.
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
    /// The largest difference between a number in the file and the recorded one that the rounding of its decimals explains.
    pub tolerance: f64,
}

impl Trace {
    /// Reads a trace of a simulation into memory: JSON Lines or CSV, as slatesim wrote it or as a table library rewrote it;
    /// Parquet in a build with the feature `parquet`. The path `-` is standard input.
    ///
    /// Columns may stand in any order, and unknown ones are ignored. A whole number may be written as `1.0`, a flag as `True`,
    /// a missing value as `NaN`, and `NaN` as an empty text.
    ///
    /// # Errors
    /// [`TraceError::Read`] if the file cannot be read, and [`TraceError::Damaged`] with line and column if it is not a
    /// trace of whole episodes of this simulation.
    pub fn read(path: &Path, simulation: &Simulation) -> Result<Self, TraceError> {
        let mut reader = Reader::new(path, simulation);
        reader.read()?;
        reader.end()
    }

    /// Reads a trace as [`read`](Self::read) does, but hands over some episodes at a time, so that a long file need not fit
    /// into memory. The returned trace has the episodes that were not handed over.
    ///
    /// # Errors
    /// Those of [`read`](Self::read), and whatever `on_episodes` returns.
    pub(super) fn read_in_parts(
        path: &Path,
        simulation: &Simulation,
        on_episodes: &mut dyn FnMut(&Self) -> Result<(), TraceError>,
    ) -> Result<Self, TraceError> {
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
        failure.map_or_else(|| whole, Err)
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

/// How many episodes are handed over together.
const PART: usize = 256;

/// Half a unit of the tenth decimal, the last one that pandas writes in JSON, plus the rounding of single precision.
const JSON_TOLERANCE: f64 = 6e-11;

struct Reader<'a> {
    trace: Trace,
    simulation: &'a Simulation,
    /// Known after the first row.
    layout: Option<Layout>,
    /// The indices of the episodes that have been read so far.
    known: HashSet<u64>,
    /// Receives some whole episodes at a time, and tells whether to go on.
    take: Option<&'a mut dyn FnMut(&Trace) -> bool>,
    /// Whether the trace is read from standard input.
    is_input: bool,
    source: Source<'a>,
}

impl Reader<'_> {
    /// Fixes the columns of the trace.
    fn settle(&mut self, with_candidates: bool) {
        self.trace.with_candidates = with_candidates;
        self.trace.columns = columns(self.simulation, with_candidates);
        self.layout = Some(Layout::new(&self.trace.columns));
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

    /// Hands over the episodes that have been read so far, if there is a receiver.
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

fn has_ended(layout: &Layout, episode: &Episode) -> bool {
    let ends = |row: &Vec<Cell>| {
        [layout.terminated, layout.truncated]
            .iter()
            .any(|&column| row[column] == Cell::Flag(true))
    };
    episode.rows.last().is_some_and(ends)
}
