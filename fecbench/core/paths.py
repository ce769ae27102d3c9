"""``~`` in paths: a shell leaves it as it is after ``=``, in quotes, in TOML files and in environment variables."""

import os


def expanded(path: str) -> str:
    """``path`` with the home folder for a leading ``~`` or ``~user``; as it is where there is no such user.

    >>> expanded("a/~"), expanded("owner/name"), expanded("~nobody-of-that-name/x")
    ('a/~', 'owner/name', '~nobody-of-that-name/x')
    """
    return os.path.expanduser(path)  # noqa: PTH111  Path.expanduser raises where there is no such user
