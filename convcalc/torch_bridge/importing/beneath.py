"""What runs beneath Python: scripted and traced code, vmap, operators of extensions.

No call of theirs comes by a `TorchFunctionMode`, but every operator that they run comes by the
dispatcher, where this mode hands it to the recorder. It is the same function in another spelling,
so the same handlers answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from convcalc.torch_bridge.importing.recorder import Recorder


class Beneath(TorchDispatchMode):
    """Sees the operators that no Python function of torch's has brought to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

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
    """The result as C++ takes it: operators that return a list return no tuple."""
    returns = func._schema.returns
    if len(returns) == 1 and isinstance(result, tuple):
        return list(result)
    return result


def own_error(error: BaseException, raised: BaseException | None) -> BaseException:
    """What was raised here, where TorchScript hands it on as the text of another error."""
    return raised if raised is not None and "TorchScript" in str(error) else error


def is_wrapped(tensor: Any) -> bool:
    """Is it a tensor of vmap or another transform, around one that the operators work on?"""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))
