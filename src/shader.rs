//! Shader sources as data: what the rooms of the twins hand to the GPU backend, without knowing it.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A WGSL module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShaderSource {
    /// The name that other modules import it by, such as `slatesim::rng` or `environment`.
    pub module: String,
    /// The file, for error messages.
    pub path: String,
    /// The text.
    pub text: Cow<'static, str>,
    /// Modules that only this one, or others of its author, import.
    helpers: Vec<Self>,
    /// Whether its indices and loops are known to be in bounds, so that a release build may leave the GPU's guards out.
    is_trusted: bool,
}

impl ShaderSource {
    /// Takes the WGSL twin of an environment of one's own; `path` is what errors name.
    ///
    /// ```text
    /// ShaderSource::environment("examples/boredom.wgsl", include_str!("boredom.wgsl"))
    /// ```
    pub fn environment(path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text("environment", path, text, false)
    }

    /// Takes the WGSL twin of a choice model of one's own; `path` is what errors name.
    pub fn choice(path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text("choice", path, text, false)
    }

    /// Takes the WGSL twin of a policy of one's own; `path` is what errors name.
    pub fn policy(path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text("policy", path, text, false)
    }

    /// Takes the WGSL twin of a layer of one's own by the layer's name; `path` is what errors name.
    pub fn layer(name: &str, path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text(&format!("layer::{name}"), path, text, false)
    }

    /// Takes a module that several of one's own import, by `#import` and its name, such as `my_models::topics`; `path` is what errors
    /// name. A model brings it by [`with_helper`](Self::with_helper).
    pub fn helper(name: &str, path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text(name, path, text, false)
    }

    /// Brings a module that this one imports; those of slatesim need not be brought.
    #[must_use]
    pub fn with_helper(mut self, helper: Self) -> Self {
        self.helpers.push(helper);
        self
    }

    /// Lists what was brought by [`with_helper`](Self::with_helper), and what that brings.
    pub fn helpers(&self) -> Vec<&Self> {
        let brought = self.helpers.iter();
        brought
            .flat_map(|helper| [helper.helpers(), vec![helper]].concat())
            .collect()
    }

    /// Leaves out the guards with which the GPU runs this module otherwise, bounds of arrays and of loops, where all other
    /// modules of the simulation are trusted too: they can take most of the time.
    ///
    /// # Safety
    /// No index of an array is out of bounds, whatever the state of a user and whatever the words drawn; no division of whole
    /// numbers is by zero; and every loop ends.
    #[allow(unsafe_code, reason = "wgpu has no safe way to leave its guards out")]
    #[must_use]
    pub unsafe fn trusted(mut self) -> Self {
        self.is_trusted = true;
        self
    }

    /// Tells whether the module runs without guards in a release build.
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// Takes a text that may have been made; for the modules of this crate.
    pub(crate) fn with_text(
        module: &str,
        path: &str,
        text: impl Into<Cow<'static, str>>,
        is_trusted: bool,
    ) -> Self {
        Self {
            module: module.to_owned(),
            path: path.to_owned(),
            text: text.into(),
            helpers: Vec::new(),
            is_trusted,
        }
    }
}

/// A value that `#ifdef` and `#{NAME}` see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaderDef {
    /// Present if true.
    Bool(bool),
    /// A whole number.
    UInt(u32),
}

/// Definitions by name.
pub type ShaderDefs = BTreeMap<String, ShaderDef>;

/// Embeds a file of `shaders/` under a module name.
macro_rules! embedded {
    ($module:expr, $path:literal) => {
        $crate::shader::ShaderSource::with_text(
            $module,
            concat!("shaders/", $path),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $path)),
            true,
        )
    };
}
pub(crate) use embedded;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_modules_of_this_crate_and_those_vouched_for_are_trusted() {
        let own = ShaderSource::environment("own.wgsl", "");
        assert!(!own.is_trusted() && !ShaderSource::choice("own.wgsl", "").is_trusted());
        // SAFETY: nothing runs it.
        #[allow(unsafe_code, reason = "what is tested")]
        let own = unsafe { own.trusted() };
        assert!(own.is_trusted() && embedded!("rng", "rng.wgsl").is_trusted());
    }
}
