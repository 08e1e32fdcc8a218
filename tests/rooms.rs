//! Imports point one way: between rooms as the table says, and between files never in a circle.
//!
//! **What counts as an import.** A path in the code of a file that leads to an item of another file: in a `use`, or written
//! out, as `crate::rng::philox` or `layers::flatten`. It is followed through re-exports to the file that defines the item.
//! Comments, texts and code under `#[cfg(test)]` do not count. Neither do imports of a module's own file from the modules below
//! it: that file declares them, re-exports their items and calls them. But imports of those modules from that file count.
//!
//! The code is read as text, not compiled, so that disabled features and other platforms are checked, too.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "rooms/imports.rs"]
mod imports;

use imports::{Crate, files_that_name};
use std::collections::{BTreeMap, BTreeSet};

/// Rooms, files or folders of `src`, floor by floor from the lowest: none imports what is on a floor above its own.
///
/// Not in it are rooms that all may import (`json`, `memory`, `text_file`), and those that import all (`error`, `authoring`, `builder`).
const FLOORS: &[&[&str]] = &[
    &["number", "math"],
    &[
        "rng",
        "distribution",
        "regression",
        "bandit",
        "statistics",
        "shader",
        "exact",
    ],
    &["config"],
    &["specimen"],
    &["choice"],
    &["environment"],
    &["policy"],
    &["backend"],
    &["registry", "vec_env", "evaluation"],
    &["agent", "validation"],
    &["error"],
    &["bench"],
    &["cli"],
];

/// Rooms, and others of the same floor that they may not import.
const MAY_NOT_IMPORT: &[(&str, &[&str])] = &[
    // The floors of the GPU backend.
    (
        "backend/gpu/device",
        &[
            "backend/gpu/shader",
            "backend/gpu/work",
            "backend/gpu/backend",
        ],
    ),
    (
        "backend/gpu/shader",
        &["backend/gpu/work", "backend/gpu/backend"],
    ),
    ("backend/gpu/work", &["backend/gpu/backend"]),
    // How the host drives lanes is nothing to a GPU, and the other way round.
    (
        "backend/gpu",
        &["backend/lanes", "backend/cpu", "backend/reference"],
    ),
    ("backend/lanes", &["backend/gpu"]),
    ("backend/cpu", &["backend/gpu"]),
    ("evaluation", &["vec_env", "registry"]),
    ("vec_env", &["evaluation", "registry"]),
    ("registry", &["evaluation", "vec_env"]),
];

/// Lists what can be reached from a file, without itself unless there is a way back.
fn reached<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = imports[from].iter().copied().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(&imports[file]);
        }
    }
    reached
}

/// Tells whether a file is in a room: is it, or is below it.
fn is_in(file: &str, room: &str) -> bool {
    let rest = file.strip_prefix(room);
    rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// Lists imports of rooms that are forbidden.
fn forbidden(imports: &BTreeMap<&str, BTreeSet<&str>>, room: &str, others: &[&str]) -> Vec<String> {
    let files = imports.iter().filter(|(file, _)| is_in(file, room));
    let all = files.flat_map(|(file, imported)| imported.iter().map(move |other| (file, other)));
    all.filter(|(_, other)| others.iter().any(|room| is_in(other, room)))
        .map(|(file, other)| format!("{file} imports {other}"))
        .collect()
}

#[test]
fn rooms_import_nothing_that_is_above_them() {
    let files = Crate::read();
    let imports = files.all_imports();
    let mut wrong = Vec::new();
    for (floor, rooms) in FLOORS.iter().enumerate() {
        let above = FLOORS[floor + 1..].concat();
        for room in *rooms {
            assert!(
                imports.keys().any(|file| is_in(file, room)),
                "{room} is empty"
            );
            wrong.extend(forbidden(&imports, room, &above));
        }
    }
    for (room, others) in MAY_NOT_IMPORT {
        assert!(
            imports.keys().any(|file| is_in(file, room)),
            "{room} is empty"
        );
        wrong.extend(forbidden(&imports, room, others));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files = Crate::read();
    let imports = files.all_imports();
    let in_circle = |file: &&str| reached(&imports, file).contains(*file);
    let found: BTreeSet<&str> = imports.keys().copied().filter(in_circle).collect();
    let ways = |file: &&str| {
        let others = imports[*file].intersection(&found);
        format!("{file} imports {:?}", others.collect::<Vec<_>>())
    };
    let circles: Vec<_> = found.iter().map(ways).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

/// Models that nothing else is made of, with the files that offer them. (Rollouts of `random` and `first` have a way of their own.)
const MODELS: &[(&str, &str, &[&str])] = &[
    ("environment", "test_mdp", &[]),
    (
        "choice",
        "exponential_cascade",
        &["environment/interest_evolution/definition.rs"],
    ),
    (
        "choice",
        "multinomial_proportional",
        &["environment/interest_evolution/definition.rs"],
    ),
    ("policy", "glm_thompson", &[]),
    ("policy", "glm_ucb", &[]),
    ("policy", "linear_thompson", &[]),
    ("policy", "linear_ucb", &[]),
    ("policy/layer", "fixed_length_history", &[]),
    ("policy/layer", "temporal_aggregation", &[]),
];

/// To add a model is to write its two files, to declare its module, and to register it. Environments name the choice models that
/// they offer.
#[test]
fn a_model_is_named_in_its_own_files_in_the_list_of_its_room_and_in_the_registry() {
    for (kind, name, offering) in MODELS {
        let own = [format!("{kind}/{name}.rs"), format!("{kind}/{name}/")];
        let mut named = files_that_name(name);
        named.retain(|file| !own.iter().any(|own| file.starts_with(own.as_str())));
        for file in *offering {
            assert!(named.remove(*file), "{file} does not offer {name}");
        }
        let others = [format!("{kind}/mod.rs"), "registry.rs".to_owned()];
        assert_eq!(named, BTreeSet::from(others), "{name}");
        let shader = format!("{}/shaders/{kind}/{name}.wgsl", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&shader).is_file(), "{shader}");
    }
}

#[test]
fn imports_are_followed_to_where_items_are_defined() {
    let files = [
        ("lib.rs", "pub mod a; pub mod b; mod c; #[cfg(test)] mod d;"),
        (
            "a/mod.rs",
            "mod low; mod high; pub use high::{High, self as other}; pub use low::*; use high::set_to_work;",
        ),
        (
            "a/low.rs",
            "pub struct Low; #[cfg(test)] mod tests { use crate::c::C; }",
        ),
        // In a comment and a text: crate::c::C.
        (
            "a/high.rs",
            "use super::low::Low; /* crate::c::C */ pub struct High(&'static str); const T: &str = \"crate::c::C\";",
        ),
        (
            "b.rs",
            "use crate::a::{High as Tall, Low}; fn f<'a>(c: char) -> bool { c == '\"' || crate::c::make().is_some() }",
        ),
        (
            "c.rs",
            "use crate::b; pub struct C; pub fn make() -> Option<C> { b::f('x'); None }",
        ),
        ("d.rs", "use crate::a::High;"),
    ];
    let files = Crate::of(
        files
            .map(|(path, code)| (path.to_owned(), code.to_owned()))
            .into_iter(),
    );
    let imports = files.all_imports();
    let expected: [(&str, &[&str]); 6] = [
        ("a/high.rs", &["a/low.rs"]),
        ("a/low.rs", &[]),
        ("a/mod.rs", &[]),
        ("b.rs", &["a/high.rs", "a/low.rs", "c.rs"]),
        ("c.rs", &["b.rs"]),
        ("lib.rs", &[]),
    ];
    let expected = expected.map(|(file, others)| (file, others.iter().copied().collect()));
    assert_eq!(imports, expected.into_iter().collect());
    assert!(
        reached(&imports, "b.rs").contains("b.rs")
            && !reached(&imports, "a/high.rs").contains("a/high.rs")
    );
}
