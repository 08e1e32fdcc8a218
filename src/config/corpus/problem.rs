//! The wording of messages about a corpus.

use toml::Value as Toml;

use crate::config::quote::clip;
use crate::config::{Column, CorpusProblem};

pub(super) fn names(columns: &[Column]) -> Vec<String> {
    const MOST_TOLD: usize = 12;
    let titles = columns.iter().map(Column::title);
    if columns.len() <= MOST_TOLD {
        return titles.collect();
    }
    let more = format!("{} more", columns.len() - MOST_TOLD);
    titles.take(MOST_TOLD).chain([more]).collect()
}

pub(super) fn unknown_column(columns: &[Column], name: &str, place: &str) -> CorpusProblem {
    CorpusProblem::UnknownColumn {
        column: clip(name),
        place: place.to_owned(),
        known: names(columns),
    }
}

pub(super) fn missing_column(columns: &[Column], column: &Column, place: &str) -> CorpusProblem {
    CorpusProblem::MissingColumn {
        column: column.name.to_string(),
        place: place.to_owned(),
        known: names(columns),
    }
}

pub(super) fn bad_row(columns: &[Column], place: String, row: &Toml) -> CorpusProblem {
    let allowed = match columns {
        [column] => column.sentence(),
        _ => format!("a table with the keys {}", names(columns).join(", ")),
    };
    let found = clip(&row.to_string());
    CorpusProblem::Row {
        place,
        found,
        allowed,
    }
}

pub(super) fn bad_cell(column: &Column, place: &str, value: &str) -> CorpusProblem {
    CorpusProblem::Cell {
        column: column.name.to_string(),
        place: place.to_owned(),
        value: clip(value),
        allowed: column.sentence(),
    }
}
