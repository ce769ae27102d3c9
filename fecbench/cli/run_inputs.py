"""Read settings, digests and trials that ``fecbench run`` takes from a file or as JSON."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import UsageError
from fecbench.core.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fecbench.runs.identity import RowsAndCode
    from fecbench.runs.schema import RecordedTrial


def settings_below_flags(command: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of ``--config`` and ``--settings``; the latter win.

    Raises:
        UsageError: one of them can't be read or holds something else.
    """
    return {**_file_settings(command["config"]), **_json_settings(command["settings"])}


def _file_settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"--config must be a TOML or JSON file of settings, but {path}: {error}; correct it") from None
    settings = _settings_in(content, path)
    values = {name.replace("-", "_"): _value(given, name, path) for name, given in settings.items()}
    return {name: value for name, value in values.items() if value is not None}


def _settings_in(content: Any, path: Path) -> dict[str, Any]:
    """Return the settings of a file: all of it, or its table ``settings``, as ``--dry-run --json`` prints them."""
    settings = content.get("settings", content) if isinstance(content, dict) else content
    if not isinstance(settings, dict):
        raise UsageError(f"--config must hold settings by name, but {path} holds {type(settings).__name__}; correct it")
    beside = [] if settings is content else sorted(content.keys() - {"settings", "objective"})
    if beside:
        raise UsageError(
            f"--config must hold settings alone, but {path} has {', '.join(beside)} beside its table settings; move "
            "settings into it and leave out the rest"
        )
    return settings


def _value(given: Any, name: str, path: Path) -> Any:
    """Return a setting's value, also if it has its origin beside it, as ``--dry-run --json`` prints it."""
    if isinstance(given, dict) and "value" not in given:
        raise UsageError(f"--config must hold settings by name, but {name} in {path} is a table; move its settings out")
    return given["value"] if isinstance(given, dict) else given


def _json_settings(text: str | None) -> dict[str, Any]:
    try:
        settings = {} if text is None else loads(text)
    except ValueError as error:
        raise UsageError(f"--settings must be a JSON object, but {error}; correct it") from error
    if not isinstance(settings, dict):
        raise UsageError(f"--settings must be a JSON object of settings by name, but is {text}; correct it")
    return settings


def expected_digests(text: str | None) -> RowsAndCode | None:
    """Return the digests of rows, code and labels given by ``--expected``.

    Raises:
        UsageError: the text is not a JSON object of these digests.
    """
    from fecbench.runs.identity import RowsAndCode

    try:
        return None if text is None else RowsAndCode(**loads(text))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"--expected must be a JSON object of the digests rows, code and labels, but {error}; leave it out"
        ) from None


def recorded_trial(text: str | None) -> RecordedTrial | None:
    """Return the trial of a search given by ``--trial``.

    Raises:
        UsageError: the text is not a JSON object of a trial.
    """
    from fecbench.runs.schema import RecordedTrial

    try:
        return None if text is None else RecordedTrial.model_validate_json(text)
    except ValueError:
        raise UsageError(
            "--trial must be a JSON object of a search's digest and the number of its trial, but isn't; leave it out"
        ) from None
