"""Default settings of a method, below a spec and flags.

The layers, from weakest to strongest: the defaults of the trainer and of the options, then those of the encoder, the
method, its preset for the data set, and the data set. A run resolves them (:mod:`fecbench.runs.plan`), and
``fecbench run METHOD --help`` shows them (:func:`shown`).
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
from fecbench.data.datasets.addresses import HUB_PREFIX, is_path
from fecbench.data.datasets.load import get_dataset
from fecbench.model.encoders.load import get_encoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fecbench.data.datasets.dataset import DatasetInfo
    from fecbench.objective.objective import Objective


def trainer_layer(kind: type[Objective]) -> Layer:
    """Return the defaults of all run settings and of the options of ``kind``."""
    fields = {**RunSettings.model_fields, **kind.Config.model_fields}
    values = {
        key: field.get_default(call_default_factory=True) for key, field in fields.items() if not field.is_required()
    }
    return Layer("default", values)


def encoder_layer(encoder: str) -> Layer:
    """Return the settings that fit an encoder, such as its learning rate.

    Raises:
        UnknownName, PluginError: the encoder's plugin is missing or broken.
    """
    return check_names(Layer(f"encoder {encoder}", get_encoder(encoder).settings), RunSettings.model_fields)


def method_layer(name: str, kind: type[Objective]) -> Layer:
    """Return the settings that a method prefers."""
    return Layer(f"objective {name}", kind.settings)


def preset_layer(name: str, kind: type[Objective], dataset: str) -> Layer:
    """Return the settings that a method prefers on a data set."""
    return Layer(f"preset {name} on {dataset}", kind.presets.get(dataset, {}))


def dataset_layer(dataset: str) -> Layer:
    """Return the settings that a registered data set asks for, such as the encoder of ``demo`` (ADR 6).

    Raises:
        UnknownName, PluginError: the data set's plugin is missing or broken.
    """
    info = dataset_info(dataset)
    if info is None:
        return Layer("data set", {})
    who = f"data set {dataset}"
    with plugin_errors(f"the {who} ({registry.datasets.origin(dataset)})", info):
        return check_names(Layer(who, dict(info.settings)), RunSettings.model_fields)


def dataset_info(dataset: str) -> DatasetInfo | None:
    """Return what is known of a registered data set before it is loaded; None for one's own rows.

    Raises:
        UnknownName, PluginError: the data set's plugin is missing or broken.
    """
    if dataset.startswith(HUB_PREFIX) or is_path(dataset) or dataset not in registry.datasets:
        return None
    who = f"the data set {dataset} ({registry.datasets.origin(dataset)})"
    with plugin_errors(who, loader := get_dataset(dataset)):
        return loader.info


@dataclass
class Default:
    """The default of one setting under a method.

    Attributes:
        value: the default if neither encoder nor data set has one.
        instead_of: the trainer's value if the method replaces it, else ``value``.
        encoders: values of encoders, by encoder.
        datasets: values of presets and data sets, by data set; they win over the encoders'.
    """

    value: Any
    instead_of: Any
    encoders: dict[str, Any] = field(default_factory=dict)
    datasets: dict[str, Any] = field(default_factory=dict)


def everywhere(name: str, kind: type[Objective]) -> dict[str, Default]:
    """Return the default of every setting under a method, with every registered encoder and on every data set.

    Broken plugins are skipped. So are options with a default factory: their description states the default.
    """
    trainer, own = trainer_layer(kind).values, method_layer(name, kind).values
    made = {key for key, option in kind.Config.model_fields.items() if option.default_factory is not None}
    found = {key: Default(own.get(key, value), value) for key, value in trainer.items() if key not in made}
    for encoder, layer in _each(registry.encoders, encoder_layer):
        for key in layer.values.keys() & found.keys() - own.keys():
            found[key].encoders[encoder] = layer.values[key]
    for dataset in sorted({*kind.presets, *registry.datasets}):
        layers = [preset_layer(name, kind, dataset), *(layer for _, layer in _each([dataset], dataset_layer))]
        for key, value in ((key, value) for layer in layers for key, value in layer.values.items() if key in found):
            found[key].datasets[dataset] = value
    return found


def _each(names: Iterable[str], layer: Any) -> Iterator[tuple[str, Layer]]:
    for name in names:
        with suppress(FecbenchError):
            yield name, layer(name)


def shown(default: Default, name: str) -> str:
    """Return the default of a setting under method ``name`` in words; "" if it has none.

    >>> shown(Default(32, 64, {}, {"ge": 20, "ed": 20}), "lcl")
    '32 (lcl); 20 on ed or ge; 64 in other methods'
    >>> shown(Default(2e-5, 2e-5, {"minilm": 1e-4}, {"ge": 1e-5}), "hypemo")
    '2e-05; 0.0001 with minilm; 1e-05 on ge with any encoder'
    """
    is_preferred = default.value != default.instead_of
    phrases = []
    if is_preferred:
        phrases.append(f"{text(default.value)} ({name})")
    elif default.value not in (None, ""):
        phrases.append(text(default.value))
    phrases += [f"{value} with {_either(names)}" for value, names in _alike(default.encoders, default.value)]
    phrases += [f"{value} on {names}" for value, names in _on_datasets(default)]
    if is_preferred:
        phrases.append(f"{text(default.instead_of)} in other methods")
    return "; ".join(phrases)


def _on_datasets(default: Default) -> list[tuple[str, str]]:
    """Return each value that data sets have, with their names.

    A value that equals the common default is left out, unless encoders have values: it wins over theirs.
    """
    if not default.encoders:
        return [(value, _either(names)) for value, names in _alike(default.datasets, default.value)]
    unequal = object()  # to every value, so that none is left out
    return [(value, f"{_either(names)} with any encoder") for value, names in _alike(default.datasets, unequal)]


def _alike(values: Mapping[str, Any], known: Any) -> list[tuple[str, list[str]]]:
    """Return each value other than ``known``, as text, with the names that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in values.items():
        if value != known:
            found[text(value)].append(name)
    return [(value, sorted(names)) for value, names in found.items()]


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def text(value: Any) -> str:
    """Return a setting's value as help and tables show it."""
    return str(value).lower() if isinstance(value, bool) else "none" if value in (None, "") else str(value)
