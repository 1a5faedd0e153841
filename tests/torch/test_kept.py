"""Following a model leaves everything that hangs on it as it was, and nothing it does comes out
raw."""

from __future__ import annotations

import copy
import functools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import convcalc
from convcalc.cli.main import main
from tests.torch.nasty import MODELS
from tests.torch.small import conv, example


def contents(item: Any, seen: set[int] | None = None) -> Any:
    """All that hangs on an object: tensors by identity and version, containers and plain objects
    by their contents."""
    seen = set() if seen is None else seen
    if isinstance(item, Tensor):
        return ("tensor", id(item), item._version, item.device.type, item.requires_grad)
    if isinstance(item, (str, int, float, bool, type(None))):
        return item
    if id(item) in seen:
        return "..."
    seen.add(id(item))
    if isinstance(item, dict):
        return {str(key): contents(value, seen) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        return [contents(value, seen) for value in item]
    if isinstance(item, set):
        return sorted(map(str, item))
    if hasattr(item, "__dict__") and not isinstance(item, type):
        return (type(item).__name__, contents(vars(item), seen))
    return str(type(item))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_left_as_it_was(name: str) -> None:
    kind, size = MODELS[name]
    model = kind()
    for child in list(model.children())[:1]:
        child.eval()  # modes that are mixed stay mixed
    torch.manual_seed(0)
    before = contents(model)
    expected = copy.deepcopy(model).eval()(example(size))
    random = torch.get_rng_state()
    first = convcalc.analyze(model, input=size)
    assert contents(model) == before
    assert torch.equal(torch.get_rng_state(), random)
    assert convcalc.analyze(model, input=size).to_dict() == first.to_dict()
    torch.manual_seed(0)
    found = model.eval()(example(size))
    for one, other in zip(_flat(found), _flat(expected), strict=True):
        torch.testing.assert_close(one, other)


def _flat(given: Any) -> Iterator[Tensor]:
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, dict):
        yield from _flat(tuple(given.values()))
    elif given is not None:
        for item in given:
            yield from _flat(item)


class Anchors:
    """A plain object that keeps a tensor."""

    grid: Any = None


@functools.lru_cache
def table(n: int) -> Tensor:
    return torch.zeros(n, 300_000).sum(1)  # so large that it is not computed


class Caching(nn.Module):
    """Keeps what it makes, in every way that models do."""

    calls: Any
    lazily: Any

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.conv: Any = conv(3, 3)
        self.fails = fails
        self.size: Any = None
        self.seen: list[Tensor] = []
        self.by_name: dict[str, Any] = {"inner": {}}
        self.sizes: set[Any] = set()
        self.anchors = Anchors()
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("lazily", None)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        if self.size != y.shape:
            self.size = y.shape
            self.anchors.grid = torch.arange(y.shape[-1]).type_as(y)
            self.lazily = torch.zeros_like(y)
            self.register_buffer("another", torch.ones(3))
            self.extra = nn.ReLU()
        self.calls += 1
        self.conv.bias.data.mul_(2)
        self.seen.append(y)
        self.by_name["y"] = y
        self.by_name["inner"]["y"] = y
        self.sizes.add(y.shape[-1])
        if self.fails:
            raise ValueError("on purpose")
        out: Tensor = y + self.anchors.grid + self.lazily + table(1)
        return out


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_model_keeps_is_put_back(fails: bool) -> None:
    model = Caching(fails)
    before, bias = contents(model), model.conv.bias.detach().clone()
    for _ in range(2):
        try:
            report = convcalc.analyze(model, input="3x8x8")
        except convcalc.ConvcalcError as error:
            assert fails and "ValueError: on purpose (at " in error.message
        else:
            assert (report.complete, report.receptive_field.size) == (True, (3, 3))
        assert contents(model) == before
        assert torch.equal(model.conv.bias, bias)
    if not fails:
        assert model(example("3x8x8")).device.type == "cpu"


def test_lazy_modules_stay_lazy() -> None:
    model = nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5))
    report = convcalc.analyze(model, input="3x8x8")
    assert (report.params, report.macs) == (3 * 9 * 8 + 8 + 16 + 288 * 5 + 5, 27 * 8 * 36 + 1440)
    assert report.complete
    assert all(isinstance(p, nn.parameter.UninitializedParameter) for p in model[0].parameters())
    assert type(model[3]) is nn.LazyLinear
    assert model(example("3x8x8")).shape == (1, 5)


# Nothing raw

NETS = '''
import sys
import torch
from torch import nn

print("imported")

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        print("built")
        self.conv = nn.Conv2d(3, 4, 3)
    def forward(self, x):
        print("run")
        return self.conv(x)

class Exits(Net):
    def forward(self, x):
        sys.exit(0)

class Raises(Net):
    def forward(self, x):
        return self.helper(x)
    def helper(self, x):
        return x["key"]

class Item(Net):
    def forward(self, x):
        return x * x.max().item()

class Masks(Net):
    def forward(self, x):
        return x[x > 0]

class BuildsNot(Net):
    def __init__(self):
        sys.exit(3)

class Weights(Net):
    """Branches on the values of its weights, which it has on a CPU only."""
    def forward(self, x):
        return self.conv(x) if float(self.conv.weight.sum()) < 1e9 else x
'''


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "talking.py").write_text(NETS)
    (tmp_path / "zoo.py").write_text(NETS)
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    for name in ("talking", "zoo", "leaves"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["talking:Net", "talking.py:Net", "zoo.py:Net", "./zoo.py:Net"])
def test_what_a_model_prints_goes_to_standard_error(
    nets: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", name, "--input", "3x8x8", "--format", "json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["networks"][0]["params"] == 112
    assert said.err.split()[:3] == ["imported", "built", "run"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("leaves:Net", "cannot import leaves: it calls sys.exit(0) (at "),
        ("talking:BuildsNot", "cannot build talking:BuildsNot: it calls sys.exit(3) (at "),
        ("talking:Exits", "the forward pass fails: it calls sys.exit(0) (at "),
        ("talking:Raises", 'talking.py:25: return x["key"])'),
        ("talking:Item", "depends on the values of its input: item reads them"),
        ("talking:Item", "talking.py:29: return x * x.max().item())"),
        ("talking:Masks", "a mask selects an unknown number of elements"),
        ("missing.py:Net", "missing.py: no such file"),
        ("talking.py:Nett", "did you mean 'Net'?"),
    ],
)
def test_every_command_says_it_in_one_message(
    nets: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("show", "verify"):
        assert main([command, name, "--input", "3x8x8"]) == 2
        said = capsys.readouterr()
        assert message in said.err
        assert "Traceback" not in said.err
        assert said.out == ""


def test_a_model_that_needs_its_weights_is_built_with_them(nets: Path) -> None:
    assert convcalc.analyze("talking:Weights", input="3x8x8").params == 112


def test_check_does_not_pass_where_a_model_exits(
    nets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (nets / "convcalc.toml").write_text("".join(
        f"[[entry]]\nnetwork = '{name}'\ninput = '3x8x8'\nmacs = '<= 1'\n"
        for name in ("talking:Exits", "leaves:Net")
    ))  # fmt: skip
    assert main(["check"]) == 2
    assert capsys.readouterr().err.count("it calls sys.exit(0)") == 2
