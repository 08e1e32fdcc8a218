//! What the lanes of a range observe.

use super::{Group, LaneRange};
use crate::environment::{Environment, RandomWords};
use crate::number::{Number, Word, vectorized};
use crate::rng::OBSERVATION;

/// Where the lanes write what is observed.
#[derive(Debug)]
pub(in super::super) struct ObservationRows<'a> {
    pub(in super::super) users: &'a mut [f32],
    /// Empty where all share a corpus.
    pub(in super::super) documents: &'a mut [f32],
    pub(in super::super) responses: &'a mut [f32],
}

/// Writes what is observed of some users of a group, every `stride`th from `first` on, to the rows that they have.
#[inline(always)]
fn write_rows<N: Number>(
    observed: &[N],
    first: usize,
    stride: usize,
    columns: &mut Vec<f32>,
    rows: &mut [f32],
) {
    let size = observed.len();
    if size == 0 {
        return;
    }
    columns.resize(size * N::LANES, 0.0);
    for (number, column) in observed.iter().zip(columns.chunks_exact_mut(N::LANES)) {
        number.write_single(column);
    }
    let mut lane = first;
    for row in rows.chunks_exact_mut(size) {
        for (value, column) in row.iter_mut().zip(columns.chunks_exact(N::LANES)) {
            *value = column[lane];
        }
        lane += stride;
    }
}

impl<N: Number, E: Environment<N>> LaneRange<N, E> {
    /// Writes what is observed of the users of a group.
    #[inline(always)]
    fn observe_users(&mut self, group: Group, rows: &mut [f32]) {
        let size = self.plan.outline.user_size();
        self.observed.resize(size, N::splat(0.0));
        let random = RandomWords {
            stream: self.lanes.stream(group.index),
            purpose: OBSERVATION,
            first: N::Word::splat(0),
        };
        self.driver.environment().observe_user(
            &self.lanes.place(group.index).user,
            &random,
            &mut self.observed,
        );
        let rows = &mut rows[group.first * size..][..group.num_lanes * size];
        write_rows(&self.observed, 0, 1, &mut self.columns, rows);
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
    fn observe_documents(&mut self, group: Group, rows: &mut [f32]) {
        let users_per_env = self.lanes.users_per_env();
        let envs = group.first.div_ceil(users_per_env)
            ..(group.first + group.num_lanes).div_ceil(users_per_env);
        if envs.is_empty() {
            return;
        }
        self.look_at_documents(group);
        let size = self.observed.len();
        let first = envs.start * users_per_env - group.first;
        let rows = &mut rows[envs.start * size..envs.end * size];
        write_rows(
            &self.observed,
            first,
            users_per_env,
            &mut self.columns,
            rows,
        );
    }

    /// Writes what is observed of the responses of a group to the slates shown last.
    #[inline(always)]
    fn observe_responses_of(&mut self, group: Group, rows: &mut [f32]) {
        let size = self.responses.len() / self.lanes.num_groups();
        let rows = &mut rows[group.first * size..][..group.num_lanes * size];
        let observed = &self.responses[group.index * size..][..size];
        write_rows(observed, 0, 1, &mut self.columns, rows);
    }

    /// Writes what is observed of the responses to the slates shown last.
    pub(in super::super) fn observe_responses(&mut self, rows: &mut [f32]) {
        vectorized!(N, {
            for group in 0..self.lanes.num_groups() {
                self.observe_responses_of(self.lanes.group(group), rows);
            }
        });
    }

    /// Writes what is observed of a group.
    #[inline(always)]
    fn observe_group(&mut self, group: Group, rows: &mut ObservationRows<'_>) {
        self.observe_users(group, rows.users);
        if !rows.documents.is_empty() {
            self.observe_documents(group, rows.documents);
        }
        self.observe_responses_of(group, rows.responses);
    }

    /// Writes what is observed.
    pub(in super::super) fn observe(&mut self, mut rows: ObservationRows<'_>) {
        vectorized!(N, {
            for group in 0..self.lanes.num_groups() {
                self.observe_group(self.lanes.group(group), &mut rows);
            }
        });
    }

    /// Returns what is observed of the documents that all share.
    pub(in super::super) fn corpus(&mut self) -> Vec<f32> {
        vectorized!(N, self.look_at_documents(self.lanes.group(0)));
        let mut documents = vec![0.0; self.observed.len()];
        write_rows(&self.observed, 0, 1, &mut self.columns, &mut documents);
        documents
    }

    /// Writes the observations of the moment when lanes were last kept, where they differ from those of now.
    pub(in super::super) fn observe_kept(&mut self, mut rows: ObservationRows<'_>) {
        // All groups at once, before any is observed: users may see the documents of a user of another group.
        self.lanes.swap_kept();
        vectorized!(N, {
            for group in 0..self.lanes.num_groups() {
                if self.lanes.is_kept(group) {
                    self.observe_group(self.lanes.group(group), &mut rows);
                }
            }
        });
        self.lanes.swap_kept();
    }
}
