//! The state of the lanes of a range, one vector of users after another.

use crate::backend::stepper::LaneState;
use crate::environment::Fields;
use crate::number::{Mask, Number, Word};
use crate::rng::{Stream, halves};
use std::mem::swap;
use std::ops::Range;

/// The state of neighbouring lanes, one vector of users (a group) after another.
///
/// If the last group has fewer lanes than a vector has users, the users left over do the same as its first lane.
#[derive(Clone, Debug)]
pub(super) struct Lanes<N: Number, U> {
    /// These lanes among all.
    range: Range<usize>,
    /// How many neighbouring lanes share an environment.
    users_per_env: usize,
    key: [u32; 2],
    places: Vec<Place<N, U>>,
    /// The earlier states of groups that have begun another episode since lanes were last kept; empty if they never were.
    kept: Vec<Option<Place<N, U>>>,
    /// What the policy remembered of each group before it was asked for its next slates; empty if it has not been asked.
    unasked: Vec<Vec<N>>,
}

/// The state of the users of a group.
#[derive(Clone, Debug)]
pub(super) struct Place<N: Number, U> {
    pub(super) user: U,
    /// What the policy remembers of them.
    pub(super) policy: Vec<N>,
    /// Their episodes, the low words first.
    episode: [N::Word; 2],
    pub(super) step: N::Word,
}

/// The lanes of one vector of users.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// The group among those of the range.
    pub(super) index: usize,
    /// Its first lane.
    pub(super) first: usize,
    /// How many lanes it has.
    pub(super) num_lanes: usize,
}

impl Group {
    /// Returns the lane of the group that user `lane` of the vector stands for; a user left over does as the first lane.
    #[inline(always)]
    pub(super) fn lane(self, lane: usize) -> usize {
        if lane < self.num_lanes { lane } else { 0 }
    }
}

impl<N: Number, U: Fields<N>> Lanes<N, U> {
    /// Puts all users into episode 0; draws are made with the key of the seed.
    pub(super) fn new(
        user: U,
        policy_size: usize,
        key: [u32; 2],
        range: Range<usize>,
        users_per_env: usize,
    ) -> Self {
        let num_groups = range.len().div_ceil(N::LANES);
        let zero = N::Word::splat(0);
        Self {
            range,
            users_per_env,
            key,
            places: vec![
                Place {
                    user,
                    policy: vec![N::splat(0.0); policy_size],
                    episode: [zero; 2],
                    step: zero,
                };
                num_groups
            ],
            kept: Vec::new(),
            unasked: Vec::new(),
        }
    }

    /// Returns which of all lanes these are.
    pub(super) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    pub(super) fn num_fields(&self) -> usize {
        self.places[0].user.num_fields()
    }

    pub(super) fn users_per_env(&self) -> usize {
        self.users_per_env
    }

    pub(super) fn num_groups(&self) -> usize {
        self.places.len()
    }

    #[inline(always)]
    pub(super) fn group(&self, index: usize) -> Group {
        let first = index * N::LANES;
        Group {
            index,
            first,
            num_lanes: N::LANES.min(self.range.len() - first),
        }
    }

    pub(super) fn place(&self, group: usize) -> &Place<N, U> {
        &self.places[group]
    }

    pub(super) fn place_mut(&mut self, group: usize) -> &mut Place<N, U> {
        &mut self.places[group]
    }

    /// Names the draws of the current step of the users of a group.
    #[inline(always)]
    pub(super) fn stream(&self, group: usize) -> Stream<N::Word> {
        let place = &self.places[group];
        Stream::new(self.key, place.episode, place.step)
    }

    /// Names the draws of the documents they are offered: those of the first user of each environment.
    #[inline(always)]
    pub(super) fn document_stream(&self, group: usize) -> Stream<N::Word> {
        if self.users_per_env == 1 {
            return self.stream(group);
        }
        let whole = self.group(group);
        let word = |half: usize| {
            N::Word::from_fn(|lane| {
                let user = whole.first + whole.lane(lane);
                let host = user - user % self.users_per_env;
                self.places[host / N::LANES].episode[half].lane(host % N::LANES)
            })
        };
        Stream::new(self.key, [word(0), word(1)], self.places[group].step)
    }

    /// Puts lanes at the beginning of episodes, and returns which of the group's users begin one.
    #[inline(always)]
    pub(super) fn start(&mut self, group: Group, starts: &[Option<u64>]) -> N::Mask {
        let starts = &starts[group.first..][..group.num_lanes];
        let of = |lane: usize| starts[group.lane(lane)];
        let begins = N::Mask::from_fn(|lane| of(lane).is_some());
        if begins.any() {
            let place = &mut self.places[group.index];
            if let Some(kept @ None) = self.kept.get_mut(group.index) {
                *kept = Some(place.clone());
            }
            for (half, word) in place.episode.iter_mut().enumerate() {
                let begun = N::Word::from_fn(|lane| halves(of(lane).unwrap_or(0))[half]);
                *word = N::Word::select(begins, begun, *word);
            }
            place.step = N::Word::select(begins, N::Word::splat(0), place.step);
        }
        begins
    }

    /// Prepares for asking the policy: restores what it remembered before it was last asked about this step, if it was.
    pub(super) fn ask(&mut self) {
        self.unask();
        let remembered = self.places.iter().map(|place| place.policy.clone());
        self.unasked.extend(remembered);
    }

    /// Undoes that the policy has been asked: restores what it remembered before.
    pub(super) fn unask(&mut self) {
        for (place, before) in self.places.iter_mut().zip(self.unasked.drain(..)) {
            place.policy = before;
        }
    }

    /// Keeps what the policy remembers since it was asked, because the step that it was asked for is taken.
    pub(super) fn settle(&mut self) {
        self.unasked.clear();
    }

    /// Marks the present state as the one to look back at; a group's is stored when it begins another episode.
    pub(super) fn keep(&mut self) {
        self.kept.clear();
        self.kept.resize_with(self.places.len(), || None);
    }

    /// Tells whether a group has begun another episode since lanes were last kept.
    pub(super) fn is_kept(&self, group: usize) -> bool {
        matches!(self.kept.get(group), Some(Some(_)))
    }

    /// Exchanges the state of groups that have begun another episode since lanes were last kept with the kept one. The second
    /// call exchanges them back.
    pub(super) fn swap_kept(&mut self) {
        for (place, kept) in self.places.iter_mut().zip(&mut self.kept) {
            if let Some(kept) = kept {
                swap(place, kept);
            }
        }
    }

    /// Writes the state of these lanes into that of all lanes.
    pub(super) fn store(&self, all: &mut LaneState) {
        let num_lanes = all.episodes.len();
        let mut fields = vec![N::splat(0.0); self.num_fields()];
        for (index, place) in self.places.iter().enumerate() {
            let group = self.group(index);
            let first = self.range.start + group.first;
            let scatter = |numbers: &[N], rows: &mut [f64]| {
                for (row, number) in rows.chunks_exact_mut(num_lanes).zip(numbers) {
                    number.write(&mut row[first..][..group.num_lanes]);
                }
            };
            place.user.store(&mut fields);
            scatter(&fields, &mut all.users);
            scatter(&place.policy, &mut all.policy);
            let [low, high] = place.episode;
            for lane in 0..group.num_lanes {
                all.episodes[first + lane] =
                    u64::from(high.lane(lane)) << 32 | u64::from(low.lane(lane));
                all.steps[first + lane] = place.step.lane(lane);
            }
        }
    }

    /// Reads the state of these lanes from that of all lanes.
    pub(super) fn load(&mut self, all: &LaneState) {
        let num_lanes = all.episodes.len();
        self.settle();
        for index in 0..self.num_groups() {
            let group = self.group(index);
            let first = self.range.start + group.first;
            let gather = |rows: &[f64]| -> Vec<N> {
                let read = |row: &[f64]| N::from_fn(|lane| row[first + group.lane(lane)]);
                rows.chunks_exact(num_lanes).map(read).collect()
            };
            let place = &mut self.places[index];
            place.user.load(&gather(&all.users));
            place.policy = gather(&all.policy);
            let episode = |lane: usize| halves(all.episodes[first + group.lane(lane)]);
            place.episode = [0, 1].map(|half| N::Word::from_fn(|lane| episode(lane)[half]));
            place.step = N::Word::from_fn(|lane| all.steps[first + group.lane(lane)]);
        }
    }
}
