//! Draws random values of keys, from what the keys allow.
//!
//! This code knows no key by its name. What depends on the rest of a configuration, such as how long a list has to be, is in
//! the [`Surroundings`]; if a value still does not fit, the configuration refuses it, and it is drawn again.

use crate::config::{Allowed, Bounds, Column, Key, Value};
use crate::rng::Philox;
use rand::RngExt;
use toml::Value as Toml;

/// Numbers on which arithmetic often goes wrong: decimals that no binary number equals, neighbours of whole numbers, powers of
/// two where single precision ends, and very large and small magnitudes.
const AWKWARD: [f64; 40] = [
    0.0,
    0.1,
    0.2,
    0.3,
    0.7,
    0.9,
    1.1,
    1.0 / 3.0,
    0.05,
    0.01,
    0.001,
    0.5,
    1.0,
    1.5,
    2.0,
    3.0,
    3.3,
    5.0,
    10.0,
    30.0,
    60.0,
    60.000_000_1,
    59.999_999_9,
    100.0,
    200.0,
    12.345_678_9,
    1e-5,
    1e-6,
    1e-9,
    1e-12,
    1e4,
    1e5,
    1e6,
    1e9,
    1e12,
    16_777_215.0,
    16_777_217.0,
    -0.1,
    -1.0,
    -5.0,
];

/// The facts about a configuration that the value of a key may have to fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// The allowed values of a text, where they are names.
    pub(super) names: Vec<String>,
    /// Number of rows of matrices, and length of lists over users.
    pub(super) rows: usize,
    /// Number of columns of matrices, and length of lists over documents.
    pub(super) columns: usize,
    /// Whether lists and matrices keep the shape of their default, if they have one.
    pub(super) keeps_shapes: bool,
    /// Values near which lists without a default may be drawn.
    pub(super) examples: Vec<Vec<f64>>,
    /// Number of inputs that weights are for.
    pub(super) inputs: usize,
    /// The bound of indices in documents.
    pub(super) num_topics: u32,
    /// How many documents a corpus has.
    pub(super) num_documents: usize,
    /// The names of the fields of documents.
    pub(super) fields: Vec<String>,
    /// The values of text keys of the section.
    pub(super) texts: Vec<(&'static str, String)>,
    /// The largest value of whole numbers that cost time or memory.
    pub(super) largest_count: i128,
}

/// Draws values. How far they lie from the defaults is drawn once for each configuration.
#[derive(Debug)]
pub(super) struct Draw {
    pub(super) rng: Philox,
    /// Share of the numbers that are drawn from the whole allowed range, rather than from around the default.
    pub(super) wildness: f64,
}

impl Draw {
    /// Returns true with this probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Draws from [0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        f64::from(self.rng.random_range(0..1_u32 << 24)) / f64::from(1_u32 << 24)
    }

    /// Draws an index.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.rng.random_range(0..count)
    }

    /// Draws one of several.
    pub(super) fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Draws a number within bounds.
    pub(super) fn number(&mut self, bounds: Bounds, near: Option<f64>) -> f64 {
        let [low, high] = bounds.ends();
        let (low, high) = (low.max(-1e12), high.min(1e12));
        for _ in 0..64 {
            let is_wild = self.happens(self.wildness);
            let drawn = match (is_wild, near) {
                (false, Some(near)) => match self.below(5) {
                    0 => near,
                    1 => near * self.one_of(&[0.1, 0.5, 0.9, 2.0, 10.0]),
                    2 => (near * 8.0).round() / 8.0 + self.one_of(&[0.0, 0.125, 1.0]),
                    3 => near + *self.one_of(&[0.1, -0.1, 0.7, 1e-6]),
                    _ => near * 2.0 * self.uniform(),
                },
                (false, None) => match self.below(3) {
                    0 => 2.0 * self.uniform() - 1.0,
                    1 => self.uniform(),
                    _ => *self.one_of(&AWKWARD[..24]),
                },
                (true, _) => match self.below(6) {
                    0 | 1 => *self.one_of(&AWKWARD),
                    2 => *self.one_of(&[low, high]),
                    3 => {
                        let nudge = *self.one_of(&[1e-6, 1e-5, 1e-3]);
                        match self.happens(0.5) {
                            true => low + nudge * low.abs().max(1.0),
                            false => high - nudge * high.abs().max(1.0),
                        }
                    }
                    4 if high - low <= 1e6 => low + (high - low) * self.uniform(),
                    _ => {
                        let magnitude = 10_f64.powf(12.0 * self.uniform() - 6.0);
                        magnitude * self.one_of(&[1.0, 1.0, -1.0])
                    }
                },
            };
            // Rounded to few digits, as people write numbers.
            let drawn = match self.below(3) {
                0 => (drawn * 1000.0).round() / 1000.0,
                1 => format!("{drawn:.5e}").parse().unwrap_or(drawn),
                _ => drawn,
            };
            // Turns negative zero into zero.
            let drawn = drawn + 0.0;
            if bounds.contains(drawn) {
                return drawn;
            }
        }
        // One of these is always within bounds.
        let certain = [near.unwrap_or(0.0), low, high, 0.5 * (low + high)];
        certain
            .into_iter()
            .find(|&number| bounds.contains(number))
            .unwrap_or(1.0)
    }

    /// Draws a whole number: one of the ends, or one that is not too large.
    fn integer(&mut self, min: i128, max: i128, near: Option<i128>, largest: i128) -> i128 {
        let drawn = match self.below(12) {
            0 => min,
            1 => min + 1,
            // A maximum often costs nothing: a period of that length never ends.
            2 if self.happens(self.wildness) => max,
            3 | 4 => near.unwrap_or(min),
            _ => {
                let room = (largest - min).max(1) as f64;
                let above = room.powf(self.uniform()).round();
                #[allow(clippy::cast_possible_truncation, reason = "a small count")]
                let above = above as i128;
                min + above - 1
            }
        };
        drawn.clamp(min, max)
    }

    /// Draws this many probabilities that sum to 1; some may be 0.
    fn distribution(&mut self, length: usize) -> Vec<f64> {
        let mut shares: Vec<f64> = (0..length)
            .map(|_| match self.happens(self.wildness) {
                true => *self.one_of(&[0.0, 0.0, 1e-5, 1e-3, 1.0]),
                false => 0.05 + self.uniform(),
            })
            .collect();
        let sum: f64 = shares.iter().sum();
        if sum <= 0.0 {
            shares[0] = 1.0;
            return shares;
        }
        shares.iter_mut().for_each(|share| *share /= sum);
        if self.happens(0.5) {
            // Rounded to few digits, as people write numbers; the last share is the remainder.
            for share in &mut shares {
                *share = (*share * 1e4).round() / 1e4;
            }
            let rest = 1.0 - shares[1..].iter().sum::<f64>();
            shares[0] = rest.max(0.0);
        }
        shares
    }

    fn numbers(&mut self, length: usize, bounds: Bounds, near: &[f64]) -> Vec<f64> {
        (0..length)
            .map(|index| {
                let near = near.get(index % near.len().max(1)).copied();
                self.number(bounds, near)
            })
            .collect()
    }

    /// Draws rows of numbers; half of the matrices of probabilities have rows that sum to 1.
    fn matrix(&mut self, bounds: Bounds, rows: usize, columns: usize, near: &[f64]) -> Toml {
        let is_distribution = bounds.ends() == [0.0, 1.0] && self.happens(0.5);
        let rows = (0..rows).map(|_| {
            if is_distribution {
                return list(&self.distribution(columns));
            }
            let near = if near.is_empty() { near } else { &near[..1] };
            list(&self.numbers(columns, bounds, near))
        });
        Toml::Array(rows.collect())
    }

    /// Draws weights: a list for a linear score, or the layers of a network.
    fn weights(&mut self, inputs: usize) -> Toml {
        let scale = *self.one_of(&[0.1, 1.0, 1.0, 10.0]);
        let weights = |draw: &mut Self, count: usize| {
            let weight = |_| {
                let weight = match draw.happens(draw.wildness) {
                    // Weights of similar size: a weight a million times as large as others would hide them on every backend,
                    // and no difference would be found.
                    true => *draw.one_of(&[0.0, 1.0, -1.0, 10.0, -10.0, 0.1]),
                    false => scale * (2.0 * draw.uniform() - 1.0),
                };
                (weight * 1e6).round() / 1e6
            };
            (0..count).map(weight).collect::<Vec<f64>>()
        };
        if self.happens(0.5) {
            let bias = self.below(2);
            return list(&weights(self, inputs + bias));
        }
        let mut width = inputs;
        let mut layers = Vec::new();
        for units in (0..self.below(3)).map(|_| [1, 2, 5, 16]) {
            let units = *self.one_of(&units);
            let unit = (0..units).map(|_| list(&weights(self, width + 1)));
            layers.push(Toml::Array(unit.collect()));
            width = units;
        }
        layers.push(Toml::Array(vec![list(&weights(self, width + 1))]));
        Toml::Array(layers)
    }

    fn corpus(&mut self, columns: &[Column], around: &Surroundings) -> Toml {
        let cell = |draw: &mut Self, column: &Column| {
            if column.is_whole() {
                let [_, high] = column.bounds().ends();
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "within 2^24"
                )]
                let count = around.num_topics.clamp(1, high as u32 + 1);
                return f64::from(draw.rng.random_range(0..count));
            }
            draw.number(column.bounds(), None)
        };
        // All documents have the same columns.
        let columns: Vec<(&str, &Column)> = columns
            .iter()
            .filter(|column| column.applies_under(|name| around.text_of(name)))
            .filter(|column| !column.may_lack() || self.happens(0.6))
            .flat_map(|column| {
                let names = column.names_among(&around.fields);
                names.into_iter().map(move |name| (name, column))
            })
            .collect();
        let row = |draw: &mut Self| match columns.as_slice() {
            [(_, only)] => Toml::Float(cell(draw, only)),
            columns => {
                let cells = columns.iter().map(|(name, column)| {
                    let number = cell(draw, column);
                    ((*name).to_owned(), Toml::Float(number))
                });
                Toml::Table(cells.collect())
            }
        };
        let mut rows: Vec<Toml> = (0..around.num_documents).map(|_| row(self)).collect();
        // Equal documents, so that there are ties.
        if rows.len() > 1 && self.happens(0.3) {
            let twin = rows[self.below(rows.len())].clone();
            let place = self.below(rows.len());
            rows[place] = twin;
        }
        Toml::Array(rows)
    }

    /// Draws a value for a key; its default may depend on the other values, and is given.
    pub(super) fn value(
        &mut self,
        key: &Key,
        default: Option<&Value>,
        around: &Surroundings,
    ) -> Toml {
        match key.allowed() {
            Allowed::Number(bounds) => {
                let near = match default {
                    Some(Value::Number(near)) => Some(*near),
                    _ => None,
                };
                Toml::Float(self.number(*bounds, near))
            }
            Allowed::Integer { min, max } => {
                let near = match default {
                    Some(Value::Integer(near)) => Some(*near),
                    _ => None,
                };
                integer(self.integer(*min, *max, near, around.largest_count.max(min + 2)))
            }
            Allowed::Boolean => Toml::Boolean(self.happens(0.5)),
            Allowed::Booleans => {
                let length = (around.num_topics as usize).max(1);
                Toml::Array(
                    (0..length)
                        .map(|_| Toml::Boolean(self.happens(0.5)))
                        .collect(),
                )
            }
            Allowed::OneOf(words) => Toml::String((*self.one_of(words)).to_owned()),
            Allowed::OneOfOrMatrix { words, bounds } => match self.happens(0.5) {
                true => Toml::String((*self.one_of(words)).to_owned()),
                false => self.matrix(*bounds, around.rows, around.columns, &[]),
            },
            Allowed::Text => {
                let names = &around.names;
                Toml::String(match names.is_empty() {
                    true => "score".to_owned(),
                    false => self.one_of(names).clone(),
                })
            }
            Allowed::Numbers { bounds, length } => {
                let near = match default {
                    Some(Value::Numbers(near)) => near.clone(),
                    _ if around.examples.is_empty() => Vec::new(),
                    _ => self.one_of(&around.examples).clone(),
                };
                let length = length.unwrap_or(match (default, near.len()) {
                    (None, 0) => 1 + self.below(3),
                    (None, length) => length,
                    (Some(_), length) if around.keeps_shapes => length,
                    _ => around.length_of(key),
                });
                list(&self.numbers(length, *bounds, &near))
            }
            Allowed::Distribution => {
                let length = match default {
                    Some(Value::Numbers(near)) if around.keeps_shapes => near.len(),
                    _ => around.length_of(key),
                };
                list(&self.distribution(length))
            }
            Allowed::Matrix(bounds) => match default {
                Some(Value::Matrix(near)) => {
                    let (rows, columns) = match around.keeps_shapes {
                        true => (near.len(), near[0].len()),
                        false => (around.rows, around.columns),
                    };
                    self.matrix(*bounds, rows, columns, &near.concat())
                }
                _ => self.matrix(*bounds, around.rows, around.columns, &[]),
            },
            Allowed::Corpus(columns) => self.corpus(columns, around),
            Allowed::Weights => self.weights(around.inputs),
        }
    }
}

impl Surroundings {
    /// Returns the value of a text key of the section.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        let found = self.texts.iter().find(|(other, _)| *other == name);
        found.map(|(_, text)| text.as_str())
    }

    /// Returns the length of a list: in the table of users the number of rows of matrices, elsewhere their number of columns.
    fn length_of(&self, key: &Key) -> usize {
        match key.name().starts_with("user.") {
            true => self.rows,
            false => self.columns,
        }
    }
}

fn list(numbers: &[f64]) -> Toml {
    Toml::Array(numbers.iter().map(|&number| Toml::Float(number)).collect())
}

/// Writes a whole number. TOML's integers end at 2^63 - 1; larger ones are written as text.
fn integer(number: i128) -> Toml {
    match i64::try_from(number) {
        Ok(number) => Toml::Integer(number),
        Err(_) => Toml::String(number.to_string()),
    }
}
