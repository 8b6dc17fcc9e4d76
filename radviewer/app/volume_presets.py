"""How volumes are rendered in 3D: the table in resources/volume-presets.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from radviewer import paths
from radviewer.app.preset_tables import ANY_MODALITY, check_names, number_of, read_table, text_of

_MOST_POINTS = 64
_LARGEST = 1e7
_LIGHT = {"ambient": 0.1, "diffuse": 0.7, "specular": 0.2, "specular_power": 10.0}
_KNOWN = frozenset({"name", "modality", "unit", "scale", "blend", "opacity", "colour", *_LIGHT})
_COLOUR = re.compile("#[0-9a-f]{6}")

Colour = tuple[float, float, float]
"""Red, green, blue, 0–1."""


@dataclass(frozen=True, slots=True)
class Light:
    """Shares of the light that a voxel sends back, 0–1; the power sharpens the highlight."""

    ambient: float
    diffuse: float
    specular: float
    specular_power: float


@dataclass(frozen=True, slots=True)
class VolumePreset:
    """One entry of the table.

    Attributes
    ----------
    modality : str
        DICOM term, or "*".
    unit : str
        Only for volumes whose values have this unit; "" for any.
    percentiles : bool
        The points are percentiles (0–100) of the volume's own values; else modality values.
    maximum : bool
        The brightest voxel along each ray; else composited with shading.
    opacity : tuple of (float, float)
        Value, opacity per mm; ascending.
    colour : tuple of (float, Colour)
        Value, colour; ascending.

    """

    name: str
    modality: str
    unit: str
    percentiles: bool
    maximum: bool
    opacity: tuple[tuple[float, float], ...]
    colour: tuple[tuple[float, Colour], ...]
    light: Light


def read_volume_presets(path: Path | None = None) -> tuple[VolumePreset, ...]:
    """Read the table (by default the program's own).

    Raises
    ------
    BadResource
        If it cannot be read or a line of it is wrong; the message names the line.

    """
    path = paths.resources() / "volume-presets.toml" if path is None else path
    return read_table(
        path, "3D presets", _preset, lambda p: ((p.modality, p.name), f"the name {p.name!r} of {p.modality}")
    )


def offered(presets: Iterable[VolumePreset], modality: str | None, unit: str) -> tuple[VolumePreset, ...]:
    """Presets for volumes of a modality and unit, in the table's order; those for any where it has none that fit."""
    everything = tuple(presets)
    own = tuple(p for p in everything if p.modality == modality and p.unit in ("", unit))
    return own or tuple(p for p in everything if p.modality == ANY_MODALITY and p.unit in ("", unit))


def _preset(entry: dict[str, Any]) -> VolumePreset:
    check_names(entry, _KNOWN)
    percentiles = _choice(entry, "scale", "values", "percentiles")
    low, high = (0.0, 100.0) if percentiles else (-_LARGEST, _LARGEST)
    opacity = tuple((at, number_of(value, "an opacity", 0, 1)) for at, value in _points(entry, "opacity", low, high))
    colour = tuple((at, _colour(value)) for at, value in _points(entry, "colour", low, high))
    if not any(value > 0 for _, value in opacity):
        raise ValueError("some opacity is greater than 0")
    return VolumePreset(
        text_of(entry, "name"),
        text_of(entry, "modality"),
        text_of(entry, "unit") if "unit" in entry else "",
        percentiles,
        _choice(entry, "blend", "composite", "maximum"),
        opacity,
        colour,
        _light(entry),
    )


def _light(entry: dict[str, Any]) -> Light:
    given = {**_LIGHT, **{name: value for name, value in entry.items() if name in _LIGHT}}
    ambient, diffuse, specular = (number_of(given[name], name, 0, 1) for name in ("ambient", "diffuse", "specular"))
    return Light(ambient, diffuse, specular, number_of(given["specular_power"], "specular_power", 1, 100))


def _points(entry: dict[str, Any], name: str, low: float, high: float) -> list[tuple[float, Any]]:
    """Points of a curve: pairs, at least two, ascending."""
    points = entry.get(name)
    if not isinstance(points, list) or not 2 <= len(points) <= _MOST_POINTS:
        raise ValueError(f"{name} is a list of 2 to {_MOST_POINTS} points")
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise ValueError(f"a point of {name} is a pair [value, {name}]")
    pairs = [(number_of(at, f"a value of {name}", low, high), value) for at, value in points]
    if any(a[0] >= b[0] for a, b in pairwise(pairs)):
        raise ValueError(f"the values of {name} go from low to high")
    return pairs


def _choice(entry: dict[str, Any], name: str, usual: str, other: str) -> bool:
    """Whether an entry of two choices has the other one."""
    if entry.get(name) not in (usual, other):
        raise ValueError(f'{name} is "{usual}" or "{other}"')
    return bool(entry[name] == other)


def _colour(value: Any) -> Colour:
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise ValueError("a colour has the form #rrggbb, in small letters")
    red, green, blue = (int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return (red, green, blue)
