"""Count operations, copies and waits of each method's training step on a GPU or, without one, on fake tensors."""

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
import torch
from material import SHAPE, encoder

from fecbench.core import registry
from fecbench.objective.check import get_objective
from fecbench.testing.device_check.measure import Case, device_reports
from fecbench.testing.device_check.report import DeviceReport

COLUMNS = ("method", "operations", "copies", "waits", "a batch predicted", "waits predicting")


def rows(methods: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield label, method and options of each row; of `ce` also padded."""
    for method in methods or tuple(registry.objectives):
        if not get_objective(method).trains:
            continue
        yield method, method, {}
        if method == "ce":
            yield "ce, padded", method, {"packing": False}


def cells(label: str, report: DeviceReport) -> tuple[str, ...]:
    """Return the cells of a row; if a part failed, its error."""
    if report.faulty:
        name, part = report.faulty
        return label, f"fails in {name}: {part.fault}"
    predicted = report.parts["prediction"]
    each = report.operations("prediction") / predicted.batches
    step = f"{report.operations():,}", str(report.copies()), str(report.waits())
    return label, *step, f"{each:,.0f}", f"{report.waits('prediction')} in {predicted.batches} batches"


@click.command(help=__doc__)
@click.option("--encoder", "encoders", multiple=True, default=(SHAPE,), show_default=True)
@click.option("--method", "methods", multiple=True, help="an objective; by default every one that trains")
@click.option("--dataset", default="demo", show_default=True)
@click.option("--data-dir", type=click.Path(), help="folder of the data sets, one subfolder each")
@click.option("--precision", type=click.Choice(["bf16", "float32"]), default="bf16", show_default=True)
def main(
    encoders: tuple[str, ...], methods: tuple[str, ...], dataset: str, data_dir: str | None, precision: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in encoders:
            common = {"dataset": dataset, "encoder": encoder(name, Path(folder) / name), "device": "cpu"}
            chosen = list(rows(methods))
            cases = [
                Case(method, {**common, **options}, data_dir, precision == "bf16") for _, method, options in chosen
            ]
            reports = device_reports(cases)
            print(f"\n{date.today()}, torch {torch.__version__}, {name}, {dataset}, {precision}, {reports[0].device}")
            print("| " + " | ".join(COLUMNS) + " |")
            print("| --- |" + " ---: |" * (len(COLUMNS) - 1))
            for (label, _, _), report in zip(chosen, reports, strict=True):
                print("| " + " | ".join(cells(label, report)) + " |")


if __name__ == "__main__":
    main()
