"""`profile --layers`: where the time goes, on made-up times and on real layers."""

from __future__ import annotations

import csv
import io
import json

import pytest
from torch import nn

import convcalc
from convcalc.api.profile import Profile
from convcalc.cli.main import main
from convcalc.machines.card import Level, Roof
from convcalc.render import plain_text, render
from convcalc.render.layer_times import to_table
from convcalc.torch_bridge.timings import Bound, LayerTiming, Machine, Timing

ROOF = Roof(100e9, "a product", (Level(2**20, 10e9),), 1e-6)

LAYERS = (
    LayerTiming("stem/conv1", "3x3", 2e-3, 60_000_000, Bound("stem/conv1", "compute", 1.2e-3)),
    LayerTiming("stem/relu1", "relu", 1e-3, 0, Bound("stem/relu1", "memory", 0.5e-3)),
    LayerTiming("head", "fc10", 4e-3, 20_000_000, Bound("head", "compute", 0.4e-3)),
)

TIMING = Timing(
    "net", "net", 80_000_000, samples=(10e-3,) * 3, ratios=(1.0,) * 3, layers=LAYERS,
    layers_seconds=8e-3,
)  # fmt: skip

TABLE = """\
Where the time of net goes
layer       spec     time  % time  % MACs  GFLOP/s  bound by  reached
─────────────────────────────────────────────────────────────────────
stem/conv1  3x3   2.00 ms    25.0    75.0     60.0   compute      60%
stem/relu1  relu  1.00 ms    12.5                     memory      50%
head        fc10  4.00 ms    50.0    25.0     10.0   compute      10%
─────────────────────────────────────────────────────────────────────
left over         1.00 ms    12.5
whole             8.00 ms   100.0   100.0     20.0
"""


def profile_of(timing: Timing) -> Profile:
    report = convcalc.analyze("3x3", input="2x9x9")
    machine = Machine("cpu", "made up", "2.0", "-", 1, "float32", ROOF)
    return Profile(machine, report.input, 1, False, (timing,), (report,))


def test_a_row_for_each_layer_what_is_left_over_and_the_whole() -> None:
    assert plain_text(to_table(TIMING)) == TABLE


def test_layers_fold_to_stages() -> None:
    folded = profile_of(TIMING).folded(1).timings[0]
    stage, head = folded.layers
    assert (stage.name, stage.spec, stage.macs) == ("stem", "2 layers", 60_000_000)
    assert stage.seconds == pytest.approx(3e-3)
    assert stage.bound == Bound("stem", "compute", pytest.approx(1.7e-3))  # type: ignore[arg-type]
    assert head == LAYERS[-1]
    assert profile_of(TIMING).folded().timings[0] == TIMING
    assert profile_of(TIMING).folded(1, ("stem",)).timings[0].layers == LAYERS
    assert folded.left_over == pytest.approx(TIMING.left_over) == pytest.approx(1e-3)


def test_csv_has_a_row_for_each_layer() -> None:
    rows = list(csv.DictReader(io.StringIO(render(profile_of(TIMING), "csv"))))
    assert [row["layer"] for row in rows] == ["stem/conv1", "stem/relu1", "head", ""]
    assert float(rows[0]["time_share"]) == 0.25
    assert (rows[1]["macs_share"], rows[3]["spec"]) == ("0.0", "left over")
    assert sum(float(row["seconds"]) for row in rows) == pytest.approx(8e-3)


def test_json_has_the_layers() -> None:
    (network,) = json.loads(render(profile_of(TIMING), "json"))["networks"]
    assert [layer["name"] for layer in network["layers"]] == [layer.name for layer in LAYERS]
    assert network["left_over_seconds"] == pytest.approx(1e-3)


def test_a_picture_of_the_slowest_layers() -> None:
    pytest.importorskip("matplotlib")
    from convcalc.render.plots import draw

    text = draw(profile_of(TIMING), "svg").decode()
    assert text == draw(profile_of(TIMING), "svg").decode()
    assert text.index(">head<") < text.index(">stem/conv1<") < text.index(">stem/relu1<")
    assert ">50.0%<" in text and ">75.0%<" in text


def test_real_layers_add_up() -> None:
    found = convcalc.profile(
        "3x3+relu+add(id|dw3x3)", input="4x19x19", layers=True, processes=1, repeat=1, min_time=0,
        roofline=False,
    ).timings[0]  # fmt: skip
    assert [layer.spec for layer in found.layers] == ["3x3", "relu", "id", "dw3x3", "add"]
    assert found.left_over >= 0
    assert found.layers[0].macs == convcalc.analyze("3x3", input="4x19x19").macs


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.act = nn.ReLU()

    def forward(self, data):  # type: ignore[no-untyped-def]
        return self.act(self.conv(self.conv(data))) + 1


def test_modules_of_a_model_in_the_order_of_their_calls() -> None:
    found = convcalc.profile(
        Twice(), input="3x19x19", layers=True, processes=1, repeat=1, min_time=0, roofline=False
    ).timings[0]
    assert [layer.name for layer in found.layers] == ["conv", "conv", "act"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stage", "a"], "--stage: needs --layers"),
        (["--depth", "1"], "--depth: needs --layers"),
        (["--layers", "--depth", "0"], "--depth 0: expected a number from 1"),
        (["--format", "svg"], "--format svg: needs --layers"),
    ],
)
def test_options_that_need_layers(
    capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["profile", "3x3", *options]) == 2
    assert message in capsys.readouterr().err
