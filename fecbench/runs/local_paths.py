"""Replace local paths by their last component before showing, comparing or publishing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fecbench.data.datasets.addresses import HUB_PREFIX, is_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.runs.record import Record

T = TypeVar("T")
UNNAMED = "a local folder"  # such as `.`
ON_THE_HUB = {
    "dataset": re.compile(f"{HUB_PREFIX}.*"),
    "encoder": re.compile(r"\w[\w.-]*/[\w.-]+"),
}  # addresses that are no paths, though they have separators
OPTION_PATH = re.compile(r"/|~/|\.\.?/|[A-Za-z]:[\\/]")  # how an option's value begins if it is a path


def last_name(path: str) -> str:
    """Return the last component of ``path``, or ``path`` itself if it has none.

    >>> last_name("/home/me/toy"), last_name("toy"), last_name(".")
    ('toy', 'toy', '.')
    """
    return Path(path).name or path


def name_of(setting: str, value: Any) -> Any:
    """Return a setting's value, or the last component if it is a path to a data set, an encoder or an option's file.

    >>> name_of("dataset", "/home/me/toy"), name_of("dataset", "hf:owner/name"), name_of("lr", 0.1)
    ('toy', 'hf:owner/name', 0.1)
    >>> name_of("encoder", "owner/name"), name_of("model", "/home/me/model"), name_of("model", "owner/of/model")
    ('owner/name', 'model', 'owner/of/model')
    """
    return last_name(value) if isinstance(value, str) and _is_local(setting, value) else value


def _is_local(setting: str, value: str) -> bool:
    """Return True if a setting's ``value`` is a path of this machine."""
    if setting in ON_THE_HUB:
        return is_path(value) and not ON_THE_HUB[setting].fullmatch(value)
    return OPTION_PATH.match(value) is not None


def encoder_name(record: Record) -> str:
    """Return the encoder's hub id, its registered name, or the last component of its path.

    >>> _shown("/home/me/models/tiny"), _shown("minilm"), _shown("."), _shown("../..")
    ('tiny', 'minilm', 'a local folder', 'a local folder')
    """
    encoder = record.run_file.encoder
    if encoder is None or encoder.name is None:  # an older record
        return UNNAMED
    return encoder.name if encoder.revision else _shown(encoder.name)


def _shown(path: str) -> str:
    name = last_name(path)
    return name if name.strip(".") else UNNAMED


def without_local_paths(content: T, settings: Mapping[str, Any]) -> T:
    """Return ``content`` with, at any depth, the last component in place of every local path that ``settings`` hold."""
    names = {str(value): str(name_of(setting, value)) for setting, value in settings.items()}
    # A path can begin with another one, whose replacement would leave a wrong rest.
    longest_first = sorted(names.items(), key=lambda pair: -len(pair[0]))
    return cast("T", _renamed(content, {path: name for path, name in longest_first if path != name}))


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, dict):
        return {key: _renamed(value, names) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_renamed(value, names) for value in content)
    if isinstance(content, str):
        for path, name in names.items():
            content = content.replace(path, name)
    return content
