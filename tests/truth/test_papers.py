"""Networks of papers that are not built in, each written as a specification on one line."""

from __future__ import annotations

import pytest

from convcalc import analyze

NETWORKS = [
    # Lim et al. 2017, arXiv:1707.02921, Table 1: the baseline with 16 blocks of 64; the authors'
    # EDSR-PyTorch has 1,369,859 params at x2.
    ("3x3@64+add(id | 16*add(id | 3x3+relu+3x3)+3x3)+3x3@256+pixelshuffle2+3x3@3", "3x48x48",
     "3x96x96", 1_369_859),
    # Shi et al. 2016, arXiv:1609.05158, section 3.2: f = 5, 3, 3 and n = 64, 32.
    ("5x5@64+tanh+3x3@32+tanh+3x3@9+pixelshuffle3", "1x17x17", "1x51x51",
     25 * 64 + 64 + 9 * 64 * 32 + 32 + 9 * 32 * 9 + 9),
    # Dong, Loy & Tang 2016, arXiv:1608.00367, section 3.3: FSRCNN (56, 12, 4) has 12,464
    # parameters, which are its weights; the biases and the slopes are more.
    ("5x5@56b0+1x1@12b0+4*3x3b0+1x1@56b0+convt9x9s3@1b0", "1x32x32", "1x96x96", 12_464),
    ("5x5@56+prelu56+1x1@12+prelu12+4*3x3+prelu12+1x1@56+prelu56+convt9x9s3@1", "1x32x32",
     "1x96x96", 12_464 + 56 + 12 + 48 + 56 + 1 + 56 + 12 + 12 + 56),
    # Dosovitskiy et al. 2020, arXiv:2010.11929, and Touvron et al. 2020 for S: timm's
    # vit_small_patch16_224 has 22,050,664, a class token and 197 position embeddings included.
    ("16x16s16pvalid@384+12*(add(id | ln+mha6)+add(id | ln+pw1536+gelu+pw384))+ln+gap+fc1000",
     "3x224x224", "1000", 22_050_664 - 384 - 197 * 384),
    # Zhao et al. 2016, arXiv:1612.01105, figure 3: pools of 1, 2, 3 and 6 bins.
    ("cat(id | avgpool(60//n)x(60//n)+1x1@512b0+bn+relu+resize60x60bilinear for n in 1, 2, 3, 6)",
     "2048x60x60", "4096x60x60", 4 * (2048 * 512 + 1024)),
    # Han et al. 2019, arXiv:1911.11907, figure 1b: half of the channels are cheap.
    ("1x1b0@8+bn+relu+cat(id | dw3x3b0+bn+relu)", "16x56x56", "16x56x56", 128 + 16 + 72 + 16),
    # Gao et al. 2019, arXiv:1904.01169, one scale of figure 2b with 26 channels.
    ("add(id | 1x1@104+cat(take0-25 | take26-51+3x3 | take52-77+3x3 | take78-103)+1x1@256)",
     "256x56x56", "256x56x56", 256 * 104 + 104 + 2 * (26 * 26 * 9 + 26) + 104 * 256 + 256),
]  # fmt: skip


@pytest.mark.parametrize(("network", "size", "output", "params"), NETWORKS)
def test_network(network: str, size: str, output: str, params: int) -> None:
    report = analyze(network, input=size)
    assert (str(report.output), report.params) == (output, params)
