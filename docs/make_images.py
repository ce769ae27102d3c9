"""Make the pictures of README and of the guide to figures from real output: `python docs/make_images.py`.

Takes about three minutes on two cores.
"""

import os
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
IMAGES = Path(__file__).with_name("images")
WIDTH = 112  # columns
SPEC = "benchmarks/demo.toml"
RESULTS = "benchmarks/results/minilm-cpu"
RUN = f"{RESULTS}/aml-ge-prepared-s0-3ac77d5197"
# The figures that the committed records suffice for, with the arguments of `fecbench plot`.
FIGURES = {
    "scores": (RESULTS, "--best-trial", "--metric", "macro_f1"),
    "confusion": (RUN,),
    "dynamics": (RUN,),
}


def output(*arguments: str, folder: Path, styled: bool = False) -> str:
    """Return what a command prints; ``styled`` as on a terminal, which would move a run's progress bar too."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "HF_HUB_OFFLINE": "1"}
    if styled:
        environment["FORCE_COLOR"] = "1"
    command = [sys.executable, "-m", "fecbench", *arguments]
    # a line of progress would stand in the picture once for each of its steps
    errors = subprocess.DEVNULL if styled else subprocess.STDOUT
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, check=True
    )
    return done.stdout


def picture(name: str, command: str, text: str) -> None:
    """Write an SVG of a terminal that shows a command and its output."""
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text(f"$ {command}", style="bold"))
    for line in text.splitlines():
        console.print(Text.from_ansi(line))
    console.save_svg(str(IMAGES / f"{name}.svg"), title="fecbench")


def draw_figures(folder: Path) -> None:
    """Draw each figure of the guide from the committed records."""
    for name, arguments in FIGURES.items():
        output("plot", name, *arguments, "--out", str(IMAGES / f"figure-{name}.svg"), folder=folder)


def main() -> None:
    """Draw the figures, run cross-entropy and the demo spec, and make the pictures of them."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "benchmarks").symlink_to(ROOT / "benchmarks")  # so that a reader can type the pictured command
        draw_figures(folder)
        picture("run", "fecbench run ce --dataset demo", output("run", "ce", "--dataset", "demo", folder=folder))
        output("bench", SPEC, folder=folder)
        board = output("leaderboard", "--spec", SPEC, folder=folder, styled=True)
        picture("board", f"fecbench leaderboard --spec {SPEC}", board)


if __name__ == "__main__":
    main()
