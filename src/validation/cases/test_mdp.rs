//! The test MDP.

use super::{Case, Figure, case, known};
use crate::error::Error;

pub(super) fn cases() -> Result<Vec<Case>, Error> {
    use Figure::Return;
    let with = |more: &[&'static str]| {
        let name = "environment.name=test_mdp";
        [&[name, "max_steps=50"], more].concat()
    };
    Ok(vec![
        case(
            "test MDP",
            &with(&[]),
            &[known(
                "exact fractions",
                Return,
                -87.104_851_408_411_45,
                0.0,
            )],
        )?,
        case(
            "test MDP, best at a discount of one half, from any state",
            &with(&[
                "environment.num_candidates=4",
                "environment.starting_probs=[0.1, 0.2, 0.3, 0, 0.4, 0]",
                "policy.name=table",
                "policy.table=[[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]",
            ]),
            &[known("exact fractions", Return, 90.760_931_393_857_15, 0.0)],
        )?,
    ])
}
