"""Window presets: the table in resources/window-presets.toml, by modality and key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radviewer import paths
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import VoiFunction, Window
from radviewer.errors import BadResource
from radviewer.render.windowing import percentile_window

ANY_MODALITY = "*"
_MOST_BYTES = 65_536
_LARGEST = 1e7
_KNOWN = {"modality", "key", "name", "unit", "width", "center", "low", "high"}


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
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadResource(f"{path} could not be read: {error.strerror}. There are no window presets.") from error
    if len(data) > _MOST_BYTES:
        raise BadResource(f"{path} is larger than {_MOST_BYTES} bytes. There are no window presets.")
    try:
        text = data.decode()
        entries = tomllib.loads(text).get("preset", [])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadResource(f"{path} is not valid TOML: {error}. Correct it to have window presets.") from error
    if not isinstance(entries, list):
        raise BadResource(f"{path} holds no list of [[preset]].")
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[preset]]")]
    found: dict[tuple[str, int], Preset] = {}
    for number, entry in enumerate(entries):
        try:
            preset = _preset(entry)
            if (preset.modality, preset.key) in found:
                raise ValueError(f"key {preset.key} of {preset.modality} is given twice")
        except ValueError as error:
            line = lines[number] if number < len(lines) else "?"
            raise BadResource(f"{path}, preset in line {line}: {error}. Correct it to have window presets.") from error
        found[preset.modality, preset.key] = preset
    return tuple(found.values())


def offered(presets: Iterable[Preset], modality: str | None, unit: str) -> tuple[Preset, ...]:
    """Presets for images of a modality and unit, by key; those for any modality where it has none of its own."""
    everything = tuple(presets)
    own = [p for p in everything if p.modality == modality]
    fitting = own or [p for p in everything if p.modality == ANY_MODALITY]
    return tuple(sorted((p for p in fitting if p.unit in ("", unit)), key=lambda p: p.key))


def _preset(entry: Any) -> Preset:
    if not isinstance(entry, dict):
        raise ValueError("not a table")
    unknown = sorted(set(entry) - _KNOWN)
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}")
    key = entry.get("key")
    if not isinstance(key, int) or isinstance(key, bool) or not 1 <= key <= 9:
        raise ValueError("key is a number from 1 to 9")
    unit = _text(entry, "unit") if "unit" in entry else ""
    preset = (_text(entry, "modality"), key, _text(entry, "name"), unit)
    if {"width", "center"} <= set(entry) and not {"low", "high"} & set(entry):
        width, center = (_number(entry, name, -_LARGEST, _LARGEST) for name in ("width", "center"))
        if width <= 0:
            raise ValueError("width is greater than 0")
        return Preset(*preset, fixed=Window(center, width, _function(unit), preset[2]))
    if {"low", "high"} <= set(entry) and not {"width", "center"} & set(entry):
        low, high = (_number(entry, name, 0, 100) for name in ("low", "high"))
        if low >= high:
            raise ValueError("low is less than high")
        return Preset(*preset, percentiles=(low, high))
    raise ValueError("it needs either width and center or low and high")


def _function(unit: str) -> VoiFunction:
    """LINEAR leaves half a unit off at each end (PS3.3 C.11.2.1.2): custom in HU, an error of 1 in SUV."""
    return VoiFunction.LINEAR if unit == "HU" else VoiFunction.LINEAR_EXACT


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 40 or not value.isprintable():
        raise ValueError(f"{name} is a text of 1 to 40 letters")
    return value


def _number(entry: dict[str, Any], name: str, least: float, greatest: float) -> float:
    value = entry[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= greatest:
        raise ValueError(f"{name} is a number from {least:g} to {greatest:g}")
    return float(value)
