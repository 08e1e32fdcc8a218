//! Declaring parameters: the field, its key, its default, what is allowed, and its description stand in one place.
//!
//! ```text
//! keys! { struct Keys { /// what it does
//!                       sensitivity: f64 = number("user.sensitivity", 0.01, Bounds::FINITE), .. } }
//!
//! Keys::declared()      the rows of `slatesim list`, what files and flags are checked against
//! Keys::read(settings)  the struct, of checked values
//! Keys::sensitivity     "user.sensitivity", for an error that names the key
//! ```

/// Declares the words of a key as an enum, each with its name in configurations.
///
/// ```
/// slatesim::words! {
///     /// Which end comes first.
///     #[derive(PartialEq)]
///     pub enum Order {
///         /// The largest.
///         Max = "max",
///         /// The smallest.
///         Min = "min",
///     }
/// }
/// # use slatesim::config::OneOf;
/// assert_eq!(Order::from_word("min").map(Order::word), Some("min"));
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident { $($(#[$variant_attribute:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visibility enum $name {
            $($(#[$variant_attribute])* $variant,)+
        }

        impl $crate::config::OneOf for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> Self {
                $crate::config::OneOf::word(value)
            }
        }

        impl $crate::config::FromValue for $name {
            fn from_value(value: Option<&$crate::config::Value>) -> Option<Self> {
                match value? {
                    $crate::config::Value::Text(word) => $crate::config::OneOf::from_word(word),
                    _ => None,
                }
            }
        }
    };
}

/// Declares configuration keys as a struct of their values.
///
/// A field has the type of its value, and on the right the name of its key and the further arguments of a constructor of
/// [`Key`](crate::config::Key), perhaps followed by conditions ([`applies_when`](crate::config::Key::applies_when),
/// [`default_when`](crate::config::Key::default_when)), an [`in_unit`](crate::config::Key::in_unit), and a
/// [`from_source`](crate::config::Key::from_source) if it is not the one that `from` names for all; the comment above it is the description
/// of the key in `slatesim list`. Keys are listed in the order of the fields.
///
/// ```
/// use slatesim::config::{Bounds, Entry};
///
/// slatesim::keys! {
///     /// What an advertiser pays.
///     struct Keys from "Edelman, Ostrovsky and Schwarz (2007)" {
///         /// price of a click
///         price: f64 = number("price", 0.5, Bounds::between(0.0, 10.0)).in_unit("cents"),
///         /// clicks that are paid for; absent: all
///         most_clicks: Option<u32> = optional_integer("most_clicks", 1, 1000),
///     }
/// }
///
/// let entry = Entry::policy("auction", "the highest bid wins", Keys::declared());
/// let settings = entry.settings_with(&["price=2"])?;
/// let Keys { price, most_clicks } = Keys::read(&settings);
/// assert_eq!((price, most_clicks), (2.0, None));
/// let error = settings.invalid(Keys::price, "at most what there is in the purse");
/// assert_eq!(
///     error.to_string(),
///     "`policy.price` = 2 is not allowed; allowed is at most what there is in the purse (given by --set)"
/// );
/// # Ok::<(), slatesim::config::ConfigError>(())
/// ```
#[macro_export]
macro_rules! keys {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident $(from $source:literal)? {
        $($(#[doc = $about:literal])+ $field:ident: $type:ty
            = $kind:ident($key:expr $(, $argument:expr)* $(,)?) $(.$when:ident($($condition:expr),* $(,)?))*),+ $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Debug)]
        #[allow(clippy::doc_markdown, reason = "the comments are what `slatesim list` prints")]
        $visibility struct $name {
            $($(#[doc = $about])+ $visibility $field: $type,)+
        }

        #[allow(non_upper_case_globals, reason = "each key is named as its field")]
        #[allow(dead_code, reason = "not every key is named in an error")]
        impl $name {
            $(
                #[doc = concat!("The name of the key of `", stringify!($field), "`.")]
                $visibility const $field: &'static str = $key;
            )+

            /// Declares the keys, in order.
            #[must_use]
            $visibility fn declared() -> Vec<$crate::config::Key> {
                let source: Option<&'static str> = None$(.or(Some($source)))?;
                vec![$({
                    let key: $crate::config::Key<$type> = $crate::config::Key::$kind($key $(, $argument)*);
                    key$(.$when($($condition),*))*.with_about(concat!($($about),+)).or_from_source(source).of_any_type()
                }),+]
            }

            /// Reads the values of the keys.
            #[must_use]
            $visibility fn read(settings: &$crate::config::Settings) -> Self {
                Self { $($field: settings.read(Self::$field),)+ }
            }
        }
    };
}

/// Declares the numbers that a twin is parameterised by; the WGSL twin has a struct of the same name and order.
///
/// A number that is configured has its key beside it, with conditions, unit and source as in [`keys!`](crate::keys); the others are
/// computed when the model is made.
///
/// ```
/// use slatesim::config::{Bounds, Entry};
///
/// slatesim::parameters! {
///     /// How users like what they see.
///     pub struct Parameters {
///         /// how sharply users tell better from worse
///         slope = number("user.slope", 4.0, Bounds::between(0.0, 100.0)),
///         /// The score of a document that is liked every other time.
///         middle,
///     }
/// }
///
/// let entry = Entry::environment("likes", "users who like or not", Parameters::declared());
/// let read = Parameters::read(&entry.settings_with(&["user.slope=2"])?);
/// let parameters = Parameters { middle: 1.0 / read.slope, ..read };
/// assert_eq!(parameters.named(), [("slope", 2.0), ("middle", 0.5)]);
/// assert_eq!(Parameters::slope, "user.slope");
/// # Ok::<(), slatesim::config::ConfigError>(())
/// ```
#[macro_export]
macro_rules! parameters {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident $(from $source:literal)? {
        $($(#[doc = $about:literal])+ $field:ident
            $(= $kind:ident($key:expr $(, $argument:expr)* $(,)?) $(.$when:ident($($condition:expr),* $(,)?))*)?),+ $(,)?
    }) => {
        $(#[$attribute])*
        // WGSL: struct Parameters of the twin; the order is tested.
        #[derive(Clone, Copy, Debug, PartialEq)]
        $visibility struct $name<N> {
            $($(#[doc = $about])+ $visibility $field: N,)+
        }

        #[allow(non_upper_case_globals, reason = "each key is named as its field")]
        #[allow(dead_code, reason = "some models have no keys, and not every key is named in an error")]
        impl $name<f64> {
            $($(
                #[doc = concat!("The name of the key of `", stringify!($field), "`.")]
                $visibility const $field: &'static str = $key;
            )?)+

            /// Declares the keys, in order.
            #[must_use]
            $visibility fn declared() -> Vec<$crate::config::Key> {
                let source: Option<&'static str> = None$(.or(Some($source)))?;
                let keys: [Option<$crate::config::Key>; _] = [$(
                    None
                        $(.or(Some($crate::config::Key::$kind($key $(, $argument)*)$(.$when($($condition),*))*.of_any_type())))?
                        .map(|key: $crate::config::Key| key.with_about(concat!($($about),+)).or_from_source(source))
                ),+];
                keys.into_iter().flatten().collect()
            }

            /// Reads the numbers that have a key; the others are NaN until they are worked out.
            #[allow(unused_variables, reason = "some models have no keys")]
            #[must_use]
            $visibility fn read(settings: &$crate::config::Settings) -> Self {
                Self {$(
                    $field: None
                        $(.or(Some(settings.read_number(&$crate::config::Key::$kind($key $(, $argument)*)))))?
                        .unwrap_or(f64::NAN),
                )+}
            }
        }

        impl<N: Copy> $name<N> {
            /// Converts each parameter.
            $visibility fn map<M>(&self, convert: impl Fn(N) -> M) -> $name<M> {
                $name { $($field: convert(self.$field),)+ }
            }

            /// Lists the parameters in order, with their names.
            $visibility fn named(&self) -> Vec<(&'static str, N)> {
                vec![$((stringify!($field), self.$field)),+]
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::config::{Bounds, Column, Corpus, Entry, WordOrMatrix};

    crate::words! {
        /// How documents are drawn.
        #[derive(PartialEq, Eq)]
        enum Sampler {
            /// From topics.
            Topics = "topics",
            /// One by one.
            Free = "free",
        }
    }

    crate::keys! {
        /// One key of each kind.
        struct Keys from "a paper" {
            /// how documents are drawn
            sampler: Sampler = one_of("document.sampler", Sampler::Topics),
            /// a length
            /// of two lines
            length: f64 = positive("length", 4.0).default_when(Keys::sampler, Sampler::Free, 5.0),
            /// a share
            share: f64 = probability("share", 0.5).applies_when(Keys::sampler, Sampler::Free).from_source("another"),
            /// a weight
            weight: Option<f64> = optional_number("weight", Bounds::FINITE),
            /// a count
            count: u32 = count("count", 3, 0),
            /// a limit
            limit: Option<u32> = optional_integer("limit", 1, 9),
            /// a switch
            switch: bool = boolean("switch", true),
            /// switches
            switches: Option<Vec<bool>> = optional_booleans("switches"),
            /// a name
            name_of: Option<String> = optional_text("by"),
            /// numbers
            list: Vec<f64> = numbers("list", &[1.0, 2.0], Bounds::FINITE),
            /// rows
            rows: Vec<Vec<f64>> = matrix("rows", [[1.0, 2.0]], Bounds::FINITE),
            /// a word or rows
            table: WordOrMatrix<Sampler> = one_of_or_matrix("table", Sampler::Free, Bounds::UNIT),
            /// documents
            corpus: Option<Corpus> = corpus("document.corpus", &[Column::index("topic")]),
        }
    }

    crate::parameters! {
        /// Numbers with keys and without.
        struct Parameters {
            /// a whole number
            session = count("session", 60, 1).in_unit("steps"),
            /// Worked out.
            inverse,
        }
    }

    fn entry() -> Entry {
        Entry::policy(
            "declared",
            "all kinds of keys",
            [Parameters::declared(), Keys::declared()].concat(),
        )
    }

    #[test]
    fn a_field_is_read_as_its_key_was_declared() {
        let entry = entry();
        entry.check().unwrap();
        let keys = Keys::read(&entry.settings_with(&[]).unwrap());
        assert_eq!(
            (keys.sampler, keys.length, keys.share),
            (Sampler::Topics, 4.0, 0.5)
        );
        assert_eq!((keys.weight, keys.count, keys.limit), (None, 3, None));
        assert_eq!(
            (keys.switch, keys.switches, keys.name_of),
            (true, None, None)
        );
        assert_eq!(
            (keys.list, keys.rows),
            (vec![1.0, 2.0], vec![vec![1.0, 2.0]])
        );
        assert_eq!(keys.table, WordOrMatrix::Word(Sampler::Free));
        assert_eq!(keys.corpus, None);
        let given = [
            "document.sampler=free",
            "weight=-1",
            "limit=9",
            "switches=[true, false]",
            "by=quality",
            "table=[[0, 1]]",
            "document.corpus=[{ topic = 3 }]",
        ];
        let keys = Keys::read(&entry.settings_with(&given).unwrap());
        assert_eq!((keys.sampler, keys.length), (Sampler::Free, 5.0));
        assert_eq!((keys.weight, keys.limit), (Some(-1.0), Some(9)));
        assert_eq!(keys.switches, Some(vec![true, false]));
        assert_eq!(keys.name_of.as_deref(), Some("quality"));
        assert_eq!(keys.table, WordOrMatrix::Matrix(vec![vec![0.0, 1.0]]));
        assert_eq!(keys.corpus.unwrap().column("topic"), [3.0]);
    }

    #[test]
    fn keys_are_listed_in_the_order_of_the_fields_with_the_comments_above_them() {
        let entry = entry();
        let names: Vec<_> = entry.keys.iter().map(|key| key.name()).collect();
        assert_eq!(names[..3], ["session", Keys::sampler, Keys::length]);
        assert_eq!(entry.keys[2].about(), "a length of two lines");
        assert_eq!(Parameters::session, "session");
    }

    #[test]
    fn units_and_sources_stand_with_the_key_and_the_source_of_most_with_the_struct() {
        let keys = entry().keys;
        let of = |name: &str| {
            let key = keys.iter().find(|key| key.name() == name).unwrap();
            (key.unit(), key.source())
        };
        assert_eq!(of("session"), (Some("steps"), None));
        assert_eq!(of("length"), (None, Some("a paper")));
        assert_eq!(of("share"), (None, Some("another")));
    }

    #[test]
    fn numbers_without_a_key_are_left_to_be_worked_out() {
        let read = Parameters::read(&entry().settings_with(&["session=8"]).unwrap());
        let doubled = read.map(|number| 2.0 * number);
        let [(session, sixteen), (inverse, unknown)] = doubled.named()[..] else {
            panic!("{doubled:?}")
        };
        assert_eq!((session, sixteen, inverse), ("session", 16.0, "inverse"));
        assert!(unknown.is_nan());
    }
}
