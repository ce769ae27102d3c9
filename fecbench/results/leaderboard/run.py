"""Read a run's record once, check it and keep the parts that a leaderboard needs."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.core.text import shortened
from fecbench.model.encoders.tiny import FAMILIES
from fecbench.results.leaderboard.board import condition
from fecbench.runs.local_paths import name_of
from fecbench.training.metrics import PRIMARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fecbench.runs.record import Record


# encoders with random weights, by name: older records have no field for it
RANDOM = ("scratch", "none", *(f"tiny-{family}" for family in FAMILIES))


@dataclass(frozen=True)
class Run:
    """A run as the leaderboard shows it, complete or not.

    Attributes:
        record: the run's record.
        status: ``complete``, ``running``, ``failed``, ``interrupted`` or ``unfinished``.
        started: the start as ISO 8601 text, by which runs are ordered.
        objective: the method's name.
        variant_of: the method that this one is a variant of; empty for no variant, None in older records.
        dataset: the data set's name.
        title: the data set's long name.
        fingerprint: the digest of the data rows; equal exactly for equal data.
        labels: the labels in the run's own numbering.
        settings: every resolved setting's value. In the rows of a table the encoder has a name
            that no other encoder of the table has.
        limit: the limit on training rows; None if it left no row out.
        encoder: the encoder's name as in the record, with a path reduced to its last part.
        weights: the digest of the encoder's weights before training; empty in older records.
        pretrained: True if the weights come from a checkpoint; None in older records.
        sources: the versions of the code by package; empty in older records.
        versions: the versions of Python and of installed packages; empty in older records.
        device: the device, with the number of ranks if there are several.
        code: the version of all code.
        precision: the floating-point precision.
        revision: the encoder's revision; empty if it has none.
        notes: the record's own notes.
        scores: the test scores by metric, as fractions; empty unless complete.
        support: the number of true test rows by label; empty unless complete.
        weights_shown: the text that tells the encoder's weights from others of the same name; empty if not needed.
    """

    record: Record
    status: str
    started: str
    objective: str
    variant_of: str | None
    dataset: str
    title: str
    fingerprint: str
    labels: tuple[str, ...]
    settings: Mapping[str, Any]
    limit: int | None
    encoder: str
    weights: str
    pretrained: bool | None
    sources: Mapping[str, str]
    versions: Mapping[str, str]
    device: str
    code: str
    precision: str
    revision: str
    notes: tuple[str, ...]
    scores: Mapping[str, float]
    support: Mapping[str, int]
    weights_shown: str = ""

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.settings["seed"])

    def condition(self, key: str) -> Any:
        """Return a setting's value for comparisons (:func:`~fecbench.results.leaderboard.board.condition`)."""
        return self.limit if key == "limit" else condition(self.settings, key)

    @property
    def reason(self) -> str:
        """The reason why the run isn't complete, on one line."""
        if self.status == "failed":
            message = str(self.record.failure.get("message", "")).partition("\n")[0]
            if "/" in message or "\\" in message:  # a board must show no path of the machine
                message = message.partition(":")[0]
            return f"failed: {message}" if message else "failed"
        return {"unfinished": "stopped without an error message"}.get(self.status, self.status)


def read_run(record: Record) -> Run:
    """Read the run of ``record``.

    Raises:
        RunError: a file of the record is missing or broken, or lacks a field that a table needs.
    """
    try:
        about, status = record.about, record.status
        result = record.result if status == "complete" else {}
        data, encoder, settings = about["dataset"], about.get("encoder") or {}, _settings(record)
        return Run(
            record=record,
            status=status,
            started=str(about.get("started", "")),
            objective=about["objective"]["name"],
            variant_of=about["objective"].get("variant_of"),
            dataset=data["name"],
            title=data.get("title", data["name"]),
            fingerprint=data["fingerprint"],
            labels=tuple(data["labels"]),
            settings=settings,
            limit=record.limit,
            encoder=str(name_of("encoder", str(settings["encoder"]))),
            weights=encoder.get("weights") or "",
            pretrained=False if settings["encoder"] in RANDOM else encoder.get("pretrained"),
            sources=about.get("sources") or {},
            versions=about.get("versions") or {},
            device=_device(about),
            code=about["code"],
            precision=about.get("precision", ""),
            revision=encoder.get("revision") or "",
            notes=tuple(about.get("notes", ())),
            scores=_scores(result["metrics"]["test"]) if status == "complete" else {},
            support={label: int(result["per_class"][label]["support"]) for label in data["labels"]}
            if status == "complete"
            else {},
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RunError(
            f"{record.folder} must be a whole run record, but reading it found {error!r}; restore it or delete the run"
        ) from error


def _scores(recorded: Mapping[str, float]) -> dict[str, float]:
    scores = {name: float(score) for name, score in recorded.items()}
    if not scores.keys() >= set(PRIMARY) or not all(map(isfinite, scores.values())):
        raise ValueError(f"scores must be finite, and {', '.join(PRIMARY)} among them")
    return scores


def _device(about: Mapping[str, Any]) -> str:
    device, ranks = str(about.get("device") or ""), about.get("ranks", 1)
    return f"{device}, {ranks} ranks" if ranks not in (None, 1) else device


def _settings(record: Record) -> dict[str, Any]:
    recorded = record.about["settings"]
    _ = int(recorded["seed"]["value"]), recorded["encoder"]  # raises if a setting that every table needs is missing
    return record.settings()


def read_runs(records: Iterable[Record]) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """Return the readable runs in the given order, and a note that names the broken records."""
    found, broken = [], []
    for record in records:
        try:
            found.append(read_run(record))
        except RunError:
            broken.append(record.id)
    return tuple(found), ((f"left out because their records are broken: {shortened(broken)}",) if broken else ())
