"""Write the files of a run's record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fecbench.core.files import read_tensors, to_disk, write_json, writing
from fecbench.runs.digests import SEAL, file_digest, result_digest, run_digest, tensor_digest
from fecbench.runs.record import (
    ENCODER,
    FAILURE,
    FORMAT_OF,
    HISTORY,
    PREDICTIONS,
    RESULT,
    RUN,
    VALIDATION,
    encoder_digest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fecbench.model.encoders.source import EncoderSource
    from fecbench.runs.record import Record


def write_encoder(record: Record, source: EncoderSource) -> None:
    """Write ``encoder/`` and flush it to the disk: ``run.json``, which is written next, implies that it is there.

    Raises:
        RunError: it can't be written.
    """
    folder, tokenizer = record.encoder, source.tokenizer
    rules = tokenizer.backend_tokenizer
    rules.no_truncation()  # its last use may have set both; equal runs write equal files
    rules.no_padding()
    defaults = {"truncation_side": "right", "split_special_tokens": False}
    for name, default in defaults.items():
        if getattr(tokenizer, name) != default:
            tokenizer.init_kwargs[name] = getattr(tokenizer, name)  # transformers saves only these
    with writing(folder):
        source.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        for path in folder.iterdir():
            to_disk(path)


def write_about(record: Record, about: Mapping[str, Any]) -> None:
    """Write ``run.json``."""
    form = FORMAT_OF[about["dataset"].get("labelling", "single")]
    write_json(
        record.folder / RUN, {"format": form, "started": datetime.now(UTC).isoformat(timespec="seconds"), **about}
    )


def write_failure(record: Record, status: str, message: str) -> None:
    """Write ``failure.json``."""
    write_json(record.folder / FAILURE, {"status": status, "message": message})


def complete(record: Record, result: Mapping[str, Any]) -> None:
    """Write ``result.json`` with the digests of the other files: from this moment the run is complete."""
    write_json(record.folder / RESULT, {**result, SEAL: _digests(record, result)})
    with writing(record.folder / FAILURE, "remove it by hand: the run is complete"):
        (record.folder / FAILURE).unlink(missing_ok=True)


def _digests(record: Record, result: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of the parts that an almost complete record has."""
    from fecbench.training.checkpoints import BEST  # imports torch, which help and completion do without

    folder = record.folder
    digests = {"run": run_digest(record.about), "result": result_digest(result)}
    if (folder / HISTORY).is_file():
        digests["history"] = file_digest(folder / HISTORY)
    if (folder / ENCODER).is_dir():
        digests["encoder"] = encoder_digest(record)
    for part, name in (("weights", BEST), ("predictions", PREDICTIONS), ("validation", VALIDATION)):
        if (folder / name).is_file():
            digests[part] = tensor_digest(read_tensors(folder / name)[0])
    return digests
