//! Specimens of item transition.

use crate::specimen::{Figure, Specimen};

pub(super) fn specimens() -> Vec<Specimen> {
    use Figure::{Length, Return};
    vec![
        Specimen::new("item transition", &[])
            .knows("linear solve", Return, 0.978_353_020_565_992_2, 0.0)
            .knows("linear solve", Length, 5.489_176_510_282_999, 0.0),
        Specimen::new(
            "item transition, greedy on the acceptance",
            &["policy.name=table", "policy.table=greedy"],
        )
        .knows("linear solve", Return, 8.924_550_256_435_964, 0.0)
        .knows("linear solve", Length, 9.462_275_128_217_986, 0.0),
        Specimen::new(
            "item transition, greedy on the acceptance but for every fifth step",
            &[
                "policy.name=table",
                "policy.table=greedy",
                "policy.layer.name=epsilon_greedy",
                "policy.layer.epsilon=0.2",
            ],
        )
        .knows("linear solve", Return, 6.516_174_551_198_799, 0.0)
        .knows("linear solve", Length, 8.258_087_275_599_404, 0.0),
        Specimen::new(
            "item transition, documents anew at every step",
            &["environment.resample_documents=true", "policy.name=static"],
        )
        .knows("linear solve", Return, 1.028_915_115_944_362_6, 0.0)
        .knows("linear solve", Length, 5.514_457_557_972_181, 0.0),
    ]
}
