"""Window presets: the table in resources/window-presets.toml, by modality and key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radviewer import paths
from radviewer.app.preset_tables import ANY_MODALITY, check_names, number_of, read_table, text_of
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import VoiFunction, Window
from radviewer.render.windowing import percentile_window

_LARGEST = 1e7
_KNOWN = frozenset({"modality", "key", "name", "unit", "width", "center", "low", "high"})


@dataclass(frozen=True, slots=True)
class Preset:
    """One line of the table.

    Attributes
    ----------
    modality : str
        DICOM term, or `ANY_MODALITY`.
    key : int
        1–9.
    name : str
    unit : str
        Only for images whose values have this unit; "" for any.
    fixed : Window or None
        In modality units.
    percentiles : tuple of float or None
        ``(low, high)`` of the shown image's own values, where nothing is fixed.

    """

    modality: str
    key: int
    name: str
    unit: str = ""
    fixed: Window | None = None
    percentiles: tuple[float, float] | None = None

    def window(self, image: SliceImage) -> Window:
        """Window this preset means for an image."""
        if self.fixed is not None:
            return self.fixed
        low, high = self.percentiles or (0.0, 100.0)
        return percentile_window(image, low, high, self.name)


def read_presets(path: Path | None = None) -> tuple[Preset, ...]:
    """Read the table (by default the program's own).

    Raises
    ------
    BadResource
        If it cannot be read or a line of it is wrong; the message names the line.

    """
    path = paths.resources() / "window-presets.toml" if path is None else path
    return read_table(path, "window presets", _preset, lambda p: ((p.modality, p.key), f"key {p.key} of {p.modality}"))


def offered(presets: Iterable[Preset], modality: str | None, unit: str) -> tuple[Preset, ...]:
    """Presets for images of a modality and unit, by key; those for any modality where it has none of its own."""
    everything = tuple(presets)
    own = [p for p in everything if p.modality == modality]
    fitting = own or [p for p in everything if p.modality == ANY_MODALITY]
    return tuple(sorted((p for p in fitting if p.unit in ("", unit)), key=lambda p: p.key))


def _preset(entry: dict[str, Any]) -> Preset:
    check_names(entry, _KNOWN)
    key = entry.get("key")
    if not isinstance(key, int) or isinstance(key, bool) or not 1 <= key <= 9:
        raise ValueError("key is a number from 1 to 9")
    unit = text_of(entry, "unit") if "unit" in entry else ""
    preset = (text_of(entry, "modality"), key, text_of(entry, "name"), unit)
    if {"width", "center"} <= set(entry) and not {"low", "high"} & set(entry):
        width, center = (number_of(entry[name], name, -_LARGEST, _LARGEST) for name in ("width", "center"))
        if width <= 0:
            raise ValueError("width is greater than 0")
        return Preset(*preset, fixed=Window(center, width, _function(unit), preset[2]))
    if {"low", "high"} <= set(entry) and not {"width", "center"} & set(entry):
        low, high = (number_of(entry[name], name, 0, 100) for name in ("low", "high"))
        if low >= high:
            raise ValueError("low is less than high")
        return Preset(*preset, percentiles=(low, high))
    raise ValueError("it needs either width and center or low and high")


def _function(unit: str) -> VoiFunction:
    """LINEAR leaves half a unit off at each end (PS3.3 C.11.2.1.2): custom in HU, an error of 1 in SUV."""
    return VoiFunction.LINEAR if unit == "HU" else VoiFunction.LINEAR_EXACT
