"""Where fecbench calls a plugin's code: what that raises is told with the plugin's name and the line, and never ends the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from fecbench.core.errors import FecbenchError, PluginError


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the machine's or the accelerator's: that is nobody's mistake."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "allocate memory" in error_summary(error)
    )


@contextmanager
def plugin_errors(who: str, plugin: object) -> Iterator[None]:
    """Calls of ``plugin``, which messages call ``who``. fecbench's own errors, a stop and a lack of memory pass.

    Raises:
        PluginError: the code within raised something else, or asked the process to end.

    >>> with guard("the metric 'odd'", abs):
    ...     abs("text")
    Traceback (most recent call last):
    ...
    fecbench.core.errors.PluginError: the metric 'odd' failed: TypeError: bad operand type for abs(): 'str'; mend or uninstall it
    """
    try:
        yield
    except (FecbenchError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        if out_of_memory(error):
            raise
        raise PluginError(
            f"{who} failed{_place(error, plugin)}: {error_summary(error)}; mend or uninstall it"
        ) from error


def error_summary(error: BaseException) -> str:
    """An error's kind and the first line of what it says; some can't even be printed.

    >>> words(KeyError("a")), words(ValueError())
    ("KeyError: 'a'", 'ValueError')
    """
    try:
        said = str(error).strip().partition("\n")[0]
    except Exception:
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _place(error: BaseException, plugin: object) -> str:
    """The innermost line of the plugin's own package that led to ``error``, in words."""
    module = getattr(plugin, "__module__", None) or type(plugin).__module__
    package = module.partition(".")[0]
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if _package(frame.f_globals) == package
    ]
    return f" at {frames[-1][0]}:{frames[-1][1]}" if frames and package != "fecbench" else ""


def _package(names: dict[str, object]) -> str:
    return str(names.get("__name__", "")).partition(".")[0]
