"""Which record a run works in: a new one, or the unfinished one that it continues, held against other processes."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.runs import provenance
from fecbench.runs.find import readable_records
from fecbench.runs.identity import difference
from fecbench.runs.provenance import Content
from fecbench.runs.record import (
    FAILURE,
    HOLDER,
    ROOT,
    RUN,
    Record,
    create,
    drop_drafts,
    encoder_digest,
    leave,
    new_folder,
    sign,
    write_encoder,
    write_failure,
)
from fecbench.training.checkpoints import Checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fecbench.runs.build import Built
    from fecbench.runs.plan import Plan


def open_record(plan: Plan, identity: Mapping[str, Any], folder: Path | None, resume: bool) -> Record:
    """The record to work in: the one to resume, or a new one.

    Raises:
        RunError: there is none to resume, or it is another run; or the folder of a new one is taken.
    """
    if resume and folder is None:
        return _unfinished(identity)
    if resume and folder and (folder / RUN).exists():
        record = Record(folder)
        different = difference(record.run_file, identity)
        if different:
            raise RunError(
                f"{folder} can only be continued as it was begun, but {different}; start afresh in another --run-dir"
            )
        return record
    words = (plan.name, plan.settings.dataset, plan.settings.encoder, f"s{plan.settings.seed}")
    return create(folder or new_folder("-".join(re.sub(r"[^\w.]+", "-", word).strip("-.") for word in words)))


def _unfinished(identity: Mapping[str, Any]) -> Record:
    for record in readable_records(ROOT):
        if record.status in ("unfinished", "interrupted", "failed") and not difference(record.run_file, identity):
            return record
    raise RunError(
        f"--resume needs an unfinished run of these settings, data and code under {ROOT}/, but there is none; leave it out"
    )


def same_encoder(record: Record, built: Built) -> None:
    """Whether ``built``, before a checkpoint is loaded, has the encoder that an unfinished run was begun with; a new record has none yet.

    Raises:
        RunError: it has other weights, another architecture or tokenizer; or the record's ``encoder/`` is missing.
    """
    if not (record.folder / RUN).exists():
        return
    with TemporaryDirectory() as folder:
        write_encoder(fresh := Record(Path(folder)), built.source)
        same = encoder_digest(fresh) == encoder_digest(record)
    encoder = record.run_file.encoder
    weights = encoder.weights if encoder else None
    if not same or provenance.weights_version(built.model.encoder.network) != weights:
        raise RunError(
            f"{record.folder} can only be continued with the encoder it was begun with, but the files of {built.source.name} have changed "
            "since; restore them, or start afresh in another --run-dir"
        )


@contextmanager
def held(
    plan: Plan, identity: Mapping[str, Any], folder: Path | None, resume: bool, expected: Content | None = None
) -> Iterator[Record]:
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
        open_record(
            plan, identity, record.folder, resume
        )  # once more: until the lock was had another process may have worked on it
        sign(record)
        drop_drafts(record)
        _check_content(record, identity, expected)
        yield record
    finally:
        leave(record)
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
            write_failure(record, "failed", message)
        raise RunError(message)


def _clear(record: Record) -> None:
    """Remove what a run leaves that is killed just when it is complete."""
    with suppress(OSError):  # a record that can't be changed is as good
        Checkpoints(record.folder).drop_last()
        for name in (FAILURE, HOLDER):
            (record.folder / name).unlink(missing_ok=True)
