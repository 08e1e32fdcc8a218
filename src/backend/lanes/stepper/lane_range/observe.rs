//! What the lanes of a range observe.

use super::{Group, LaneRange};
use crate::backend::observation::{Columns, Part, Sizes, Stored, Tables};
use crate::environment::{Environment, Fields, RandomWords};
use crate::number::{Number, Word, vectorized};
use crate::rng::OBSERVATION;
use half::f16;
use std::ops::Range;

/// What a row consists of.
#[derive(Debug)]
pub(in super::super) struct RowLayout {
    /// How many numbers it has of a user, of documents, and of responses.
    row: [usize; 3],
    /// Which those are, among all that there are.
    chosen: [Vec<usize>; 3],
    has_hidden: bool,
}

impl RowLayout {
    pub(in super::super) fn new(sizes: &Sizes, columns: &Columns) -> Self {
        Self {
            row: sizes.row(columns),
            chosen: sizes.chosen(columns),
            has_hidden: !columns.hidden.is_empty(),
        }
    }
}

/// Memory in which vectors of numbers become rows.
#[derive(Debug, Default)]
pub(super) struct Transposed {
    /// Numbers user by user, one number after the other.
    columns: Vec<f32>,
    /// The same in half precision.
    halves: Vec<f16>,
}

impl Transposed {
    /// Writes chosen ones of numbers observed of a vector of users, of every `step`th user from `first` on, to rows.
    #[inline(always)]
    fn write<'a, N: Number, T: Stored>(
        &mut self,
        observed: &[N],
        chosen: &[usize],
        (first, step): (usize, usize),
        rows: impl Iterator<Item = &'a mut [T]>,
    ) {
        let Self { columns, halves } = self;
        columns.resize(chosen.len() * N::LANES, 0.0);
        for (&number, column) in chosen.iter().zip(columns.chunks_exact_mut(N::LANES)) {
            observed[number].write_single(column);
        }
        let columns = T::rounded(columns, halves);
        let mut lane = first;
        for row in rows {
            for (value, column) in row.iter_mut().zip(columns.chunks_exact(N::LANES)) {
                *value = column[lane];
            }
            lane += step;
        }
    }
}

impl<N: Number, E: Environment<N>> LaneRange<N, E> {
    /// Writes what is observed of the users of a group, and their fields where agents are to see them.
    #[inline(always)]
    fn observe_users<T: Stored>(
        &mut self,
        group: Group,
        mut part: Part<'_, T>,
        layout: &RowLayout,
    ) {
        if part.is_empty() {
            return;
        }
        let size = self.plan.outline.user_size();
        let user = &self.lanes.place(group.index).user;
        let num_fields = if layout.has_hidden {
            user.num_fields()
        } else {
            0
        };
        self.observed.resize(size + num_fields, N::splat(0.0));
        let (observed, fields) = self.observed.split_at_mut(size);
        let random = RandomWords {
            stream: self.lanes.stream(group.index),
            purpose: OBSERVATION,
            first: N::Word::splat(0),
        };
        let environment = self.driver.environment();
        environment.observe_user(user, &random, observed);
        if layout.has_hidden {
            user.store(fields);
        }
        let rows = part.rows_mut(group.first..group.first + group.num_lanes);
        self.transposed
            .write(&self.observed, &layout.chosen[0], (0, 1), rows);
    }

    /// Looks at all candidates of a group.
    #[inline(always)]
    fn look_at_documents(&mut self, group: Group) {
        let size = self.plan.outline.document_size();
        let num_candidates = self.plan.num_candidates;
        self.observed
            .resize(num_candidates as usize * size, N::splat(0.0));
        let stream = self.lanes.document_stream(group.index);
        for (candidate, observed) in
            (0..num_candidates).zip(self.observed.chunks_exact_mut(size.max(1)))
        {
            let candidate = N::Word::splat(candidate);
            self.driver.candidates.observe(stream, candidate, observed);
        }
    }

    /// Writes what is observed of the candidates of a group, to the rows of the environments whose first user it has.
    #[inline(always)]
    fn observe_documents<T: Stored>(
        &mut self,
        group: Group,
        mut part: Part<'_, T>,
        layout: &RowLayout,
    ) {
        let users_per_env = self.lanes.users_per_env();
        let envs: Range<usize> = group.first.div_ceil(users_per_env)
            ..(group.first + group.num_lanes).div_ceil(users_per_env);
        if part.is_empty() || envs.is_empty() {
            return;
        }
        self.look_at_documents(group);
        let first = envs.start * users_per_env - group.first;
        self.transposed.write(
            &self.observed,
            &layout.chosen[1],
            (first, users_per_env),
            part.rows_mut(envs),
        );
    }

    /// Writes what is observed of the responses of a group to the slates shown last.
    #[inline(always)]
    fn observe_responses_of<T: Stored>(
        &mut self,
        group: Group,
        mut part: Part<'_, T>,
        chosen: &[usize],
    ) {
        if part.is_empty() {
            return;
        }
        let size = self.responses.len() / self.lanes.num_groups();
        let observed = &self.responses[group.index * size..][..size];
        let rows = part.rows_mut(group.first..group.first + group.num_lanes);
        self.transposed.write(observed, chosen, (0, 1), rows);
    }

    /// Writes what is observed of a group.
    #[inline(always)]
    fn observe_group<T: Stored>(
        &mut self,
        group: Group,
        tables: &mut Tables<'_, T>,
        layout: &RowLayout,
    ) {
        self.observe_users(group, tables.part(0, layout.row), layout);
        self.observe_documents(group, tables.part(1, layout.row), layout);
        let part = tables.part(2, layout.row);
        self.observe_responses_of(group, part, &layout.chosen[2]);
    }

    /// Writes what is observed.
    pub(in super::super) fn observe<T: Stored>(
        &mut self,
        mut tables: Tables<'_, T>,
        layout: &RowLayout,
    ) {
        vectorized!(N, {
            for group in 0..self.lanes.num_groups() {
                self.observe_group(self.lanes.group(group), &mut tables, layout);
            }
        });
    }

    /// Returns what is observed of the documents that all share.
    pub(in super::super) fn corpus(&mut self) -> Vec<f32> {
        vectorized!(N, self.look_at_documents(self.lanes.group(0)));
        let mut documents = vec![0.0; self.observed.len()];
        let all: Vec<usize> = (0..documents.len()).collect();
        let row = std::iter::once(documents.as_mut_slice());
        self.transposed.write(&self.observed, &all, (0, 1), row);
        documents
    }

    /// Writes the observations of the moment when lanes were last kept, where they differ from those of now.
    pub(in super::super) fn observe_kept<T: Stored>(
        &mut self,
        mut tables: Tables<'_, T>,
        layout: &RowLayout,
    ) {
        // All groups at once, before any is observed: users may see the documents of a user of another group.
        self.lanes.swap_kept();
        vectorized!(N, {
            for group in 0..self.lanes.num_groups() {
                if self.lanes.is_kept(group) {
                    self.observe_group(self.lanes.group(group), &mut tables, layout);
                }
            }
        });
        self.lanes.swap_kept();
    }
}
