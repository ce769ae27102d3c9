"""Run records: directories that can be moved, published and trusted.

::

    run.json                  settings with origins, data, encoder, versions, fingerprints, device, seed
    history.jsonl             logs and validation scores, one line per event
    encoder/                  architecture and tokenizer, so that the run predicts without its data
    best.safetensors          the best epoch's weights of model and objective
    last.safetensors          the last epoch's weights and optimiser states, until the run is complete
    predictions.safetensors   row, predicted label, correctness and logits of every test row (no texts, no gold labels);
                              with several labels a text: row, logits, given labels, hits, number of true labels
    validation.safetensors    with several labels a text: the logits of every validation row, so that other thresholds
                              can be tuned without the weights
    predictions.csv           the same with ids and probabilities, for a test split without labels
    failure.json              why the last attempt ended early
    result.json               the scores; written last: a run is complete exactly if this file exists
    .lock, .holder            the lock of the process that works on the run, and that process's id and host

Tensors are safetensors, everything else is JSON. Nothing is pickled, no file refers to another, and no file may be a
link to another folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.core.files import contained, read_json
from fecbench.core.settings import DEFAULTS
from fecbench.core.strict_json import loads
from fecbench.runs.digests import content_digest, file_digest, older_run_digest, result_digest, run_digest
from fecbench.runs.local_paths import encoder_name
from fecbench.runs.lock_state import is_held
from fecbench.runs.schema import ModelRunFile, ResultFile, RunFile, validated

if TYPE_CHECKING:
    from collections.abc import Mapping


FORMAT = 1
FORMAT_OF = {"single": FORMAT, "multi": 2}  # a record of texts with several labels has other scores and predictions
ROOT = Path("runs")
RUN, RESULT, HISTORY, FAILURE, PREDICTIONS = (
    "run.json",
    "result.json",
    "history.jsonl",
    "failure.json",
    "predictions.safetensors",
)
TABLE = "predictions.csv"
VALIDATION = "validation.safetensors"
ENCODER, LOCK, HOLDER = "encoder", ".lock", ".holder"


@dataclass(frozen=True)
class Record:
    """A run directory.

    A ``Record`` reads and checks ``run.json`` and ``result.json`` once, at the first access, and keeps their content: a
    run writes each of them once and never changes it. Status, failure and history are read at every access. Make a new
    ``Record``, or call :meth:`reload`, to read files that were edited.
    """

    folder: Path

    @property
    def id(self) -> str:
        """The directory's name."""
        return self.folder.resolve().name

    @property
    def run_file(self) -> RunFile:
        """The content of ``run.json``.

        Raises:
            RunError: the file is missing, broken or of another format.
        """
        return self._run[1]

    @property
    def result_file(self) -> ResultFile:
        """The content of ``result.json``.

        Raises:
            RunError: the file is missing, broken, edited or of another run than ``run.json``.
        """
        return self._result[1]

    @property
    def about(self) -> Mapping[str, Any]:
        """The content of ``run.json`` as a mapping, with keys that :attr:`run_file` doesn't know."""
        return self._run[0]

    @property
    def result(self) -> Mapping[str, Any]:
        """The content of ``result.json`` as a mapping, with keys that :attr:`result_file` doesn't know."""
        return self._result[0]

    @cached_property
    def _run(self) -> tuple[dict[str, Any], RunFile]:
        path = self.folder / RUN
        content = read_json(path)
        if content.get("format") not in FORMAT_OF.values():
            known = " or ".join(map(str, FORMAT_OF.values()))
            raise RunError(
                f"{path} must have format {known}, found {content.get('format')!r}; read it with the fecbench that "
                "wrote it"
            )
        return content, validated(content, RunFile, path)

    @cached_property
    def _result(self) -> tuple[dict[str, Any], ResultFile]:
        path = self.folder / RESULT
        content = read_json(path)
        result = validated(content, ResultFile, path)
        _check_digest(result, "run", run_digest(self.about), path, older_run_digest(self.about))
        _check_digest(result, "result", result_digest(content), path)
        return content, result

    def reload(self) -> None:
        """Forget the content of ``run.json`` and ``result.json``; the next access reads the files again."""
        for name in ("_run", "_result"):
            vars(self).pop(name, None)

    def check_part(self, part: str, digest: str, path: Path) -> None:
        """Check the digest of a part of a complete record.

        Parts are ``history``, ``encoder``, ``weights``, ``predictions`` (of the test rows) and ``validation``.

        Raises:
            RunError: ``result.json`` has another digest of the part, which is in ``path``.
        """
        _check_digest(self.result_file, part, digest, path)

    @property
    def status(self) -> str:
        """The run's state: ``complete``, ``running``, ``failed``, ``interrupted`` or ``unfinished`` (it was killed)."""
        if (self.folder / RESULT).exists():
            return "complete"
        if self.is_running():
            return "running"
        recorded = self.failure.get("status") if (self.folder / FAILURE).exists() else "unfinished"
        return str(recorded) if recorded in ("interrupted", "unfinished") else "failed"

    def check_complete(self) -> None:
        """Raise RunError if the run isn't complete."""
        status = self.status
        if status != "complete":
            raise RunError(
                f"{self.folder} must be a complete run, but is {status}; finish it with `fecbench run ... --resume`"
            )

    def is_running(self) -> bool:
        """Return True if a process works on the run. The run's exclusive lock is never taken (ADR 18).

        ``.holder`` names the process while it works; its lock tells a living process from one that was killed.
        """
        return (self.folder / HOLDER).exists() and is_held(self.folder / LOCK)

    @property
    def failure(self) -> dict[str, Any]:
        """The content of ``failure.json``; ``{}`` if the file is missing or unreadable."""
        try:
            return read_json(self.folder / FAILURE)
        except RunError:
            return {}

    @property
    def encoder(self) -> Path:
        """The folder of architecture and tokenizer.

        Raises:
            RunError: one of its files leads out of the run's folder.
        """
        for path in (self.folder / ENCODER, *(self.folder / ENCODER).rglob("*")):
            contained(path, self.folder)
        return self.folder / ENCODER

    def inside(self, name: str) -> Path:
        """Return the path of a file or folder of the run.

        Raises:
            RunError: it leads out of the run's folder.
        """
        return contained(self.folder / name, self.folder)

    def settings(self) -> dict[str, Any]:
        """Return the value of every setting; one that is newer than the record has its default, which was in force."""
        return {**DEFAULTS, **{key: setting.value for key, setting in self.run_file.settings.items()}}

    @property
    def limit(self) -> int | None:
        """The run's ``--limit``; None if it left out no training row."""
        limit, dataset = self.settings()["limit"], self.run_file.dataset
        if limit is None:
            return None
        available = dataset.available
        if available is None:  # an older record: as many rows as were read, unless that is the limit
            read = dataset.rows.train if dataset.rows else limit
            available = read if read < limit else limit + 1
        return limit if limit < available else None

    def history(self) -> list[dict[str, Any]]:
        """Return the events of ``history.jsonl``, without lines that a kill cut short or that are no events.

        Raises:
            RunError: the run is complete, and its history was edited.
        """
        path = self.inside(HISTORY)
        if not path.is_file():
            return []
        content, events = path.read_bytes(), []
        if self.status == "complete":
            self.check_part("history", content_digest({HISTORY: content}), path)
        for line in content.decode("utf-8", errors="replace").splitlines():
            try:
                event = loads(line, numbers=False)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("epoch"), int) and "event" in event:
                events.append(event)
        return events


def encoder_digest(record: Record) -> str:
    """Return the digest of the encoder's architecture and tokenizer. Raises RunError if a file can't be read."""
    folder = record.folder / ENCODER
    try:
        return file_digest(*(path for path in folder.iterdir() if path.suffix in (".json", ".txt", ".model")))
    except OSError as error:
        raise RunError(f"{folder} must hold the run's encoder: {error}; restore it or run it again") from error


def _check_digest(result: ResultFile, part: str, digest: str, path: Path, older: str | None = None) -> None:
    if result.seal.get(part, digest) not in (digest, older):
        raise RunError(
            f"{path} must be as this run wrote it, but was edited since, or is another run's; restore it or delete the "
            "run"
        )


def shown_notes(record: Record) -> list[str]:
    """Return the record's own notes, such as that the run was LIMITED, with the encoder's name in place of its path."""
    run_file, shown = record.run_file, encoder_name(record)
    name = run_file.encoder.name if run_file.encoder else None
    return [note.replace(f"encoder {name} ", f"encoder {shown} ") for note in run_file.notes]


def model_run_file(record: Record) -> ModelRunFile:
    """Return ``run.json`` with all that is needed to build the run's model again.

    Raises:
        RunError: a key is missing; the message names it.
    """
    return validated(record.about, ModelRunFile, record.folder / RUN)
