"""Draw the diagrams of the documentation as SVG in docs/images: `python docs/make_diagrams.py`.

They need no network and no script in the browser, unlike Mermaid. A test compares the files with what this draws.
"""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

IMAGES = Path(__file__).with_name("images")
WIDTH = 760  # pixels, as all lengths here
MARGIN = 18
STYLE = """
  text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 12px; fill: #263238;
         paint-order: stroke; stroke: #ffffff; stroke-width: 3px; }
  .title { font-weight: 600; font-size: 14px; stroke: none; }
  .subtitle { font-size: 11px; stroke: none; }
  .sheet { fill: #ffffff; }
  .box { fill: #e0f2f1; stroke: #00796b; }
  .apart { fill: #fff8e1; stroke: #b26a00; stroke-dasharray: 5 3; }
  .life { stroke: #90a4ae; stroke-dasharray: 3 3; }
  .frame { fill: none; stroke: #b26a00; stroke-dasharray: 5 3; }
  .arrow { fill: none; stroke: #37474f; stroke-width: 1.5; marker-end: url(#head); }
"""
HEAD = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#37474f"/></marker>'
)


class Drawing:
    """Shapes on a white sheet, which dark pages need too."""

    def __init__(self, title: str, height: int):
        self.title = title
        self.height = height
        self.shapes: list[str] = []

    def text(self, x: int, y: int, text: str, anchor: str = "middle", kind: str = "") -> None:
        """Write one line of text; ``y`` is its base line."""
        style = f' class="{kind}"' if kind else ""
        self.shapes.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}"{style}>{escape(text)}</text>')

    def rectangle(self, x: int, y: int, width: int, height: int, kind: str) -> None:
        """Draw a rectangle with round corners."""
        self.shapes.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{kind}"/>')

    def box(self, x: int, y: int, width: int, height: int, title: str, subtitle: str = "", kind: str = "box") -> None:
        """Draw a box with a title and, under it, a subtitle."""
        self.rectangle(x, y, width, height, kind)
        middle = y + height // 2
        self.text(x + width // 2, middle - 3 if subtitle else middle + 5, title, kind="title")
        if subtitle:
            self.text(x + width // 2, middle + 15, subtitle, kind="subtitle")

    def path(self, path: str, kind: str = "arrow") -> None:
        """Draw a line along an SVG path."""
        self.shapes.append(f'<path d="{path}" class="{kind}"/>')

    def svg(self) -> str:
        """Return the content of an SVG file."""
        size = f'viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}"'
        start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        head = [start, f"<title>{escape(self.title)}</title>", f"<style>{STYLE}</style>", f"<defs>{HEAD}</defs>"]
        sheet = f'<rect width="{WIDTH}" height="{self.height}" rx="8" class="sheet"/>'
        return "\n".join([*head, sheet, *self.shapes, "</svg>\n"])


# The wings in the order of imports, in rows with a heading; each with what it is for.
WINGS: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
    (
        "Train one objective",
        (
            ("core", "tools"),
            ("data", "texts to batches"),
            ("model", "batches to logits"),
            ("objective", "logits to losses"),
            ("training", "losses to weights"),
        ),
    ),
    (
        "Run, compare, show",
        (("runs", "one run, its record"), ("bench", "many runs"), ("results", "boards, plots, exports")),
    ),
    (
        "Use",
        (
            ("terminal", "tables, progress"),
            ("api", "Python functions"),
            ("sklearn", "a classifier"),
            ("testing", "conformance kits"),
            ("cli", "commands"),
        ),
    ),
)
WING = (132, 56)  # width and height of a wing's box
STEP = WING[0] + 16
ROW = 108
PLUGINS = ("plugins", "methods, data sets, metrics, formats ...")
RULE = "Each wing imports only wings before it. Plugins import only names of fecbench itself."


def architecture() -> Drawing:
    """Draw the wings in the order of imports, and the plugins beside them."""
    drawing = Drawing("The wings of fecbench: each imports only wings before it", 364)
    width, height = WING
    for row, (heading, wings) in enumerate(WINGS):
        top = MARGIN + ROW * row
        drawing.text(MARGIN + 22, top + 14, heading, "start")
        for place, (name, purpose) in enumerate(wings):
            left = MARGIN + STEP * place
            drawing.box(left, top + 24, width, height, name, purpose)
            if place:
                drawing.path(f"M{left - 15} {top + 52}H{left - 1}")
        if row:
            end = MARGIN + STEP * (len(WINGS[row - 1][1]) - 1) + width // 2
            drawing.path(f"M{end} {top - 28}V{top - 14}H{MARGIN + 10}V{top + 22}")
    drawing.box(MARGIN + 3 * STEP, MARGIN + ROW + 24, 2 * width + 16, height, *PLUGINS, kind="apart")
    drawing.text(WIDTH // 2, 346, RULE)
    return drawing


class Message(NamedTuple):
    """A call from one participant to another, or to itself."""

    source: str
    target: str
    text: str


class Loop(NamedTuple):
    """A frame around the next ``messages`` messages."""

    text: str
    messages: int


MESSAGE = 36  # height of a message


def sequence(title: str, participants: Sequence[str], rows: Sequence[Message | Loop]) -> Drawing:
    """Draw who calls whom, from top to bottom."""
    drawing = Drawing(title, 84 + MESSAGE * len(rows))
    step = (WIDTH - 164) // (len(participants) - 1)
    places = {name: 82 + step * number for number, name in enumerate(participants)}
    for name, x in places.items():
        drawing.path(f"M{x} 48V{70 + MESSAGE * len(rows)}", "life")
        drawing.box(x - 70, 16, 140, 32, name)
    for number, row in enumerate(rows):
        y = 84 + MESSAGE * number
        if isinstance(row, Loop):
            drawing.rectangle(MARGIN - 6, y - 18, WIDTH - 24, MESSAGE * (row.messages + 1) - 2, "frame")
            drawing.text(MARGIN + 4, y - 2, f"loop: {row.text}", "start")
        else:
            message(drawing, y, places[row.source], places[row.target], row.text)
    return drawing


def message(drawing: Drawing, y: int, source: int, target: int, text: str) -> None:
    """Draw an arrow with its text above it; one to itself goes back to the line that it comes from."""
    if source == target:
        drawing.path(f"M{source} {y - 12}H{source + 22}V{y}H{source + 2}")
        drawing.text(source + 28, y - 2, text, "start")
    else:
        drawing.path(f"M{source} {y}H{target - 2 if target > source else target + 2}")
        drawing.text((source + target) // 2, y - 6, text)


def path_of_a_batch() -> Drawing:
    """Draw how the trainer steps an objective."""
    trainer, stepper, objective, optimizer = "Trainer", "Stepper", "Objective", "PlayerOptimizer"
    return sequence(
        "The path of a batch",
        (trainer, stepper, objective, optimizer),
        (
            Message(trainer, stepper, "step(batch)"),
            Message(stepper, objective, "updates(batch, model)"),
            Loop("until the generator ends", 4),
            Message(objective, stepper, "yield Update(loss, player)"),
            Message(stepper, stepper, "check, backward, average gradients"),
            Message(stepper, optimizer, "optimizer.step()"),
            Message(stepper, objective, "resume"),
            Message(stepper, trainer, "losses and logs"),
        ),
    )


def path_of_a_run() -> Drawing:
    """Draw how a command becomes a record."""
    cli, runs, data, training, record = "cli", "runs", "data, model", "training", "record on disk"
    return sequence(
        "The path of a run",
        (cli, runs, data, training, record),
        (
            Message(cli, runs, "plan(objective, flags)"),
            Message(runs, data, "rows"),
            Message(runs, runs, "identity"),
            Message(runs, record, "create or resume, lock"),
            Message(runs, data, "tokens, encoder, head"),
            Message(runs, record, "run.json"),
            Loop("epochs, until patience ends", 2),
            Message(runs, training, "train, score validation"),
            Message(training, record, "best weights, history"),
            Message(runs, training, "score test under the best weights"),
            Message(runs, record, "predictions.safetensors, result.json"),
            Message(runs, cli, "record"),
        ),
    )


def labels() -> Drawing:
    """Draw how logits become labels, with one label a text and with several."""
    drawing = Drawing("From logits to labels", 292)
    drawing.box(18, 82, 96, 44, "logits")
    drawing.path("M114 96L176 50")
    drawing.text(142, 62, "single", "end")
    drawing.path("M114 112L176 158")
    drawing.text(142, 152, "multi", "end")
    drawing.box(178, 18, 210, 56, "softmax", "one distribution over all labels")
    drawing.path("M388 46H430")
    drawing.box(432, 18, 200, 56, "the most probable label")
    drawing.box(178, 134, 210, 56, "sigmoid", "a probability for each label")
    drawing.path("M388 162H430")
    drawing.box(432, 134, 150, 56, "threshold", "reached or not")
    drawing.path("M582 162H624")
    drawing.box(626, 134, 116, 56, "labels given")
    drawing.box(178, 230, 210, 44, "validation rows")
    drawing.path("M388 252H430")
    drawing.box(432, 230, 150, 44, "tune thresholds")
    drawing.path("M507 230V192")
    return drawing


DIAGRAMS: dict[str, Callable[[], Drawing]] = {
    "architecture": architecture,
    "labels": labels,
    "path-of-a-batch": path_of_a_batch,
    "path-of-a-run": path_of_a_run,
}


if __name__ == "__main__":
    for name, draw in DIAGRAMS.items():
        IMAGES.joinpath(f"{name}.svg").write_text(draw().svg(), encoding="utf-8")
