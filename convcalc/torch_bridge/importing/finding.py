"""The model that the user names: imported, built and prepared for following.

Only `package.module:attribute` imports anything, and only here. A class or a function is called
under torch's meta device, so that no weights are allocated; a model that cannot be built there is
built on the CPU.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import nn

from convcalc.errors import OptionError, SourceError, nearest, shorten
from convcalc.quantities import Shape
from convcalc.torch_bridge.importing.place import quoted

IMAGE = 224
"""The default size of each axis of an input."""


class Found(NamedTuple):
    """A model, and how to rebuild it with its weights if it was built without them."""

    model: nn.Module
    with_weights: Callable[[], nn.Module] | None = None


@contextmanager
def running(what: str) -> Iterator[None]:
    """Run the user's code: its output goes to standard error, and its exceptions, SystemExit
    included, become one message.

    Raises:
        SourceError: what it raised, quoted.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        raise SourceError(quoted(what, error)) from error


def import_model(
    name: str, source: str | Path, attribute: str, arguments: Mapping[str, Any]
) -> Found:
    """The model that an attribute of a module, by its name, or of a file is, or makes.

    Args:
        name: what the user calls it.
        arguments: what a class or a function is called with.

    Raises:
        SourceError: no such module or attribute, or it is no model; the real error quoted.
    """
    shown = shorten(str(source), 60)
    with running(f"cannot import {shown}"):
        found: Any = _module_of(source)
    for part in attribute.split("."):
        if not hasattr(found, part):
            known = nearest(part, [name for name in dir(found) if not name.startswith("_")])
            raise SourceError(
                f"{shown} has no {shorten(part, 30)!r}",
                hint=f"did you mean {known!r}?" if known else None,
            )
        found = getattr(found, part)
    return _built(found, name, arguments)


def _module_of(source: str | Path) -> Any:
    """The module of that name, or of that file."""
    if isinstance(source, str):
        return importlib.import_module(source)
    path = source.absolute()
    known = sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None  # of a name that ends in .py
    module = importlib.util.module_from_spec(spec)
    if known is None:  # as an import would; it hides no other module of that name
        sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if known is None:
            del sys.modules[path.stem]
        raise
    return module


def _built(found: Any, name: str, arguments: Mapping[str, Any]) -> Found:
    """A model as it is, or what a class or a function makes."""
    if isinstance(found, nn.Module) or not callable(found):
        if arguments:
            raise OptionError(f"{shorten(name, 60)} is not a function or a class",
                              option="model_arg")  # fmt: skip
        return Found(_checked(found, name))
    _check_arguments(found, name, arguments)

    def with_weights() -> nn.Module:
        with running(f"cannot build {shorten(name, 60)}"):
            return _checked(found(**arguments), name)

    try:
        with redirect_stdout(sys.stderr), torch.device("meta"):
            model = found(**arguments)
    except (Exception, SystemExit):
        return Found(with_weights())
    _WITH_WEIGHTS[_checked(model, name)] = with_weights
    return Found(model, with_weights)


_WITH_WEIGHTS: WeakKeyDictionary[nn.Module, Callable[[], nn.Module]] = WeakKeyDictionary()
"""How to build models again that have no weights."""


def rebuilt(model: nn.Module) -> nn.Module:
    """The model, built again if it was built without weights."""
    build = _WITH_WEIGHTS.get(model)
    return model if build is None else build().eval()


def _checked(found: Any, name: str) -> nn.Module:
    if not isinstance(found, nn.Module):
        raise SourceError(
            f"{shorten(name, 60)}: expected a torch model, got {type(found).__name__}",
            hint="name a torch.nn.Module, or a class or function that returns one",
        )
    return found


def _check_arguments(factory: Any, name: str, arguments: Mapping[str, Any]) -> None:
    """Raises OptionError where a factory's arguments are missing or not its own."""
    try:
        inspect.signature(factory).bind(**arguments)
    except TypeError as error:
        raise OptionError(
            f"{shorten(name, 60)}{shorten(str(inspect.signature(factory)), 120)}: {error}",
            hint="pass its arguments as --model-arg key=value",
        ) from None
    except ValueError:  # builtins without a signature
        pass


def default_size(model: nn.Module) -> Shape:
    """An image with the input channels of the model's first convolution."""
    for module in model.modules():
        if isinstance(module, nn.modules.conv._ConvNd):
            rank = len(module.kernel_size)
            spatial = {1: (IMAGE,), 2: (IMAGE, IMAGE), 3: (16, IMAGE // 2, IMAGE // 2)}[rank]
            return Shape(module.in_channels or 3, spatial)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            return Shape(module.in_features or 3)
    return Shape(3, (IMAGE, IMAGE))


@contextmanager
def ready(model: nn.Module) -> Iterator[nn.Module]:
    """Prepare a model for following: compiled modules are replaced by their originals."""
    model = getattr(model, "_orig_mod", model)
    for module in list(model.modules()):
        if isinstance(module, torch.jit.ScriptModule):
            continue
        if "_compiled_call_impl" in module.__dict__:
            module.__dict__["_compiled_call_impl"] = None
        original = module.__dict__.get("_modules", {}).get("_orig_mod")
        if original is not None:
            module.__dict__["forward"] = original.__call__
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        with torch.compiler.set_stance("force_eager"):
            yield model
    else:
        yield model
