// Makes a slate from scores: the best candidates, or a random slate that prefers them.
// Twin: src/policy/scoring.rs, with formulas. Defs: IS_RANDOM where the temperature is above 0.
//
// Entry 0 of the tables is the temperature.

#define_import_path slatesim::scoring

#import slatesim::rng::{PolicyWords, policy_word}
#import slatesim::distribution
#import slatesim::math
#import slatesim::ranking
#import slatesim::tables

// The smallest -ln u: keeps it positive where a logarithm errs next to 1. 2^-24.
const EXPONENTIAL_MIN: f32 = 5.9604645e-8;

// Without a draw, scores nearer than this share of their size are ties. 2^-18.
const SAME_SCORE: f32 = 3.814697e-6;

// A random word into a draw of the standard Gumbel distribution.
fn gumbel(word: u32) -> f32 {
    let exponential = max(-math::ln(distribution::fine_uniform(word)), EXPONENTIAL_MIN);
    return -math::ln(exponential);
}

// Inserts a candidate by its score, or if IS_RANDOM by a key that is drawn around it.
fn insert(ranked: ptr<function, ranking::SumRanking>, score: f32, policy: ptr<function, PolicyWords>, candidate: u32) {
#ifdef IS_RANDOM
    let key = score / tables::policy_table(0u);
    ranking::insert_sum(ranked, key, gumbel(policy_word(policy, candidate)), 0.0, candidate);
#else
    ranking::insert_sum(ranked, score, 0.0, SAME_SCORE * abs(score), candidate);
#endif
}
