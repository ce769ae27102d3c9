"""Convert exceptions raised by plugin code into ``PluginError`` with the plugin's name and source line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from fecbench.core.errors import FecbenchError, PluginError, UsageError


def out_of_memory(error: BaseException) -> bool:
    """Return True if ``error`` is an out-of-memory error (host or accelerator); these are not blamed on a plugin."""
    # By name and text: importing torch here would load it for every command, and its CPU allocator raises a plain
    # RuntimeError.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "allocate memory" in error_summary(error)
    )


@contextmanager
def plugin_errors(who: str, plugin: object) -> Iterator[None]:
    """Convert exceptions of ``plugin``'s code in the block into PluginError.

    fecbench's own errors, ``KeyboardInterrupt`` and out-of-memory errors pass unchanged.

    Args:
        who: name of the plugin in the message.
        plugin: object whose package is searched for the failing line.

    Raises:
        PluginError: the code in the block raised something else, or called ``sys.exit``.
        UsageError: it used an operation that torch refuses under ``--deterministic``.

    >>> with plugin_errors("metric m", abs):
    ...     1 / 0
    Traceback (most recent call last):
    ...
    fecbench.core.errors.PluginError: metric m failed: ZeroDivisionError: division by zero; fix or uninstall the plugin
    """
    try:
        yield
    # GeneratorExit: a generator that is closed while it is in the block has not failed.
    except (FecbenchError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        if out_of_memory(error):
            raise
        if operation := _refused_operation(error):
            raise UsageError(
                f"--deterministic needs operations that have a deterministic form here, but {who} uses {operation}, "
                "which has none; leave --deterministic out"
            ) from error
        line = _failing_line(error, plugin)
        raise PluginError(f"{who} failed{line}: {error_summary(error)}; fix or uninstall the plugin") from error


def error_summary(error: BaseException) -> str:
    """Return the type of ``error`` and the first line of its message.

    >>> error_summary(KeyError("a")), error_summary(ValueError())
    ("KeyError: 'a'", 'ValueError')
    """
    try:
        message = str(error).strip().partition("\n")[0]
    except Exception:  # a plugin's exception may fail to print
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _refused_operation(error: BaseException) -> str:
    """Return the operation that torch refuses because it has no deterministic form; "" for another error.

    >>> _refused_operation(RuntimeError("put_ does not have a deterministic implementation, but you set it."))
    'put_'
    """
    message = error_summary(error).removeprefix("RuntimeError: ")
    operation, refusal, _ = message.partition(" does not have a deterministic implementation")
    return operation if refusal else ""


def _failing_line(error: BaseException, plugin: object) -> str:
    """Return `` at FILE:LINE`` for the innermost line of the plugin's own package in the traceback, or ""."""
    module = getattr(plugin, "__module__", None) or type(plugin).__module__
    package = module.partition(".")[0]
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if _package(frame.f_globals) == package
    ]
    # fecbench's own lines are in every traceback and don't tell where a plugin within fecbench failed.
    return f" at {frames[-1][0]}:{frames[-1][1]}" if frames and package != "fecbench" else ""


def _package(module_globals: dict[str, object]) -> str:
    return str(module_globals.get("__name__", "")).partition(".")[0]
