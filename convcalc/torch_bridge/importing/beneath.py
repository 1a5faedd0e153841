"""Operators that run beneath Python: scripted and traced code, vmap, extensions.

Their calls do not reach a `TorchFunctionMode`, but every operator goes through the dispatcher,
where this mode passes it to the recorder. It is the same function in another spelling, so the same
handlers apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from convcalc.torch_bridge.importing.recorder import Recorder


class Beneath(TorchDispatchMode):
    """Intercepts the operators that no Python function has passed to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and torch imports its compiler, which takes a second, to wrap
        a mode that says yes."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        try:
            with torch._C.DisableTorchFunction():
                return _as_returned(func, self.recorder.operator(func, args, kwargs or {}))
        except Exception as error:
            self.recorder.raised = error
            raise


def _as_returned(func: Any, result: Any) -> Any:
    """The result in the form that C++ expects: a list, not a tuple, for operators that return
    lists."""
    returns = func._schema.returns
    if len(returns) == 1 and isinstance(result, tuple):
        return list(result)
    return result


def own_error(error: BaseException, raised: BaseException | None) -> BaseException:
    """The exception raised by a handler, if TorchScript has wrapped its text in another one."""
    return raised if raised is not None and "TorchScript" in str(error) else error


def is_wrapped(tensor: Any) -> bool:
    """Is it a wrapper of vmap or another transform around the tensor that operators work on?"""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))
