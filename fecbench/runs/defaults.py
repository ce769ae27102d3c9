"""Defaults: the settings that a method runs under unless a spec or a flag says otherwise.

The layers, from weakest to strongest: the trainer's and the options' own defaults, the encoder's, the method's, its preset for the data
set, the data set's. A run resolves them (:mod:`fecbench.runs.plan`), and ``fecbench run METHOD --help`` shows them (:func:`shown`).
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fecbench.core import registry
from fecbench.core.errors import FecbenchError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.settings import Layer, RunSettings, check_names
from fecbench.data.datasets.load import get_dataset
from fecbench.data.datasets.names import HUB_PREFIX, is_path
from fecbench.model.encoders.load import get_encoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fecbench.objective.objective import Objective


def of_trainer(kind: type[Objective]) -> Layer:
    """The defaults of every run's settings, and of the options of ``kind``."""
    fields = {**RunSettings.model_fields, **kind.Config.model_fields}
    values = {
        key: field.get_default(call_default_factory=True) for key, field in fields.items() if not field.is_required()
    }
    return Layer("default", values)


def of_encoder(encoder: str) -> Layer:
    """The settings that fit an encoder, such as its learning rate.

    Raises:
        UnknownName, PluginError: its plugin is broken.
    """
    return check_names(Layer(f"encoder {encoder}", get_encoder(encoder).settings), RunSettings.model_fields)


def of_method(name: str, kind: type[Objective]) -> Layer:
    """The settings that a method prefers."""
    return Layer(f"objective {name}", kind.settings)


def of_preset(name: str, kind: type[Objective], dataset: str) -> Layer:
    """The settings that a method prefers on a data set."""
    return Layer(f"preset {name} on {dataset}", kind.presets.get(dataset, {}))


def of_dataset(dataset: str) -> Layer:
    """The settings that a registered data set asks for, such as the demo's encoder.

    Raises:
        UnknownName, PluginError: its plugin is broken.
    """
    if dataset.startswith(HUB_PREFIX) or is_path(dataset) or dataset not in registry.datasets:
        return Layer("data set", {})
    who = f"data set {dataset}"
    with plugin_errors(f"the {who} ({registry.datasets.origin(dataset)})", loader := get_dataset(dataset)):
        return check_names(Layer(who, dict(loader.info.settings)), RunSettings.model_fields)


@dataclass
class Default:
    """The default of one setting under a method.

    Attributes:
        value: where neither encoder nor data set has one of its own.
        instead_of: the trainer's value, where the method replaces it; else ``value`` itself.
        encoders: the values that encoders bring, by encoder.
        datasets: the values that presets and data sets bring, by data set; they win over the encoders'.
    """

    value: Any
    instead_of: Any
    encoders: dict[str, Any] = field(default_factory=dict)
    datasets: dict[str, Any] = field(default_factory=dict)


def everywhere(name: str, kind: type[Objective]) -> dict[str, Default]:
    """The default of every setting under a method, with every registered encoder and on every data set.

    Broken plugins are passed over, and so are options whose default a function makes: their description tells it.
    """
    trainer, own = of_trainer(kind).values, of_method(name, kind).values
    made = {key for key, option in kind.Config.model_fields.items() if option.default_factory is not None}
    found = {key: Default(own.get(key, value), value) for key, value in trainer.items() if key not in made}
    for encoder, layer in _each(registry.encoders, of_encoder):
        for key in layer.values.keys() & found.keys() - own.keys():
            found[key].encoders[encoder] = layer.values[key]
    for dataset in sorted({*kind.presets, *registry.datasets}):
        layers = [of_preset(name, kind, dataset), *(layer for _, layer in _each([dataset], of_dataset))]
        for key, value in ((key, value) for layer in layers for key, value in layer.values.items() if key in found):
            found[key].datasets[dataset] = value
    return found


def _each(names: Iterable[str], layer: Any) -> Iterator[tuple[str, Layer]]:
    for name in names:
        with suppress(FecbenchError):
            yield name, layer(name)


def shown(default: Default, name: str) -> str:
    """The default of a setting under method ``name`` in words; empty where there is none.

    >>> shown(Default(32, 64, {}, {"ge": 20, "ed": 20}), "lcl")
    '32, of lcl instead of 64; 20 on ed or ge'
    >>> shown(Default(2e-5, 2e-5, {"minilm": 1e-4}, {"ge": 1e-5}), "hypemo")
    '2e-05; 0.0001 with minilm; 1e-05 on ge with any encoder'
    """
    own = default.value != default.instead_of
    parts = [text(default.value)] if own or default.value not in (None, "") else []
    if own:
        parts[0] += f", of {name}" + (
            "" if default.instead_of in (None, "") else f" instead of {text(default.instead_of)}"
        )
    strongest = " with any encoder" if default.encoders else ""
    parts += [f"{value} with {_either(names)}" for value, names in _alike(default.encoders, default.value)]
    known = object() if default.encoders else default.value  # over an encoder's value the common one is worth saying
    parts += [f"{value} on {_either(names)}{strongest}" for value, names in _alike(default.datasets, known)]
    return "; ".join(parts)


def _alike(values: Mapping[str, Any], known: Any) -> list[tuple[str, list[str]]]:
    """Each value that isn't ``known``, as text, and the names that bring it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in values.items():
        if value != known:
            found[text(value)].append(name)
    return [(value, sorted(names)) for value, names in found.items()]


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def text(value: Any) -> str:
    """A setting's value as help and tables show it."""
    return str(value).lower() if isinstance(value, bool) else "none" if value in (None, "") else str(value)
