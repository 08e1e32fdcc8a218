//! What a stepper lets one see of its users: which numbers, in which precision, and where they are written.

use super::plan::Plan;
use half::f16;
use half::slice::HalfFloatSliceExt;
use std::mem::take;

/// What an agent sees after a step, before it recommends again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// Shape `[lanes, user_size]`.
    pub users: Vec<f32>,
    /// Shape `[environments, num_candidates, document_size]`; empty where all share a corpus, see
    /// [`Stepper::corpus`](super::Stepper::corpus).
    pub documents: Vec<f32>,
    /// The responses to the slates shown last, as [`Stepper::responses`](super::Stepper::responses) returns them.
    pub responses: Vec<f32>,
}

impl Observation {
    /// Returns its memory, to be written to: parts of these lengths, whose numbers are arbitrary. New memory is asked for zeroed,
    /// which the system need not do before it is written to.
    pub fn rows(&mut self, lengths: [usize; 3]) -> Rows<'_> {
        let mut parts = [&mut self.users, &mut self.documents, &mut self.responses];
        for (numbers, length) in parts.iter_mut().zip(lengths) {
            if numbers.len() != length {
                **numbers = vec![0.0; length];
            }
        }
        Rows::Single(Tables::Apart(parts.map(Vec::as_mut_slice)))
    }
}

/// The numbers that are observed, by their indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Of each user, among [`Outline::user_features`](crate::environment::Outline::user_features).
    pub users: Vec<usize>,
    /// Of the state of each user, which agents are not meant to see, among the fields of
    /// [`Model::user_layout`](super::Model::user_layout); written after those of `users`.
    pub hidden: Vec<usize>,
    /// Of each document, among [`Outline::document_features`](crate::environment::Outline::document_features).
    pub documents: Vec<usize>,
    /// Of the response to each document of a slate, among [`Outline::response_features`](crate::environment::Outline::response_features).
    pub responses: Vec<usize>,
}

/// How many rows of observations a stepper writes, and from how many numbers they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Number of users.
    pub num_lanes: usize,
    /// How many neighbouring lanes share an environment.
    pub users_per_env: usize,
    pub(super) user_size: usize,
    pub(super) num_fields: usize,
    pub(super) document_size: usize,
    pub(super) num_candidates: usize,
    pub(super) response_size: usize,
    pub(super) slate_size: usize,
    pub(super) has_corpus: bool,
}

impl Sizes {
    pub(super) fn new(
        plan: &Plan,
        num_fields: usize,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Self {
        Self {
            num_lanes,
            users_per_env,
            user_size: plan.outline.user_size(),
            num_fields,
            document_size: plan.outline.document_size(),
            num_candidates: plan.num_candidates as usize,
            response_size: plan.outline.response_size(),
            slate_size: plan.slate_size as usize,
            has_corpus: plan.corpus.is_some(),
        }
    }

    /// Names everything that can be observed, and nothing hidden.
    pub fn observable(&self) -> Columns {
        Columns {
            users: (0..self.user_size).collect(),
            hidden: Vec::new(),
            documents: (0..self.document_size).collect(),
            responses: (0..self.response_size).collect(),
        }
    }

    /// Counts the numbers of a row: of a user, of the documents of an environment, and of the responses to a slate.
    pub fn row(&self, columns: &Columns) -> [usize; 3] {
        [
            columns.users.len() + columns.hidden.len(),
            self.num_candidates * columns.documents.len(),
            self.slate_size * columns.responses.len(),
        ]
    }

    /// Counts the numbers of all users, of all documents (none, where environments share them) and of all responses, as
    /// [`Tables::Apart`] takes them.
    pub fn lengths(&self, columns: &Columns) -> [usize; 3] {
        let [users, documents, responses] = self.row(columns);
        let num_envs = match self.has_corpus {
            true => 0,
            false => self.num_lanes / self.users_per_env,
        };
        [
            self.num_lanes * users,
            num_envs * documents,
            self.num_lanes * responses,
        ]
    }

    /// Lists the numbers of a row among all that there are: those of a user with the fields after them, of all candidates,
    /// and of all positions.
    pub(super) fn chosen(&self, columns: &Columns) -> [Vec<usize>; 3] {
        let of_each = |count: usize, size: usize, columns: &[usize]| {
            let one = |index: usize| columns.iter().map(move |column| index * size + column);
            (0..count).flat_map(one).collect()
        };
        let fields = columns.hidden.iter().map(|field| self.user_size + field);
        [
            columns.users.iter().copied().chain(fields).collect(),
            of_each(self.num_candidates, self.document_size, &columns.documents),
            of_each(self.slate_size, self.response_size, &columns.responses),
        ]
    }
}

/// Memory that observations are written to, a row for each user.
#[derive(Debug)]
pub enum Rows<'a> {
    /// In single precision.
    Single(Tables<'a, f32>),
    /// Rounded to half precision, to the nearest number, ties to even: about three decimal digits, up to 65,504; larger ones
    /// are infinite.
    Half(Tables<'a, f16>),
}

impl Rows<'_> {
    /// Returns the same memory, to be passed on.
    pub fn reborrow(&mut self) -> Rows<'_> {
        match self {
            Self::Single(tables) => Rows::Single(tables.reborrow()),
            Self::Half(tables) => Rows::Half(tables.reborrow()),
        }
    }
}

/// How the numbers of rows are arranged.
#[derive(Debug)]
pub enum Tables<'a, T> {
    /// Users, documents (a row for each environment; empty where all share them) and responses, each in a table of their own.
    Apart([&'a mut [T]; 3]),
    /// The user, the documents and the responses one after the other in a row, where each environment has one user.
    Together(&'a mut [T]),
}

impl<T> Tables<'_, T> {
    /// Returns the same memory, to be passed on.
    pub fn reborrow(&mut self) -> Tables<'_, T> {
        match self {
            Self::Apart(tables) => Tables::Apart(tables.each_mut().map(|table| &mut **table)),
            Self::Together(rows) => Tables::Together(rows),
        }
    }

    /// Returns the lengths of the tables.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        match self {
            Self::Apart(tables) => tables.iter().map(|table| table.len()).collect(),
            Self::Together(rows) => vec![rows.len()],
        }
    }

    /// Returns where a part of rows is written: 0 is that of users, 1 of documents, 2 of responses.
    pub(super) fn part(&mut self, part: usize, row: [usize; 3]) -> Part<'_, T> {
        match self {
            Self::Apart(tables) => Part {
                numbers: tables[part],
                stride: row[part],
                offset: 0,
                size: row[part],
            },
            Self::Together(numbers) => Part {
                numbers,
                stride: row.iter().sum(),
                offset: row[..part].iter().sum(),
                size: row[part],
            },
        }
    }
}

impl<T: Copy + Default> Tables<'_, T> {
    /// Clears the responses of some lanes; `row` has the lengths of [`Sizes::row`].
    pub(crate) fn clear(mut self, is_cleared: impl Fn(usize) -> bool, row: [usize; 3]) {
        let mut responses = self.part(2, row);
        if responses.is_empty() {
            return;
        }
        let rows = 0..responses.numbers.len() / responses.stride;
        for (lane, response) in responses.rows_mut(rows).enumerate() {
            if is_cleared(lane) {
                response.fill(T::default());
            }
        }
    }
}

impl<'a, T> Tables<'a, T> {
    /// Cuts off the rows of the first lanes.
    pub(super) fn cut(&mut self, num_lanes: usize, users_per_env: usize, row: [usize; 3]) -> Self {
        fn first<'a, T>(numbers: &mut &'a mut [T], length: usize) -> &'a mut [T] {
            let (first, others) = take(numbers).split_at_mut(length);
            *numbers = others;
            first
        }
        let [users, documents, responses] = row;
        match self {
            Self::Apart([of_users, of_documents, of_responses]) => {
                let length = match of_documents.len() {
                    0 => 0,
                    _ => num_lanes / users_per_env * documents,
                };
                Tables::Apart([
                    first(of_users, num_lanes * users),
                    first(of_documents, length),
                    first(of_responses, num_lanes * responses),
                ])
            }
            Self::Together(rows) => {
                Tables::Together(first(rows, num_lanes * (users + documents + responses)))
            }
        }
    }
}

/// The place of a part in rows: `size` numbers of each, `offset` after its beginning; a row begins every `stride` numbers.
#[derive(Debug)]
pub(super) struct Part<'a, T> {
    pub(super) numbers: &'a mut [T],
    pub(super) stride: usize,
    pub(super) offset: usize,
    pub(super) size: usize,
}

impl<T> Part<'_, T> {
    /// Tells whether nothing is written.
    pub(super) fn is_empty(&self) -> bool {
        self.size == 0 || self.numbers.is_empty()
    }

    /// Returns the part of some rows.
    #[inline(always)]
    pub(super) fn rows_mut(
        &mut self,
        rows: std::ops::Range<usize>,
    ) -> impl Iterator<Item = &mut [T]> {
        let (offset, size) = (self.offset, self.size);
        self.numbers[rows.start * self.stride..rows.end * self.stride]
            .chunks_exact_mut(self.stride)
            .map(move |row| &mut row[offset..offset + size])
    }
}

/// A type in which observations are stored.
pub(super) trait Stored: Copy + Default + Send + Sync + 'static {
    /// Rounds numbers to this type; `memory` is for those that are not single-precision ones.
    fn rounded<'a>(singles: &'a [f32], memory: &'a mut Vec<f16>) -> &'a [Self];
}

impl Stored for f32 {
    #[inline(always)]
    fn rounded<'a>(singles: &'a [f32], _memory: &'a mut Vec<f16>) -> &'a [Self] {
        singles
    }
}

impl Stored for f16 {
    #[inline(always)]
    fn rounded<'a>(singles: &'a [f32], memory: &'a mut Vec<f16>) -> &'a [Self] {
        memory.resize(singles.len(), Self::ZERO);
        memory.convert_from_f32_slice(singles);
        memory
    }
}
