"""Print versions, the order of attention kernels, and the rates that explain all other figures."""

import importlib.metadata
import os
import tempfile
import time
from collections.abc import Callable

import torch
from limit import bandwidth, matrix_rate
from results import Results, options
from trainee import finished

from fecbench.training.devices import Precision

PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "tokenizers",
    "datasets",
    "pyarrow",
    "numpy",
    "scikit-learn",
    "nvidia-cudnn-cu13",
    "triton",
)


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def seconds(device: torch.device, call: Callable[[], object], repeats: int) -> float:
    """Return the mean seconds of a call; three calls before it warm up."""
    for _ in range(3):
        call()
    began = finished(device)
    for _ in range(repeats):
        call()
    return (finished(device) - began) / repeats


def checkpoint(device: torch.device) -> dict[str, float]:
    """Return the rates, in GB/s, at which half a gigabyte comes from the device, and is then written to the disk."""
    weights = torch.ones(2**27 if device.type == "cuda" else 2**20, device=device)
    size, began = weights.numel() * 4 / 1e9, finished(device)
    host = weights.cpu()
    fetched = finished(device) - began
    with tempfile.NamedTemporaryFile() as file:
        began = time.perf_counter()
        host.numpy().tofile(file)
        file.flush()
        os.fsync(file.fileno())
        return {"fetch_gb_s": size / fetched, "write_gb_s": size / (time.perf_counter() - began)}


def main() -> None:
    given = options(__doc__).parse_args()
    device, results = torch.device(given.device), Results("machine", given.device)
    cuda = device.type == "cuda"
    results.say("versions", cpus=os.cpu_count(), **{package: version(package) for package in PACKAGES})
    if cuda:
        order = getattr(torch._C, "_get_sdp_priority_order", lambda: "not told")()
        name, cudnn = torch.cuda.get_device_name(), torch.backends.cudnn.version()
        note = "0 math, 1 flash, 2 efficient, 3 cudnn"
        results.say("gpu", name=name, cuda=torch.version.cuda, cudnn=cudnn, sdp_order=str(order), note=note)
    small = torch.ones(64, device=device)
    launch = seconds(device, lambda: small.add_(1), 2000)
    product, memory = matrix_rate(device, Precision(device, bf16=cuda)), bandwidth(device)
    results.say("rates", launch_us=1e6 * launch, products_tflops=product / 1e12, memory_gb_s=memory / 1e9)
    results.say("a checkpoint's way", **checkpoint(device))


if __name__ == "__main__":
    main()
