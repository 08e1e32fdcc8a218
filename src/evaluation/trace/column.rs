//! The columns of a trace: their names, their order, and the kind of value that each holds.

use crate::backend::Simulation;
use crate::environment;
use std::io;

/// The kind of value in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number that is not negative.
    Integer,
    /// A number in single precision.
    Single,
    /// A number in double precision.
    Double,
    /// True or false.
    Flag,
}

/// One part of the path to a value in a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object.
    Key(String),
    /// An element of an array.
    Index(usize),
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The kind of its values.
    pub kind: Kind,
    /// Whether a value may be missing.
    pub is_optional: bool,
    /// The path to its values in a JSON object; begins with a key.
    pub path: Vec<Segment>,
}

impl Column {
    fn new(kind: Kind, path: Vec<Segment>) -> Self {
        Self {
            kind,
            is_optional: false,
            path,
        }
    }

    /// Returns the name in CSV and Parquet: the path as one text, such as `documents[0].quality`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = String::new();
        for segment in &self.path {
            match segment {
                Segment::Key(key) if name.is_empty() => name.push_str(key),
                Segment::Key(key) => name.extend([".", key]),
                Segment::Index(index) => name.push_str(&format!("[{index}]")),
            }
        }
        name
    }
}

/// One value of a row.
#[derive(Clone, Copy, Debug)]
pub enum Cell {
    /// In a column of integers.
    Integer(u64),
    /// In a column of single precision.
    Single(f32),
    /// In a column of double precision.
    Double(f64),
    /// In a column of flags.
    Flag(bool),
    /// No value.
    Missing,
}

/// Compares bit for bit, so that a value that is not a number equals itself.
impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Single(a), Self::Single(b)) => a.to_bits() == b.to_bits(),
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::Flag(a), Self::Flag(b)) => a == b,
            (Self::Missing, Self::Missing) => true,
            _ => false,
        }
    }
}

impl Cell {
    /// Writes the value in the shortest way that reads back as the same; an empty text where it is missing.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Single(number) => format!("{number:?}"),
            Self::Double(number) => format!("{number:?}"),
            Self::Flag(flag) => flag.to_string(),
            Self::Missing => String::new(),
        }
    }

    /// Reads a cell as [`text`](Self::text) writes it for a column, or as a table library rewrites it: `1.0` for a whole
    /// number, `True` for a flag, `NaN` for a missing value, and an empty text for a number that is `NaN`. `None` if it is none
    /// of these.
    #[must_use]
    pub fn parse(column: &Column, text: &str) -> Option<Self> {
        let text = text.trim();
        if column.is_optional && NOTHING.contains(&text) {
            return Some(Self::Missing);
        }
        match column.kind {
            Kind::Integer => text.parse().ok().or_else(|| whole(text)).map(Self::Integer),
            Kind::Single if NOTHING.contains(&text) => Some(Self::Single(f32::NAN)),
            Kind::Single => text.parse().ok().map(Self::Single),
            Kind::Double if NOTHING.contains(&text) => Some(Self::Double(f64::NAN)),
            Kind::Double => text.parse().ok().map(Self::Double),
            Kind::Flag => match text {
                "true" | "True" | "TRUE" | "1" | "1.0" => Some(Self::Flag(true)),
                "false" | "False" | "FALSE" | "0" | "0.0" => Some(Self::Flag(false)),
                _ => None,
            },
        }
    }
}

/// Writes the rows of one trace.
pub trait RowWriter {
    /// Writes a row, a cell for each column.
    ///
    /// # Errors
    /// Those of the file.
    fn row(&mut self, cells: &[Cell]) -> io::Result<()>;
    /// Writes everything that is still buffered.
    ///
    /// # Errors
    /// Those of the file.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The texts that stand for a missing value.
const NOTHING: [&str; 9] = [
    "", "NaN", "nan", "null", "None", "NA", "N/A", "<NA>", "NULL",
];

/// Reads a whole number that is written with a decimal point or an exponent.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and in the range"
)]
fn whole(text: &str) -> Option<u64> {
    /// Above this, neighbouring integers are the same double-precision number.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let number: f64 = text.parse().ok()?;
    ((0.0..=MOST).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// Indices of the columns that every trace begins with.
pub(super) const SEED: usize = 0;
pub(super) const EPISODE: usize = 1;
pub(super) const STEP: usize = 2;

/// Lists the columns of a trace of a simulation, with the features of all candidates if asked for.
#[must_use]
pub fn columns(simulation: &Simulation, with_candidates: bool) -> Vec<Column> {
    let plan = &simulation.plan;
    let outline = &plan.outline;
    let key = |key: &str| Segment::Key(key.to_owned());
    let top = |kind, name: &str| Column::new(kind, vec![key(name)]);
    let each = |count: u32, group: &str, names: &[String]| {
        let mut columns = Vec::new();
        for index in 0..count as usize {
            for name in names {
                let path = vec![key(group), Segment::Index(index), key(name)];
                columns.push(Column::new(Kind::Single, path));
            }
        }
        columns
    };
    let features = outline.document_features();
    let mut columns = vec![
        top(Kind::Integer, "seed"),
        top(Kind::Integer, "episode"),
        top(Kind::Integer, "step"),
    ];
    for field in simulation.model.user_layout() {
        let kind = match field.kind {
            environment::Kind::Word => Kind::Integer,
            environment::Kind::Number | environment::Kind::Numbers(_) => Kind::Single,
        };
        let path = |name: String| vec![key("user"), Segment::Key(name)];
        let fields = field.names().into_iter();
        columns.extend(fields.map(|name| Column::new(kind, path(name))));
    }
    for name in outline.user_features() {
        let path = vec![key("observation"), Segment::Key(name)];
        columns.push(Column::new(Kind::Single, path));
    }
    for position in 0..plan.slate_size as usize {
        let path = vec![key("slate"), Segment::Index(position)];
        columns.push(Column::new(Kind::Integer, path));
    }
    columns.extend(each(plan.slate_size, "documents", &features));
    if with_candidates {
        columns.extend(each(plan.num_candidates, "candidates", &features));
    }
    columns.push(Column {
        is_optional: true,
        ..top(Kind::Integer, "chosen")
    });
    columns.extend(each(
        plan.slate_size,
        "responses",
        &outline.response_features(),
    ));
    columns.extend([
        top(Kind::Single, "reward"),
        top(Kind::Flag, "terminated"),
        top(Kind::Flag, "truncated"),
        Column {
            is_optional: true,
            ..top(Kind::Double, "propensity")
        },
    ]);
    columns
}

/// The positions in a row of the values that a replay needs.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) slate: std::ops::Range<usize>,
    pub(super) chosen: usize,
    pub(super) reward: usize,
    pub(super) terminated: usize,
    pub(super) truncated: usize,
    pub(super) propensity: usize,
}

impl Layout {
    pub(super) fn new(columns: &[Column]) -> Self {
        let is_of = |column: &Column, group: &str| match column.path.first() {
            Some(Segment::Key(key)) => key == group,
            _ => false,
        };
        let first = |group: &str| {
            let found = columns.iter().position(|column| is_of(column, group));
            found.expect("every trace has the column")
        };
        let slate = first("slate");
        let slate_size = columns.iter().filter(|column| is_of(column, "slate"));
        Self {
            slate: slate..slate + slate_size.count(),
            chosen: first("chosen"),
            reward: first("reward"),
            terminated: first("terminated"),
            truncated: first("truncated"),
            propensity: first("propensity"),
        }
    }
}
