"""The graph of a model's forward pass: its inputs, its outputs, and what the pass left out."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import UninitializedBuffer, is_lazy

from convcalc.collector import uncollected
from convcalc.errors import ConvcalcError, SourceError, shorten
from convcalc.graph import INPUT, Graph, Module, Node, Output
from convcalc.layers.linear import Identity
from convcalc.torch_bridge.importing.beneath import own_error
from convcalc.torch_bridge.importing.ends import (
    arguments_of,
    named_tensors,
    outputs_of,
    samples_in,
)
from convcalc.torch_bridge.importing.finding import default_size, import_model, ready
from convcalc.torch_bridge.importing.handlers import HANDLERS
from convcalc.torch_bridge.importing.keeping import kept
from convcalc.torch_bridge.importing.place import failed
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.samples import graph_of_samples
from convcalc.torch_bridge.state import evaluation


def named_graph(
    name: str,
    source: str | Path,
    attribute: str,
    arguments: Mapping[str, Any],
    input: Any,  # noqa: A002
) -> Graph:
    """The graph of the model that an attribute of a module or a file is, or makes.

    Raises:
        SourceError: no such module, attribute or model.
        ConvcalcError: the forward pass fails, or takes what it does from values.
    """
    found = import_model(name, source, attribute, arguments)
    try:
        return model_graph(found.model, input, name)
    except ConvcalcError as error:
        if found.with_weights is None or not _lacks_values(error.__cause__):
            raise
    return model_graph(found.with_weights(), input, name)


def _lacks_values(error: BaseException | None) -> bool:
    """Did it fail because the model has no weights?"""
    return error is not None and "meta" in str(error).lower()


def model_graph(
    model: nn.Module,
    input: Any,  # noqa: A002
    name: str,
    batch_axis: int | None = 0,
) -> Graph:
    """The graph of a model's forward pass.

    Args:
        input: the shape of one sample, or tensors as the model takes them: one, a tuple or a dict
            of keywords; only their sizes matter. The first is the one fields are measured on.
            None: an image.
        batch_axis: the axis of samples in example tensors; None where they are one sample.

    Raises:
        ConvcalcError: the forward pass fails, or takes what it does from values.
    """

    def followed(together: bool) -> Graph:
        return _graph(model, input, name, batch_axis, together)

    with uncollected():
        return graph_of_samples(followed) if samples_in(input, batch_axis) > 1 else followed(False)


def _graph(
    model: nn.Module, input: Any, name: str, batch_axis: int | None, together: bool  # noqa: A002
) -> Graph:  # fmt: skip
    """The graph of one sample, or of all together as if they were channels."""
    program = getattr(torch, "export", None)
    if program is not None and isinstance(model, program.ExportedProgram):
        model = model.module()
    given = default_size(model) if input is None else input
    with kept(model) as state, ready(model) as followed_model:
        if any(map(is_lazy, state.tensors)):
            followed_model = _initialised(followed_model, given, name)
        recorder = Recorder(followed_model, HANDLERS, state.tensors)
        recorder.together = together
        arguments = arguments_of(recorder, followed_model, given, batch_axis, together)
        result = _followed(recorder, followed_model, arguments.args, arguments.kwargs, name)
        recorder.mark_superseded()
        nodes, outputs = _with_unused(recorder, followed_model, outputs_of(recorder, result))
    return Graph(
        tuple(nodes),
        name,
        type(followed_model).__name__
        + (f", {arguments.batch} samples together" if together else ""),
        arguments.inputs[0].shape,
        inputs=arguments.inputs,
        outputs=outputs,
        batch=None if together else arguments.batch,
        unknown=tuple(map(str, recorder.unknown)),
        module=model,
        modules=_modules(recorder),
    )


def _modules(recorder: Recorder) -> dict[str, Module]:
    """The model's modules, with the trained parameters in each and in its own modules."""
    trained = dict.fromkeys(recorder.made_up_of, 0)
    for parameter, homes in recorder.parameters.values():
        if parameter.requires_grad:
            count = parameter.numel()
            for path in {above for home in homes for above in _above(home)} & trained.keys():
                trained[path] += count
    return {
        path: Module(type(module).__name__, trained[path])
        for path, module in recorder.made_up_of.items()
    }


@lru_cache(maxsize=4096)
def _above(path: str) -> tuple[str, ...]:
    """A module's path and those of the modules that it is in."""
    parts = path.split(".") if path else []
    return tuple(".".join(parts[:count]) for count in range(len(parts) + 1))


def _followed(
    recorder: Recorder, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> Any:
    """What the model returns; everything it calls comes by the recorder, in evaluation mode."""

    def enter(module: nn.Module, _inputs: Any) -> None:
        path = recorder.paths.get(id(module))
        recorder.stack.append(path if path is not None else recorder.stack[-1])
        recorder.modules.append(module)
        recorder.entered[id(module)] += 1

    def leave(_module: nn.Module, _inputs: Any, _outputs: Any) -> None:
        recorder.stack.pop()
        recorder.modules.pop()

    with _hooked(enter, leave), evaluation(model), torch.no_grad(), redirect_stdout(sys.stderr):
        try:
            # Not optimised: what TorchScript learns of these calls, the model would keep.
            plainly = torch.jit.optimized_execution(False)  # type: ignore[attr-defined]
            with recorder, recorder.beneath, plainly:
                result = model(*args, **kwargs)
            recorder.check_known(tensor for _, tensor in named_tensors(result))
            return result
        except RecursionError:
            raise SourceError(
                f"{shorten(name, 60)}: maximum recursion depth exceeded in its forward pass"
            ) from None
        except (Exception, SystemExit) as error:
            cause = own_error(error, recorder.raised)
            raise failed(cause, recorder.stack[-1] if recorder.stack else "") from error


@contextmanager
def _hooked(enter: Any, leave: Any) -> Iterator[None]:
    """Both are called around the forward pass of every module."""
    handles = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _initialised(model: nn.Module, given: Any, name: str) -> nn.Module:
    """A copy without weights of a model with lazy modules, whose sizes one pass has filled in."""
    own = (*model.parameters(), *model.buffers())
    model = copy.deepcopy(model, {id(t): _without_data(t) for t in own})
    recorder = Recorder(model, HANDLERS, own)
    arguments = arguments_of(recorder, model, given)
    _followed(recorder, model, arguments.args, arguments.kwargs, name)
    return model


def _without_data(tensor: torch.Tensor) -> torch.Tensor:
    if isinstance(tensor, UninitializedBuffer):  # which cannot be copied
        return UninitializedBuffer()
    if is_lazy(tensor):
        return copy.deepcopy(tensor)
    empty = torch.empty_like(tensor, device="meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, tensor.requires_grad)
    return empty


def _with_unused(
    recorder: Recorder, model: nn.Module, outputs: tuple[Output, ...]
) -> tuple[list[Node], tuple[Output, ...]]:
    """The nodes, those that the pass did not use before the last, and the outputs' new places."""
    unused = _unused(recorder, model)
    last = len(recorder.nodes) - 1
    moved = [
        output._replace(node=last + len(unused)) if output.node == last >= 0 else output
        for output in outputs
    ]
    return [*recorder.nodes[:-1], *unused, *recorder.nodes[-1:]], tuple(moved)


def _unused(recorder: Recorder, model: nn.Module) -> list[Node]:
    """A row for each submodule with parameters that the pass did not read (auxiliary heads)."""
    left = recorder.unclaimed()
    if not left:
        return []
    found: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if id(parameter) in left:
            top = name.partition(".")[0]
            found[top] = found.get(top, 0) + parameter.numel()
    return [
        Node(recorder.free_name(f"{name} (not run)"), Identity(), (INPUT,), "not run", params=count)
        for name, count in found.items()
    ]
