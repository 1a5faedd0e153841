"""Networks whose stages read one another, against what is published of them.

torchvision's counts are `num_params` and `_ops` in the metadata of its weights. imgclsmob is the
table of github.com/osmr/imgclsmob, pytorch/README.md.
"""

from __future__ import annotations

import re

import pytest

from convcalc import Report, analyze
from convcalc.networks import read_file, zoo_file
from convcalc.quantities import Stride
from tests.truth.tables import load

STRUCTURES = {row["name"]: row for row in load("literature_structures")["rows"]}


def network(name: str) -> Report:
    return analyze(f"zoo:{name}")


def norms(report: Report) -> int:
    return sum(layer.params for layer in report.layers if layer.kind == "bn")


def outputs(report: Report) -> dict[str, str]:
    return {name: str(output.shape) for name, output in report.outputs.items()}


def strides(report: Report) -> list[Stride | None]:
    return [output.receptive_field.stride[0] for output in report.outputs.values()]


def test_unet() -> None:
    report = network("unet")
    weighted = [layer for layer in report.layers if layer.kind in ("conv", "convt")]
    assert len(weighted) == 23  # "In total the network has 23 convolutional layers"
    assert (str(report.input), str(report.output)) == ("1x572x572", "2x388x388")
    shapes = {layer.name: str(layer.output) for layer in report.layers}
    assert shapes["c5/relu2"] == "1024x28x28" and shapes["u4/cat1"] == "1024x56x56"  # Figure 1


def test_3d_unet() -> None:
    """Cicek et al. 2016, arXiv:1606.06650, section 2: "The architecture has 19069955 parameters in
    total", without the batch norms that the figure adds."""
    report = network("unet_3d")
    assert report.params - norms(report) == 19_069_955
    assert str(report.output) == "3x44x44x28"


def test_feature_pyramid() -> None:
    report = network("fpn_resnet50")
    backbone = network("resnet50").params - 2_049_000
    lateral = (256 + 512 + 1024 + 2048) * 256 + 4 * 256
    assert report.params == backbone + lateral + 4 * (256 * 9 * 256 + 256)
    assert lateral + 4 * 590_080 == 3_344_384  # torchvision's FeaturePyramidNetwork
    assert outputs(report) == {"p2": "256x56x56", "p3": "256x28x28", "p4": "256x14x14",
                               "p5": "256x7x7", "p6": "256x4x4"}  # fmt: skip
    assert strides(report) == [Stride(n) for n in (4, 8, 16, 32, 64)]


def test_retinanet() -> None:
    """torchvision, RetinaNet_ResNet50_FPN_Weights: its frozen batch norms are buffers."""
    report = network("retinanet_resnet50")
    assert report.params - norms(report) == 34_014_999
    assert strides(report) == [Stride(n) for n in (8, 16, 32, 64, 128)] * 2
    heads = [layer for layer in report.layers if re.match("(cls|box)_p[4-7]/", layer.name)]
    assert sum(layer.params for layer in heads) == 0 and sum(layer.macs for layer in heads) > 0


def test_ssd300() -> None:
    """Liu et al. 2015, section 3.1: 8,732 boxes. 26,285,486 params of 21 classes: torchinfo of
    amdegroot/ssd.pytorch, as several ports print it; torchvision's SSD300_VGG16_Weights has 91."""
    report = network("ssd300_vgg16")
    assert report.params == 26_285_486
    boxes = sum(output.shape.elements // 4 for name, output in report.outputs.items()
                if name.startswith("box"))  # fmt: skip
    assert boxes == 8_732
    heads = sum(layer.params for layer in report.layers if layer.name.startswith("cls"))
    assert report.params - heads + heads // 21 * 91 == 35_641_826  # torchvision, 91 classes


def test_darknet53() -> None:
    """imgclsmob: 41,609,928. Redmon & Farhadi 2018, arXiv:1804.02767, Table 2: 18.7 Bn ops."""
    report = network("darknet53")
    assert report.params == 41_609_928
    assert 2 * report.macs / 1e9 == pytest.approx(18.7, abs=0.15)
    assert sum(layer.kind in ("conv", "fc") for layer in report.layers) == 53


def test_patchgan() -> None:
    """pix2pix prints 2,768,705 of its discriminator. Isola et al. 2016, section 6.1.2: 70x70."""
    report = network("patchgan70")
    assert report.params == 2_768_705
    assert report.receptive_field.size == (70, 70)
    assert str(report.output) == "1x30x30"


def test_wavenet() -> None:
    report = network("wavenet")
    assert report.receptive_field.size == (1 + 1 + 3 * 1023,)
    assert report.receptive_field.padding == (1 + 3 * 1023,)  # nothing after the unit
    run = analyze("(2d(2^i)@64 for i in 0..9)", input="64x4000", padding="causal")
    assert run.receptive_field.size == (1024,)


def test_tcn() -> None:
    report = network("tcn")
    assert 65_000 < report.params < 75_000
    assert report.receptive_field.size == (1 + 2 * 6 * 255,)


def test_wav2vec2_encoder() -> None:
    """4,200,448: the encoder's share of the 94,370,944 params of the base model, as transformers
    counts them."""
    report = network("wav2vec2_encoder")
    field = analyze("zoo:wav2vec2_encoder", local=True).receptive_field
    assert (field.size, field.stride) == ((400,), (Stride(320),))  # 25 ms and 20 ms at 16 kHz
    assert report.params == 4_200_448
    assert str(report.output) == "512x49"


def test_convtasnet() -> None:
    report = network("convtasnet_separator")
    assert (report.params + 2 * 512 * 16) / 1e6 == pytest.approx(5.1, abs=0.06)
    field = analyze("zoo:convtasnet_separator", local=True).receptive_field
    assert field.size == (1 + 3 * 2 * 255,)
    assert (field.size[0] or 0) * 8 / 8000 == pytest.approx(1.53, abs=0.005)  # seconds at 8 kHz


def test_hrnet() -> None:
    """imgclsmob, HRNetV2-W18: 21,299,004 params, which the authors' log has too; 4,323 M MACs."""
    report = network("hrnet_w18")
    assert report.params == 21_299_004
    assert report.macs / 1e9 == pytest.approx(4.323, rel=0.01)  # which counts resizes too


def test_erfnet() -> None:
    report = network("erfnet")
    row = STRUCTURES["ERFNet non-bottleneck-1D"]["recomputed"]
    assert f"{report.params + 2580:,} params, {report.macs / 1e9:.2f} GMACs @512x1024" in row


def test_enet() -> None:
    """Paszke et al. 2016, Table 3: 0.37 M params; a slope a channel, as its section 4 has it."""
    report = network("enet")
    assert report.params / 1e6 == pytest.approx(0.37, abs=0.0065)
    assert sum(layer.params for layer in report.layers if layer.kind == "prelu") > 4_000
    assert str(report.output) == "20x512x512"


def test_deeplab() -> None:
    """torchvision, DeepLabV3_ResNet50_Weights: 42,004,074 params, 178.722 GMACs at 520x520."""
    report = network("deeplabv3_resnet50")
    assert report.params == 42_004_074
    assert outputs(report) == {"out": "21x520x520", "aux": "21x520x520"}
    assert round(report.macs / 1e9, 3) == 178.722


def test_replknet() -> None:
    report, row = network("replknet31b"), STRUCTURES["RepLKNet-31B"]["recomputed"]
    assert f"{report.params:,} params; {report.macs:,} MACs @224" in row


def test_segnext() -> None:
    report = network("segnext_mscan_t")
    assert (report.params + 256 * 1000 + 1000) / 1e6 == pytest.approx(4.2, abs=0.05)
    assert strides(report) == [Stride(32)]


def test_bisenet() -> None:
    report = network("bisenet_context_resnet18")
    refined = sum(9 * c * 128 + 2 * 128 + 128 * 128 + 2 * 128 for c in (256, 512))
    smooth = 2 * (9 * 128 * 128 + 2 * 128)
    tail = 512 * 128 + 2 * 128
    assert report.params == 11_176_512 + refined + smooth + tail
    assert str(report.output) == "128x128x64"


def test_resnet50_with_strides_in_the_1x1() -> None:
    report, usual = network("resnet50_v1"), network("resnet50")
    assert report.params == usual.params
    assert report.macs / 1e9 == pytest.approx(3.86, abs=0.005)
    assert report.macs < usual.macs
    before_head = report.field_before_head
    assert before_head is not None and before_head.size == (483, 483)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
                                  "resnet50_v1", "resnet_v1_50"])  # fmt: skip
def test_resnets_say_where_their_strides_stand(name: str) -> None:
    assert "stride" in read_file(zoo_file(name)).source
