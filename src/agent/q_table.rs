//! Values and counts by key.

use std::collections::BTreeMap;

/// What is known of a slate in a situation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Entry {
    /// The learned value.
    pub value: f64,
    /// How often it was updated.
    pub count: u64,
}

/// The entries of the keys that were tried; ordered, so that whatever goes through it is reproducible.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct QTable {
    entries: BTreeMap<Box<[u32]>, Entry>,
}

impl QTable {
    /// Returns an entry, that of nothing known where the key was never tried.
    pub(super) fn get(&self, key: &[u32]) -> Entry {
        self.find(key).unwrap_or_default()
    }

    pub(super) fn find(&self, key: &[u32]) -> Option<Entry> {
        self.entries.get(key).copied()
    }

    /// Puts an entry in and returns the one that was there.
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
