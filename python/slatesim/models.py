"""Models of one's own: environments, choice models, policies and layers that were written in Rust and WGSL."""

from types import ModuleType

from slatesim import _slatesim
from slatesim.errors import ConfigError


def use(module: ModuleType) -> None:
    """Let everything in `slatesim` know the models of an extension module of one's own, until the process ends.

    The module is made by `slatesim_python::extend` in Rust, as `examples/custom_models` shows, and of the same version of
    slatesim: `ConfigError` otherwise, and then nothing has changed. What was made before keeps its models.
    """
    names = _slatesim.__all__
    lacking = [name for name in names if not hasattr(module, name)]
    if lacking:
        message = f"the module {module.__name__!r} has no {lacking[0]!r}; allowed are modules made by `slatesim_python::extend`"
        raise ConfigError(message)
    ours, theirs = _slatesim.version(), module.version()
    if ours != theirs:
        message = f"the module {module.__name__!r} was made for slatesim {theirs}; allowed is {ours}"
        raise ConfigError(message)
    for name in names:
        setattr(_slatesim, name, getattr(module, name))
