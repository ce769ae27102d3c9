"""Several commands of fecbench in one process: starting each anew would take most of a test."""

import json
from collections.abc import Callable

from tests.support.judge import Answer

CODE = """
import json, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from fecbench.cli import main

answers = []
for arguments in json.load(sys.stdin):
    sys.argv, out, err, code = ["fecbench", *arguments], StringIO(), StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    answers.append([code or 0, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""


def answers(python: Callable[[str, str], str], *commands: list[str]) -> list[Answer]:
    """Return the answers of commands; ``python(code, given)`` runs code on an input and returns what it prints."""
    return [Answer(*answer) for answer in json.loads(python(CODE, json.dumps(commands)))]
