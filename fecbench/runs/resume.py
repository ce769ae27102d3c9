"""Create a new run record or resume an unfinished one, and lock it."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.core.files import writing
from fecbench.runs import provenance
from fecbench.runs.find import readable_records
from fecbench.runs.identity import RowsAndCode, difference
from fecbench.runs.local_paths import name_of
from fecbench.runs.record import FAILURE, HOLDER, ROOT, RUN, Record, encoder_digest
from fecbench.runs.run_folder import acquire, busy, create, drop_drafts, leave, new_folder, set_aside, sign
from fecbench.runs.write_record import write_encoder, write_failure
from fecbench.training.checkpoints import Checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fecbench.runs.build import Built
    from fecbench.runs.plan import Plan


def open_record(
    plan: Plan, identity: Mapping[str, Any], folder: Path | None, resume: bool, restart: bool = False
) -> Record:
    """Return the record to resume, or a new one.

    With ``restart`` an unfinished run of another computation in ``folder`` is set aside instead of refused.

    Raises:
        RunError: no record can be resumed, ``folder`` holds another run, or a new record's folder is taken.
    """
    if resume and folder is None:
        return _unfinished(identity)
    if resume and folder and (folder / RUN).exists():
        record = Record(folder)
        different = difference(record.run_file, identity)
        if not different:
            return record
        if not restart or record.status == "complete":
            raise RunError(
                f"{folder} must be resumed with the settings, data and code of its start, but {different}; "
                "start a new run in another --run-dir"
            )
        if record.status == "running":
            raise RunError(busy(record))
        set_aside(folder)
    settings = plan.settings
    fold = [] if settings.folds is None else [f"f{settings.fold}"]
    dataset, encoder = name_of("dataset", settings.dataset), name_of("encoder", settings.encoder)
    words = (plan.name, dataset, encoder, f"s{settings.seed}", *fold)
    return create(folder or new_folder("-".join(re.sub(r"[^\w.]+", "-", word).strip("-.") for word in words)))


def _unfinished(identity: Mapping[str, Any]) -> Record:
    for record in readable_records(ROOT):
        if record.status in ("unfinished", "interrupted", "failed") and not difference(record.run_file, identity):
            return record
    raise RunError(
        f"--resume needs an unfinished run of these settings, data and code under {ROOT}/, but there is none; leave "
        "it out"
    )


def same_encoder(record: Record, built: Built) -> None:
    """Check that ``built``, before a checkpoint is loaded, has the encoder that the unfinished run was begun with.

    A new record has no encoder yet.

    Raises:
        RunError: weights, architecture or tokenizer differ, or the record's ``encoder/`` is missing.
    """
    if not (record.folder / RUN).exists():
        return
    with TemporaryDirectory() as folder:
        write_encoder(fresh := Record(Path(folder)), built.source)
        same = encoder_digest(fresh) == encoder_digest(record)
    encoder = record.run_file.encoder
    weights = encoder.weights if encoder else None
    if not same or provenance.weights_digest(built.model.encoder.network) != weights:
        raise RunError(
            f"{record.folder} can only be continued with the encoder it was begun with, but the files of "
            f"{built.source.name} have changed since; restore them, or start a new run in another --run-dir"
        )


@contextmanager
def held(
    plan: Plan, identity: Mapping[str, Any], folder: Path | None, resume: bool, expected: RowsAndCode | None = None
) -> Iterator[Record]:
    """Yield the record to work in (:func:`open_record`), locked unless it is complete.

    Afterwards the folder is deleted if the run never started. A run that is ``expected`` is one of a benchmark, whose
    user chooses no folders: an unfinished run of another computation, such as one of another device, is set aside.

    Raises:
        RunError: as :func:`open_record`; another process works on the run; or its rows, code or labels aren't those
            ``expected``.
    """
    planned = expected is not None and not expected.difference(RowsAndCode.of(identity))
    record = open_record(plan, identity, folder, resume, restart=planned)
    if record.status == "complete":
        _check_content(record, identity, expected)
        _clear(record)
        yield record
        return
    lock = acquire(record)
    try:
        open_record(plan, identity, record.folder, resume)  # again: another process may have held the lock before
        # The signature first: it claims the files that follow as fecbench's.
        sign(record)
        drop_drafts(record)
        _check_content(record, identity, expected)
        with writing(record.folder):  # if this attempt is killed, the reason of the one before mustn't stand for it
            (record.folder / FAILURE).unlink(missing_ok=True)
        yield record
    finally:
        leave(record)  # before the release: afterwards it could remove the files of the next process
        lock.release()


def _check_content(record: Record, identity: Mapping[str, Any], expected: RowsAndCode | None) -> None:
    """Check that the run has the rows, code and labels that are ``expected``.

    Raises:
        RunError: one differs; ``failure.json`` records it too.
    """
    changed = expected.difference(RowsAndCode.of(identity)) if expected else ""
    if changed:
        message = f"{record.folder} was planned before {changed} changed; give the command that planned it again"
        if record.status != "complete":
            write_failure(record, "failed", message)
        raise RunError(message)


def _clear(record: Record) -> None:
    """Remove the files that a run leaves if it is killed right after it completed."""
    with suppress(OSError):  # they do no harm in a record that can't be changed
        Checkpoints(record.folder).drop_last()
        for name in (FAILURE, HOLDER):
            (record.folder / name).unlink(missing_ok=True)
