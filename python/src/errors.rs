//! Errors as exceptions of `slatesim.errors`.

use pyo3::PyTypeInfo;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use slatesim::Error;
use slatesim::backend::BackendError;
use std::error::Error as _;

/// The classes of `slatesim.errors`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// The configuration or an argument is wrong.
    Config,
    /// Slates or masks that cannot be shown.
    Action,
    /// A device failed, or there is none.
    Device,
    /// Everything else.
    Other,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Config => "ConfigError",
            Self::Action => "ActionError",
            Self::Device => "DeviceError",
            Self::Other => "Error",
        }
    }
}

/// Makes an exception of a class of `slatesim.errors`.
pub(crate) fn exception(py: Python<'_>, kind: Kind, message: String) -> PyErr {
    let class = py
        .import("slatesim.errors")
        .and_then(|module| module.getattr(kind.class()));
    match class {
        Ok(class) => match class.call1((message,)) {
            Ok(value) => PyErr::from_value(value),
            Err(error) => error,
        },
        // Without the package around it, the module still tells what is wrong.
        Err(_) => PyErr::from_type(PyRuntimeError::type_object(py), message),
    }
}

/// Makes an exception of an error, with the errors behind it: `what: cause: cause`.
pub(crate) fn raise(py: Python<'_>, error: impl Into<Error>) -> PyErr {
    let error = error.into();
    let kind = match &error {
        Error::Gpu(_) | Error::Backend(BackendError::Threads(_)) => Kind::Device,
        Error::Config(_) | Error::Backend(_) | Error::Evaluation(_) | Error::Exact(_) => {
            Kind::Config
        }
        _ => Kind::Other,
    };
    let mut told = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(behind) = cause {
        let text = behind.to_string();
        if told.last() != Some(&text) {
            told.push(text);
        }
        cause = behind.source();
    }
    exception(py, kind, told.join(": "))
}
