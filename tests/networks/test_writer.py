"""Exported files say the network they are of."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import convcalc
from convcalc.api.export import export as export_text
from convcalc.cli.main import main
from convcalc.networks import zoo_blocks, zoo_file, zoo_networks
from convcalc.networks.file import read_text
from convcalc.networks.sources import to_graph
from convcalc.spec import Defaults

FIGURES = ("params", "macs", "valid_macs", "flops", "activations", "depth", "nonlinearities",
           "output", "input", "receptive_field")  # fmt: skip


OF_ONE_KIND = {"vgg11", "vgg13", "vgg19", "resnet34", "resnet101", "resnet152", "resnet_v1_50",
               "resnet50_v1", "alexnet_torchvision", "inception_v3_symmetric", "lenet5_full",
               "inception_v3_aux"}  # fmt: skip
"""Networks that are written as others are."""


@pytest.mark.parametrize("name", sorted({*zoo_networks(), *zoo_blocks()} - OF_ONE_KIND))
def test_built_in_networks_come_back(name: str) -> None:
    before = convcalc.analyze(f"zoo:{name}")
    text = export_text(f"zoo:{name}")
    after = convcalc.analyze(read_text(text, "net.toml").graph("net.toml"))
    for figure in FIGURES:
        assert getattr(after, figure) == getattr(before, figure), figure
    assert Counter(layer.kind for layer in after.layers) == Counter(
        layer.kind for layer in before.layers
    )
    assert list(after.outputs.items()) == list(before.outputs.items())
    assert all(len(line) <= 100 or "(" in line for line in text.splitlines())
    assert "step = " not in text
    shared = zoo_file(name).read_text(encoding="utf-8").count("\nweights_of = ")
    assert text.count("\nweights_of = ") == shared


@pytest.mark.parametrize(
    "spec",
    [
        "3x3@8 + add(id | 3x3+relu+add(1x1 | id)) + cat(1x1@2 | id | mul(id | gap+1x1+sigmoid))",
        "convt4x4s2p1 + up2bilinear + crop1 + pad1:0x2 + take1-2 + maxpool3x3s2ceil",
        "cat(id | id)",
        "add(3x3pvalid | crop1)",
    ],
)
def test_specifications_come_back(spec: str) -> None:
    options = {"input": "4x16x16", "after_conv": "bn+relu", "bias": False}
    before = convcalc.analyze(spec, **options)  # type: ignore[arg-type]
    text = export_text(spec, **options)  # type: ignore[arg-type]
    after = convcalc.analyze(read_text(text, "net.toml").graph("net.toml"))
    for figure in FIGURES:
        assert getattr(after, figure) == getattr(before, figure), figure


def test_command_writes_a_file_that_show_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.toml"
    assert main(["export", "zoo:resnet18", "--output", str(path)]) == 0
    assert main(["compare", "zoo:resnet18", str(path), "--format", "csv"]) == 0
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert first.split(",")[2:10] == second.split(",")[2:10]


def test_what_only_export_writes() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra torch")
    nn = torch.nn

    class Dense(nn.Module):  # type: ignore[misc, name-defined]
        """Read by two layers of different branches."""

        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x: object) -> object:
            y = self.a(x)
            z = self.b(y)
            return torch.cat([torch.cat([x, y], 1), torch.cat([y, z], 1)], 1)

    class Twice(Dense):
        """One layer's weights used twice."""

        def forward(self, x: object) -> object:
            return self.b(self.a(self.a(x)))

    class Unused(Dense):
        """Parameters that the forward pass leaves alone."""

        def forward(self, x: object) -> object:
            return self.a(x)

    class Two(Dense):
        """Two outputs, one of them read on."""

        def forward(self, x: object) -> object:
            y = self.a(x)
            return {"near": y, "far": torch.relu(self.b(y))}

    class Product(Dense):
        """No word for it."""

        def forward(self, x: object) -> object:
            return self.a(x).flatten(2) @ self.b(x).flatten(2).transpose(1, 2)

    for model, steps in ((Dense, 0), (Twice, 0), (Product, None), (Unused, 1), (Two, None)):
        graph = convcalc.from_torch(model(), (2, 6, 6))
        text = export_text(graph)
        assert steps is None or text.count("\nstep = ") == steps
        before = convcalc.analyze(graph)
        after = convcalc.analyze(read_text(text, "net.toml").graph("net.toml"))
        for figure in FIGURES:
            assert getattr(after, figure) == getattr(before, figure), (model, figure)
        ours, theirs = (list(report.outputs.values()) for report in (before, after))
        assert ours == theirs


@pytest.mark.parametrize(
    ("stages", "shares"),
    [
        (["$a+3x3+relu+3x3", "$b+3x3+relu+3x3; c"], ["d: c"]),
        (["$a+3x3+bn", "$b+3x3+bn; c", "$a+3x3+bn; d"], ["d: c", "e: c"]),
        # what is not shared follows: the convolution is a stage of its own
        (["$a+3x3", "relu+1x1", "$b+3x3; c"], ["e: c_conv1"]),
        (["$a+add(3x3 | id)+1x1", "$b+add(3x3 | id)+1x1; c"], ["d_conv1: c_conv1", "d: c"]),
    ],
)  # fmt: skip
def test_stages_that_share_weights(stages: list[str], shares: list[str]) -> None:
    outputs = ["d", "e"] if "relu+1x1" in stages else list("cde"[: len(stages)])
    lines = ['input = "4x8x8"', f"outputs = {json.dumps(outputs)}"]
    for name, text in zip("abcde", ["1x1", "3x3s2", *stages], strict=False):
        layers, _, other = text.partition("; ")
        lines += ["[[stage]]", f'name = "{name}"', f'layers = "{layers}"']
        lines += [f'weights_of = "{other}"'] if other else []
    graph = read_text("\n".join(lines), "net.toml").graph("net.toml")
    text = export_text(graph)
    written = tomllib.loads(text)["stage"]
    assert [f"{stage['name']}: {stage['weights_of']}" for stage in written
            if "weights_of" in stage] == shares  # fmt: skip
    assert all("layers" in stage for stage in written)
    before = convcalc.analyze(graph)
    after = convcalc.analyze(read_text(text, "export").graph("export"))
    assert (before.params, before.macs) == (after.params, after.macs)
    assert list(before.outputs.items()) == list(after.outputs.items())


def test_weights_that_no_stage_can_share_take_the_form_of_export() -> None:
    """Those of one convolution at two dilations, as TridentNet has them."""
    graph = to_graph("3x3@4 + 3x3d2@4", Defaults())
    near, far = graph.nodes
    graph = replace(graph, nodes=(near, far._replace(weights_of=0)))
    text = export_text(graph, input="4x8x8")
    assert text.count("step = ") == 1 and "weights_of" not in text
    # those of two layers, the other way round
    first, second = (to_graph("3x3@4 + 3x3@4", Defaults()).nodes for _ in range(2))
    swapped = [node._replace(name=f"{node.name}_", inputs=(i + 1,), weights_of=1 - i)
               for i, node in enumerate(second)]  # fmt: skip
    both = export_text(replace(graph, nodes=(*first, *swapped), outputs=()), input="4x8x8")
    found = tomllib.loads(both)["stage"]
    assert [stage.get("weights_of") for stage in found] == [None, None, "conv2", "conv1"]
    assert convcalc.analyze(read_text(text, "export").graph("export")).params == 4 * 9 * 4 + 4


def layers_of(network: str, size: str) -> str:
    return export_text(network, input=size).partition("[[stage]]")[2]


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("pad8:0+3d4pvalid@6", "3@6d4pcausal"),
        ("pad2:0x0+3x1p0", "3x1pcausal"),
        ("pad1:0+1+3", None),  # something stands between
        ("pad2:1+3pvalid", None),
        ("pad1:0+3pvalid", None),
        ("pad2:0+3", None),  # padded by itself as well
        ("pad2:0+maxpool3s1", None),
    ],
)
def test_zeros_before_a_convolution_are_causal_padding(written: str, folded: str | None) -> None:
    text = layers_of(written, "4x20x5" if "x1" in written else "4x20")
    assert ("pad" not in text) == (folded is not None)
    assert folded is None or f'"{folded}"' in text


def test_zeros_that_others_read_stay() -> None:
    text = layers_of("pad2:0+add(3pvalid+pad2:0+3pvalid | crop2:0)", "4x20")
    assert "pad2:0" in text and text.count("pcausal") == 1


def test_padding_is_left_out_only_where_it_is_the_same_at_every_size() -> None:
    for written, left in (
        ("3x3@8s2ptfsame", "3x3@8s2ptfsame"), ("3x3@8s2p1", "3x3@8s2"), ("1x1@8pvalid", "1x1@8"),
        ("4x4@8p1:2", "4x4@8"), ("3x3@8pvalid", "3x3@8pvalid"), ("3x3g4s2p1", "dw3x3s2"),
    ):  # fmt: skip
        assert f'"{left}"' in layers_of(written, "4x17x17")
