"""Compare kernels and widths of attention: milliseconds of shapes met for the first time and again, and of whole steps.

fecbench switches cuDNN's attention off and rounds the widths of padded grids up to multiples of 16. Each variant has a
process of its own. All start together, so that start-up costs once, and they measure in turns.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import torch
from fixed_shape import multiple
from results import Results, options, settings
from torch.nn.functional import scaled_dot_product_attention
from trainee import Trainee, finished

from fecbench.data import layout

if TYPE_CHECKING:
    import argparse

VARIANTS = {  # each with its kernels, and the number of which widths are multiples
    "as fecbench does": ("no cuDNN", 16),
    "exact widths": ("no cuDNN", 1),
    "cuDNN": ("all", 16),
    "cuDNN, exact widths": ("all", 1),
    "math": ("math", 16),
}
REHEARSED = ("as fecbench does", "math")
UNMET = 201  # the first of a few widths that training doesn't meet
HEADS, WIDTH = 12, 64


def choose(kernels: str, step: int) -> None:
    """Set what torch may use and how widths are rounded, after the project's own choice."""
    torch.backends.cuda.enable_cudnn_sdp(kernels == "all")
    torch.backends.cuda.enable_mem_efficient_sdp(kernels != "math")
    layout.MULTIPLE["cuda"] = step


def shape_ms(device: torch.device, longest: int, step: int) -> tuple[float, float]:
    """Return the milliseconds of attention, forward and backward, over texts of up to ``longest`` tokens."""
    cuda, width = device.type == "cuda", multiple(longest, step)
    texts, kind = (64, torch.bfloat16) if cuda else (2, torch.float32)
    shape = texts, HEADS, width, WIDTH
    q, k, v = (torch.randn(shape, device=device, dtype=kind, requires_grad=True) for _ in "qkv")
    lengths = torch.randint(4, longest + 1, (texts, 1), device=device)
    padding = torch.arange(width, device=device) >= lengths
    bias = torch.zeros(padding.shape, device=device, dtype=kind).masked_fill(padding, -torch.inf)[:, None, None, :]
    began = finished(device)
    attended = scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=0.1)
    middle = finished(device)
    attended.backward(torch.ones_like(attended))
    return 1000 * (middle - began), 1000 * (finished(device) - middle)


def measure(variant: str, given: argparse.Namespace) -> None:
    """Measure a variant, once the lock says that no other measures."""
    results, trainee = Results("attention", given.device), Trainee.of("ce", settings(given), steps=given.steps)
    kernels, step = VARIANTS[variant]
    choose(kernels, step)
    with given.lock.open("w") as lock, results.case(variant):
        fcntl.flock(lock, fcntl.LOCK_EX)
        shape_ms(trainee.device, 300, step)  # handles and workspaces
        widths = range(UNMET, UNMET + (12 if given.device == "cuda" else 2))
        for met in ("first", "again"):
            forward, backward = zip(*(shape_ms(trainee.device, width, step) for width in widths), strict=True)
            results.say(f"{variant}, a shape met {met}", forward_ms=mean(forward), backward_ms=mean(backward))
        first, second, third = (1000 * trainee.epoch_seconds() for _ in range(3))
        results.say(f"{variant}, steps of ce", first_ms=first, second_ms=second, ms=third)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--variant", choices=VARIANTS, help="this one alone, in this process")
    parser.add_argument(
        "--lock", type=Path, default=Path(os.devnull), help="a file that is locked while this process measures"
    )
    given = parser.parse_args()
    if given.variant:
        measure(given.variant, given)
        return
    with tempfile.NamedTemporaryFile() as lock:
        variants = VARIANTS if given.device == "cuda" else REHEARSED
        command = [sys.executable, *sys.argv, "--lock", lock.name, "--variant"]
        processes = [subprocess.Popen([*command, variant]) for variant in variants]
        sys.exit(max(process.wait() for process in processes))


if __name__ == "__main__":
    main()
