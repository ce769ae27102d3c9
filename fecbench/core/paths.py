"""Read paths as users give them, and tell them from names.

A shell does not expand ``~`` after ``=``, in quotes, in TOML files and in environment variables.
"""

import os
from pathlib import Path

from fecbench.core.errors import UsageError


def expanded(path: str) -> str:
    """Return ``path`` with a leading ``~`` or ``~user`` expanded, or unchanged if there is no such user.

    >>> expanded("a/~"), expanded("owner/name"), expanded("~nobody-of-that-name/x")
    ('a/~', 'owner/name', '~nobody-of-that-name/x')
    """
    return os.path.expanduser(path)  # noqa: PTH111  Path.expanduser raises where there is no such user


def path_of(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` as a path with a leading ``~`` expanded.

    Raises:
        UsageError: it is no path.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(
            f"a path must be a string or a Path, but {path!r} is a {type(path).__name__}; give each path by itself"
        )
    return Path(expanded(os.fspath(path)))


def path_text(path: str | os.PathLike[str]) -> str:
    """Return a path as text that is read as a path, not as a registered name or an address of the hub.

    >>> path_text(Path("demo")), path_text("~/demo"), path_text("../demo")
    ('./demo', '~/demo', '../demo')
    """
    text = os.fspath(path)
    return text if text.startswith((os.curdir, "~")) or Path(text).is_absolute() else os.curdir + os.sep + text
