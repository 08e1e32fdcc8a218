//! Specimens of the test MDP.

use crate::specimen::{Figure, Specimen};

pub(super) fn specimens() -> Vec<Specimen> {
    use Figure::Return;
    let with = |more: &[&'static str]| [&["max_steps=50"], more].concat();
    vec![
        Specimen::composed(&["max_steps=50", "environment.resample_documents=true"]),
        Specimen::new("test MDP", &with(&[]))
.knows(
                "exact fractions",
                Return,
                -87.104_851_408_411_45,
                0.0,
            ),
        Specimen::new("test MDP, best at a discount of one half, from any state", &with(&[
                "environment.num_candidates=4",
                "environment.starting_probs=[0.1, 0.2, 0.3, 0, 0.4, 0]",
                "policy.name=table",
                "policy.table=[[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]",
            ]))
.knows("exact fractions", Return, 90.760_931_393_857_15, 0.0),
    ]
}
