"""The distribution of a searched setting: a list of choices, or a range of numbers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from fecbench.core.settings import Config
from fecbench.runs.local_paths import name_of

DIGITS = 4  # of a drawn number: settings stay readable, and the last bits of another machine choose no other run
LARGEST = 1e15  # magnitude of the ends of a range: whole numbers of this size are exact as floats
MOST_STEPS = 1e6  # of a range
FORM = "it must be a list of values, or a table with low and high"


class Distribution(Config):
    """The values of a setting that trials are drawn from: a list of choices, or a range of numbers.

    A spec gives choices as a list alone. The numbers of a range are whole if ``low``, ``high`` and ``step`` are.

    Attributes:
        choices: the values, each drawn equally often; None for a range.
        low, high: the ends of the range, both included.
        log: draw the logarithm evenly, not the number.
        step: the distance of neighbouring numbers; None for any number, or for any whole number.
    """

    choices: list[Any] | None = Field(default=None, min_length=1)
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = None

    @property
    def is_whole(self) -> bool:
        """True if the numbers of the range are whole numbers."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step or 0))

    @property
    def examples(self) -> list[Any]:
        """The choices, or the ends of the range and, of one of any numbers, a number between them.

        That number shows whether the setting takes fractions.
        """
        if self.choices is not None:
            return self.choices
        low, high = self._ends
        return [low, high, self.rounded(low + (high - low) / math.pi)] if self._is_continuous else [low, high]

    @property
    def _is_continuous(self) -> bool:
        return self.choices is None and self.step is None and not self.is_whole

    @property
    def size(self) -> int:
        """The number of different values; of a range of any numbers a lower bound, since they are rounded."""
        if self.choices is not None:
            return len(self.choices)
        if self._is_continuous:
            return int(10 ** (DIGITS - 1))
        low, high = self._ends
        return round((high - low) / (self.step or 1)) + 1

    def rounded(self, value: Any) -> Any:
        """Return a drawn value with ``DIGITS`` significant digits, or with that many of the range's width.

        >>> Distribution(low=1e-5, high=1e-3, log=True).rounded(0.000123456)
        0.0001235
        >>> Distribution(low=1000.0, high=1001.0).rounded(1000.123456)
        1000.123
        >>> Distribution(choices=["first", "mean"]).rounded("mean")
        'mean'
        """
        if self.choices is not None or self.is_whole:
            return value
        low, high = self._ends
        if self.step is None:
            width = min(abs(value) or high - low, high - low)
            short = round(value, DIGITS - 1 - math.floor(math.log10(width)))
        else:
            short = float(f"{value:.10g}")  # low plus some steps, whose sum has an error in the last bits
        return min(max(short, float(low)), float(high))

    def recorded(self, name: str, value: Any) -> Any:
        """Return the value that a record gives for the setting ``name``; None if it isn't one of the distribution.

        A record of another machine holds the last component of a local path. A setting that takes fractions has whole
        numbers as fractions in its record.

        >>> encoders = Distribution(choices=["minilm", "/home/me/tiny"])
        >>> encoders.recorded("encoder", "tiny"), encoders.recorded("encoder", "scratch")
        ('/home/me/tiny', None)
        >>> Distribution(low=0, high=4).recorded("weight", 4.0)
        4
        """
        if self.choices is None:
            low, high = self._ends
            is_inside = isinstance(value, int | float) and low <= value <= high
            return (int(value) if self.is_whole else value) if is_inside else None
        return next((choice for choice in self.choices if name_of(name, choice) == name_of(name, value)), None)

    def words(self, name: str) -> str:
        """Return the distribution of the setting ``name`` in words; of a local path the last component.

        >>> Distribution(low=16, high=64, step=16).words("batch_size")
        '16 to 64 in steps of 16'
        >>> Distribution(choices=["minilm", "/home/me/tiny"]).words("encoder")
        'minilm | tiny'
        """
        if self.choices is not None:
            return " | ".join(str(name_of(name, value)) for value in self.choices)
        how = " on a log scale" if self.log else "" if self.step is None else f" in steps of {self.step}"
        return f"{self.low} to {self.high}{how}"

    @property
    def _ends(self) -> tuple[int | float, int | float]:
        if self.low is None or self.high is None:
            raise ValueError(f"{FORM}, but low or high is missing; add it")
        return self.low, self.high

    @model_validator(mode="before")
    @classmethod
    def _take_list(cls, given: Any) -> Any:
        if isinstance(given, list):
            return {"choices": given}
        if not isinstance(given, dict | Distribution):
            raise ValueError(f"{FORM}, but is {given!r}")
        return given

    @field_validator("low", "high", "step", mode="before")
    @classmethod
    def _take_numbers(cls, value: Any) -> Any:
        # checked before the union of int and float, each of which would have an error of its own
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and abs(value) <= LARGEST):
            raise ValueError(f"it must be a number between {-LARGEST:g} and {LARGEST:g}, but is {value!r}")
        return value

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        if self.choices is None:
            self._check_range()
        else:
            self._check_choices(self.choices)
        return self

    def _check_choices(self, choices: list[Any]) -> None:
        if self.model_fields_set - {"choices"}:
            raise ValueError(f"{FORM}, but has both; leave one of them out")
        if not all(isinstance(value, str | int | float) for value in choices):
            raise ValueError("its values must be text, numbers, true or false; leave the others out")
        twice = sorted({str(value) for value in choices if choices.count(value) > 1})
        if twice:
            raise ValueError(f"it must list each value once, but {', '.join(twice)} is repeated; list it once")

    def _check_range(self) -> None:
        low, high = self._ends
        if low >= high:
            raise ValueError(f"low must be below high, but they are {low} and {high}; change one of them")
        if self.log and low <= 0:
            raise ValueError(f"low must be above 0 on a log scale, but is {low}; raise it or leave log out")
        if self.log and self.step is not None:
            raise ValueError("a log scale has no steps; leave out log or step")
        if self.step is not None:
            self._check_step(low, high, self.step)

    def _check_step(self, low: float, high: float, step: float) -> None:
        if step * MOST_STEPS < high - low or _is_uneven(high - low, step):
            raise ValueError(
                f"high must be low plus a whole number of steps, at most {MOST_STEPS:,.0f}, but they are {low} and "
                f"{high} with steps of {step}; change one of them"
            )


def _is_uneven(width: float, step: float) -> bool:
    """Return True if ``width`` is no multiple of ``step`` in decimal digits, where 0.3 is three times 0.1."""
    return bool(Decimal(f"{width:.10g}") % Decimal(str(step)))
