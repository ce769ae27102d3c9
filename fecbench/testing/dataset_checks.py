"""The conformance kit for data sets."""

from __future__ import annotations

from fecbench.core import registry
from fecbench.core.errors import DataNotFound
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.load import get_dataset, load_registered
from fecbench.data.datasets.locations import DataLocations, Source
from fecbench.testing.findings import NotHere
from fecbench.testing.plugin_checks import PluginConformance, offline


class DatasetConformance(PluginConformance):
    """Checks of the data set registered as ``name``."""

    registered_in = registry.datasets

    def test_it_says_what_it_is(self) -> None:
        """``info`` is a fecbench.DatasetInfo with the registered name and valid run settings."""
        info = get_dataset(self.name).info
        self.require(isinstance(info, DatasetInfo), "an info that is a fecbench.DatasetInfo", type(info).__name__)
        self.require(info.name == self.name, f"an info.name that is the entry point's, {self.name!r}", repr(info.name))
        self.require_settings(info.settings)

    def test_it_says_where_its_rows_come_from(self) -> None:
        """``source(places)`` returns a fecbench.Source or raises DataNotFound."""
        self._source()

    def test_its_rows_load(self) -> None:
        """``load(places)`` returns the same splits at each call, with the rows and labels counted in ``info``."""
        data, again = self._load(), self._load()
        splits = data.splits["train"], data.splits["validation"], data.test_rows
        info, rows = get_dataset(self.name).info, tuple(map(len, splits))
        self.require(info.rows in ((), rows), f"rows as in info.rows, {info.rows}", rows)
        self.require(
            info.labels in (None, len(data.labels)), f"labels as in info.labels, {info.labels}", len(data.labels)
        )
        self.require(
            data.fingerprint == again.fingerprint, "the same rows from each load", "other rows from the second"
        )

    def _source(self) -> Source:
        loader = get_dataset(self.name)
        try:
            with plugin_errors(f"the data set {self.name!r} ({self.where})", loader), offline():
                source = loader.source(DataLocations())
        except DataNotFound as error:
            raise NotHere(str(error)) from error
        self.require(isinstance(source, Source), "a source that is a fecbench.Source", type(source).__name__)
        return source

    def _load(self) -> EmotionData:
        source = self._source()
        if source.network:
            raise NotHere(f"its rows would be downloaded from {source.where}, and checks download nothing")
        try:
            with offline():
                return load_registered(self.name, DataLocations())
        except DataNotFound as error:
            raise NotHere(str(error)) from error
