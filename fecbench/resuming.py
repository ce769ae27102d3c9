"""Which record a run works in: a new one, or the unfinished one that it continues, held against other processes."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from fecbench import devices, heads, objective, provenance, registry, runs
from fecbench.checkpoints import Checkpoints
from fecbench.errors import RunError
from fecbench.provenance import Content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from accelerate import Accelerator

    from fecbench.building import Built
    from fecbench.datasets.core import EmotionData
    from fecbench.planning import Plan
    from fecbench.runs import Record


def identify(plan: Plan, data: EmotionData, accelerator: Accelerator) -> dict[str, Any]:
    """What makes two runs the same: objective, data, settings, code, and what it is computed on."""
    origin, precision = registry.objectives.origin(plan.name), devices.precision(plan.settings.precision, accelerator.device)
    packages = plugins(plan.name, plan.settings.head, plan.settings.encoder)
    return {
        "device": torch.cuda.get_device_name(precision.device) if precision.device.type == "cuda" else precision.device.type,
        "precision": "bf16" if precision.bf16 else "float32",
        "ranks": accelerator.num_processes,
        "versions": provenance.package_versions(),
        "objective": {
            "name": plan.name,
            "distribution": origin.distribution,
            "version": origin.version,
            "variant_of": plan.objective.variant_of,
        },
        "dataset": {"name": data.name, "fingerprint": data.fingerprint, "labels": list(data.labels), "label_texts": list(data.label_texts)},
        "settings": {key: {"value": setting.value, "origin": setting.origin} for key, setting in plan.origins.items()},
        "code": provenance.code_version(*packages),
        "sources": provenance.source_versions(*packages),
    }


def open_record(plan: Plan, identity: Mapping[str, Any], folder: Path | None, resume: bool) -> Record:
    """The record to work in: the one to resume, or a new one.

    Raises:
        RunError: there is none to resume, or it is another run; or the folder of a new one is taken.
    """
    if resume and folder is None:
        return _unfinished(identity)
    if resume and folder and (folder / runs.RUN).exists():
        record = runs.Record(folder)
        different = _difference(record.about, identity)
        if different:
            raise RunError(f"{folder} can only be continued as it was begun, but {different}; start afresh in another --run-dir")
        return record
    words = (plan.name, plan.settings.dataset, plan.settings.encoder, f"s{plan.settings.seed}")
    return runs.create(folder or runs.new_folder("-".join(re.sub(r"[^\w.]+", "-", word).strip("-.") for word in words)))


def _unfinished(identity: Mapping[str, Any]) -> Record:
    for record in runs.readable(runs.ROOT):
        if record.status in ("unfinished", "interrupted", "failed") and not _difference(record.about, identity):
            return record
    raise RunError(f"--resume needs an unfinished run of these settings, data and code under {runs.ROOT}/, but there is none; leave it out")


def plugins(name: str, head: str, encoder: str) -> list[object]:
    """What of a run comes in through entry points: objective, head and encoder."""
    return [objective.named(name), heads.named(head), *([registry.encoders.get(encoder)] if encoder in registry.encoders else [])]


def _difference(about: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    """In words, the first thing in which a record is another run than ``identity``; empty where it is the same."""
    if about["objective"]["name"] != identity["objective"]["name"]:
        return f"its objective was {about['objective']['name']}"
    for key, setting in identity["settings"].items():
        recorded = about["settings"].get(key, {}).get("value")
        if recorded != setting["value"]:
            return f"its {key} was {recorded}, not {setting['value']}"
    if about["dataset"]["fingerprint"] != identity["dataset"]["fingerprint"]:
        return "its data was other rows"
    if any(about["dataset"][key] != identity["dataset"][key] for key in ("labels", "label_texts")):
        return "its labels stood in another order or were described otherwise"
    for key in ("device", "precision", "ranks", "versions"):
        if about[key] != identity[key]:
            return f"its {key} was {about[key]}, not {identity[key]}"
    return "" if about["code"] == identity["code"] else "the code of fecbench or of one of its plugins has changed since"


def same_encoder(record: Record, built: Built) -> None:
    """Whether ``built``, before a checkpoint is loaded, has the encoder that an unfinished run was begun with; a new record has none yet.

    Raises:
        RunError: it has other weights, another architecture or tokenizer; or the record's ``encoder/`` is missing.
    """
    if not (record.folder / runs.RUN).exists():
        return
    with TemporaryDirectory() as folder:
        runs.write_encoder(fresh := runs.Record(Path(folder)), built.source)
        same = runs.encoder_digest(fresh) == runs.encoder_digest(record)
    if not same or provenance.weights_version(built.model.encoder.network) != record.about["encoder"]["weights"]:
        raise RunError(
            f"{record.folder} can only be continued with the encoder it was begun with, but the files of {built.source.name} have changed "
            "since; restore them, or start afresh in another --run-dir"
        )


@contextmanager
def held(plan: Plan, identity: Mapping[str, Any], folder: Path | None, resume: bool, expected: Content | None = None) -> Iterator[Record]:
    """The record to work in (:func:`open_record`), locked unless it is complete; a folder in which nothing was begun is removed again.

    Raises:
        RunError: as :func:`open_record`; or another process works on it; or the run isn't of the rows and code that are expected.
    """
    record = open_record(plan, identity, folder, resume)
    if record.status == "complete":
        _check_content(record, identity, expected)
        _clear(record)
        yield record
        return
    lock = record.lock()
    try:
        open_record(plan, identity, record.folder, resume)  # once more: until the lock was had another process may have worked on it
        runs.sign(record)
        runs.drop_drafts(record)
        _check_content(record, identity, expected)
        yield record
    finally:
        runs.leave(record)
        lock.release()


def _check_content(record: Record, identity: Mapping[str, Any], expected: Content | None) -> None:
    """Whether the run is of the rows and the code that are expected.

    Raises:
        RunError: it isn't; ``failure.json`` says so too.
    """
    changed = expected.difference(Content.of(identity)) if expected else ""
    if changed:
        message = f"{record.folder} was planned before {changed} changed; give the command that planned it again"
        if record.status != "complete":
            runs.write_failure(record, "failed", message)
        raise RunError(message)


def _clear(record: Record) -> None:
    """Remove what a run leaves that is killed just when it is complete."""
    with suppress(OSError):  # a record that can't be changed is as good
        Checkpoints(record.folder).drop_last()
        for name in (runs.FAILURE, runs.HOLDER):
            (record.folder / name).unlink(missing_ok=True)
