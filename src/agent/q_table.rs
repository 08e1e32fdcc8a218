//! Learned values and counts, by key.

use std::collections::BTreeMap;

/// The entry of a slate in a situation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Entry {
    /// The learned value.
    pub value: f64,
    /// How often it was updated.
    pub count: u64,
}

/// The entries of the keys that were tried; in order, so that iterating over them is reproducible.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct QTable {
    entries: BTreeMap<Box<[u32]>, Entry>,
}

impl QTable {
    /// Returns an entry; value and count are 0 if the key was never tried.
    pub(super) fn get(&self, key: &[u32]) -> Entry {
        self.find(key).unwrap_or_default()
    }

    pub(super) fn find(&self, key: &[u32]) -> Option<Entry> {
        self.entries.get(key).copied()
    }

    /// Inserts an entry and returns the previous one.
    pub(super) fn insert(&mut self, key: &[u32], entry: Entry) -> Option<Entry> {
        match self.entries.get_mut(key) {
            Some(old) => Some(std::mem::replace(old, entry)),
            None => self.entries.insert(key.into(), entry),
        }
    }

    /// Lists the entries by key, in lexicographic order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u32], Entry)> {
        self.entries.iter().map(|(key, &entry)| (&**key, entry))
    }
}
