"""Published data sets in small: files of the form in which their authors publish them, with made-up texts."""

from tests.support.shapes import delimited, lines_and_json, several
from tests.support.shapes.shape import Shape

SHAPES: dict[str, Shape] = {**delimited.SHAPES, **lines_and_json.SHAPES, **several.SHAPES}
