//! Reads observations from the buffers of a stepper.

use super::buffers::ObservationLayout;
use crate::backend::observation::{Columns, Rows, Sizes, Stored, Tables};
use half::f16;
use std::borrow::Cow;

/// Reads single-precision numbers.
pub(super) fn singles(bytes: &[u8]) -> Cow<'_, [f32]> {
    match bytemuck::try_cast_slice(bytes) {
        Ok(numbers) => Cow::Borrowed(numbers),
        Err(_) => Cow::Owned(bytemuck::pod_collect_to_vec(bytes)),
    }
}

/// What has been observed of all lanes.
pub(super) struct Source<'a> {
    /// The buffer of observations, from its beginning as far as it is needed.
    pub(super) numbers: &'a [f32],
    /// The fields of the users, field 0 of all lanes first; empty if none are asked for.
    pub(super) fields: &'a [f32],
    pub(super) layout: ObservationLayout,
    pub(super) sizes: Sizes,
}

impl Source<'_> {
    /// Writes what is asked for to rows.
    pub(super) fn write(&self, columns: &Columns, rows: Rows<'_>) {
        match rows {
            Rows::Single(Tables::Apart(tables)) if *columns == self.sizes.observable() => {
                self.write_all(tables);
            }
            Rows::Single(tables) => self.write_chosen(columns, tables),
            Rows::Half(tables) => self.write_chosen(columns, tables),
        }
    }

    /// Copies everything.
    fn write_all(&self, [users, documents, responses]: [&mut [f32]; 3]) {
        let layout = &self.layout;
        let parts = [
            (users, &layout.users),
            (documents, &layout.documents),
            (responses, &layout.responses),
        ];
        for (numbers, place) in parts {
            numbers.copy_from_slice(&self.numbers[place.start..][..numbers.len()]);
        }
    }

    /// Copies what is chosen, number by number.
    fn write_chosen<T: Stored>(&self, columns: &Columns, mut tables: Tables<'_, T>) {
        let Self { sizes, layout, .. } = self;
        let row = sizes.row(columns);
        let [users, documents, responses] = sizes.chosen(columns);
        let (num_lanes, user_size) = (sizes.num_lanes, sizes.user_size);
        let all_documents = sizes.num_candidates * sizes.document_size;
        let all_responses = sizes.slate_size * sizes.response_size;
        let num_envs = num_lanes / sizes.users_per_env;
        let first_of = |place: &std::ops::Range<usize>, size: usize, index: usize| {
            self.numbers
                .get(place.start + index * size..)
                .unwrap_or(&[])
        };
        let mut writer = Writer::default();
        writer.write(&mut tables, 0, row, num_lanes, |lane, singles| {
            let observed = first_of(&layout.users, user_size, lane);
            let number = |&index: &usize| match index.checked_sub(user_size) {
                None => observed[index],
                Some(field) => self.fields[field * num_lanes + lane],
            };
            singles.extend(users.iter().map(number));
        });
        writer.write(&mut tables, 1, row, num_envs, |env, singles| {
            let env = if sizes.has_corpus { 0 } else { env };
            let observed = first_of(&layout.documents, all_documents, env);
            singles.extend(documents.iter().map(|&index| observed[index]));
        });
        writer.write(&mut tables, 2, row, num_lanes, |lane, singles| {
            let observed = first_of(&layout.responses, all_responses, lane);
            singles.extend(responses.iter().map(|&index| observed[index]));
        });
    }
}

/// Memory for a row.
#[derive(Default)]
struct Writer {
    singles: Vec<f32>,
    halves: Vec<f16>,
}

impl Writer {
    /// Writes a part of rows, whose numbers `fill` puts into a list.
    fn write<T: Stored>(
        &mut self,
        tables: &mut Tables<'_, T>,
        part: usize,
        row: [usize; 3],
        num_rows: usize,
        fill: impl Fn(usize, &mut Vec<f32>),
    ) {
        let mut part = tables.part(part, row);
        if part.is_empty() {
            return;
        }
        for (index, row) in part.rows_mut(0..num_rows).enumerate() {
            self.singles.clear();
            fill(index, &mut self.singles);
            row.copy_from_slice(T::rounded(&self.singles, &mut self.halves));
        }
    }
}
