"""Replace local paths by their last component before showing or publishing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fecbench.data.datasets.names import HUB_PREFIX, is_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.runs.record import Record

T = TypeVar("T")
UNNAMED = "a local folder"  # such as `.`


def encoder_name(record: Record) -> str:
    """The encoder: its hub id or registered name, or a folder's last name."""
    encoder = record.about["encoder"]
    return str(encoder["name"]) if encoder["revision"] else _last(encoder["name"])


def _last(name: str) -> str:
    """The last part of a path.

    >>> _last("/home/me/models/tiny"), _last("minilm"), _last("."), _last("../..")
    ('tiny', 'minilm', 'a local folder', 'a local folder')
    """
    last = Path(name).name
    return last if last.strip(".") else UNNAMED


def notes(record: Record) -> list[str]:
    """What the record itself tells its readers, such as that the run was LIMITED."""
    about = record.about
    return [
        note.replace(f"encoder {about['encoder']['name']} ", f"encoder {encoder_name(record)} ")
        for note in about["notes"]
    ]


NO_PLACE = {
    "dataset": re.compile(f"{HUB_PREFIX}.*"),
    "encoder": re.compile(r"\w[\w.-]*/[\w.-]+"),
}  # on the hub, for all alike
OWN_PLACE = re.compile(r"/|~/|\.\.?/|[A-Za-z]:[\\/]")  # how a path begins that an objective's own option names


def name_of(setting: str, value: Any) -> Any:
    """A setting's value; of a data set, an encoder or an objective's own option that was given as a path its last part alone.

    >>> name_of("dataset", "/home/me/toy"), name_of("dataset", "hf:owner/name"), name_of("encoder", "owner/name"), name_of("lr", 0.1)
    ('toy', 'hf:owner/name', 'owner/name', 0.1)
    >>> name_of("model", "/home/me/model"), name_of("model", "owner/of/model")
    ('model', 'owner/of/model')
    """
    if setting not in NO_PLACE:
        return Path(value).name or value if isinstance(value, str) and OWN_PLACE.match(value) else value
    if not is_path(str(value)) or NO_PLACE[setting].fullmatch(value):
        return value
    return Path(value).name or value


def without_places(content: T, settings: Mapping[str, Any]) -> T:
    """``content``, at any depth, with the name for every path that ``settings`` hold."""
    names = {str(settings[setting]): str(name_of(setting, settings[setting])) for setting in settings}
    longest_first = sorted(names.items(), key=lambda pair: -len(pair[0]))
    return cast("T", _renamed(content, {place: name for place, name in longest_first if place != name}))


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, dict):
        return {key: _renamed(value, names) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_renamed(value, names) for value in content)
    if isinstance(content, str):
        for place, name in names.items():
            content = content.replace(place, name)
    return content
