"""Check whether a lock file is held (ADR 18).

The check takes a shared lock, which never keeps a run from its exclusive one for long. Windows has no shared lock:
there it takes the exclusive lock for an instant.
"""

import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout


def is_held(path: Path) -> bool:
    """Return True if a living process holds the lock file ``path``.

    False if there is no such file, or if it can't be read: no process works there.
    """
    try:
        return _refuses_sharing(path)
    except OSError:
        return False


if sys.platform == "win32":

    def _refuses_sharing(path: Path) -> bool:
        """Return True if the exclusive lock is held. If it is free, it is taken for an instant."""
        if not path.exists():
            return False
        try:
            with FileLock(path, blocking=False):
                return False
        except Timeout:
            return True

else:
    import fcntl

    def _refuses_sharing(path: Path) -> bool:
        """Return True if an exclusive lock refuses a shared one. Shared locks don't conflict with one another."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # never waits, whatever is there
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)  # this releases the shared lock
        return False
