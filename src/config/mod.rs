//! Checked configuration: everything that a run depends on, before anything is simulated.
//!
//! Environments, choice models, policies and layers declare their parameters as the fields of a struct, by
//! [`keys!`](crate::keys) and [`parameters!`](crate::parameters). The parsing of files and flags, the defaults, the range
//! checks, the error texts and `slatesim list` all follow from these declarations, so that a parameter is described in one
//! place.
//!
//! ```text
//! TOML file + flags --Sources--> Config::resolve(.., Declarations) --> Config { seed, episodes, .., environment, policy }
//! ```
//!
//! There are three sources, and later ones override earlier ones: defaults < file < flags (in the order given). Everything is
//! strict: an undeclared key, a value of another type or out of its range, and a key that has no effect under the other values
//! are [`ConfigError`]s that name the key, the value, where it was given, and what is allowed.
//!
//! Several configurations over one base are [`Variant`]s, see [`Sources::resolve_variants`].
//!
//! This code knows no environment or policy: it receives the [`Declarations`].

mod allowed;
mod assignment;
mod bounds;
mod check;
mod choice_models;
mod common_keys;
mod condition;
mod corpus;
mod declarations;
mod declare;
mod dotted;
mod error;
mod key;
mod named_file;
mod nearest;
mod origin;
mod points;
mod quote;
mod resolve;
mod settings;
mod sources;
mod typed;
mod value;
mod variants;
mod weights;

pub use allowed::{Allowed, Column};
pub use assignment::Override;
pub use bounds::Bounds;
pub use choice_models::ChoiceModels;
pub use common_keys::run_keys;
pub(crate) use common_keys::{CHOICE_MODEL, CommonKeys, MOST_CANDIDATES, MOST_POSITIONS, SeedKeys};
pub use corpus::Corpus;
pub use declarations::{Declarations, Entry};
pub use error::{ConfigError, CorpusProblem, Hint, SyntaxError, UnknownKey};
pub use key::{AnyType, Key};
pub use nearest::nearest_name;
pub use origin::Origin;
pub use points::{Arrangement, Axis, Point};
pub use resolve::Config;
pub use settings::{Section, Settings};
pub use sources::{ConfigFile, Sources};
pub use typed::{FromValue, OneOf, WordOrMatrix};
pub use value::Value;
pub use variants::Variant;
pub use weights::{Tensor, Weights, WeightsSource};
