"""How volumes are rendered in 3D: the table in resources/volume-presets.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from radviewer import paths
from radviewer.app.presets import ANY_MODALITY
from radviewer.errors import BadResource

_MOST_BYTES = 65_536
_MOST_POINTS = 64
_LARGEST = 1e7
_LIGHT = {"ambient": 0.1, "diffuse": 0.7, "specular": 0.2, "specular_power": 10.0}
_KNOWN = {"name", "modality", "unit", "scale", "blend", "opacity", "colour", *_LIGHT}
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
    text, entries = _entries(path)
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[preset]]")]
    found: dict[tuple[str, str], VolumePreset] = {}
    for number, entry in enumerate(entries):
        try:
            preset = _preset(entry)
            if (preset.modality, preset.name) in found:
                raise ValueError(f"the name {preset.name!r} is given twice for {preset.modality}")
        except ValueError as error:
            line = lines[number] if number < len(lines) else "?"
            raise BadResource(f"{path}, preset in line {line}: {error}. Correct it to have 3D presets.") from error
        found[preset.modality, preset.name] = preset
    return tuple(found.values())


def offered(presets: Iterable[VolumePreset], modality: str | None, unit: str) -> tuple[VolumePreset, ...]:
    """Presets for volumes of a modality and unit, in the table's order; those for any where it has none that fit."""
    everything = tuple(presets)
    own = tuple(p for p in everything if p.modality == modality and p.unit in ("", unit))
    return own or tuple(p for p in everything if p.modality == ANY_MODALITY and p.unit in ("", unit))


def _entries(path: Path) -> tuple[str, list[Any]]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadResource(f"{path} could not be read: {error.strerror}. There are no 3D presets.") from error
    if len(data) > _MOST_BYTES:
        raise BadResource(f"{path} is larger than {_MOST_BYTES} bytes. There are no 3D presets.")
    try:
        text = data.decode()
        entries = tomllib.loads(text).get("preset", [])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadResource(f"{path} is not valid TOML: {error}. Correct it to have 3D presets.") from error
    if not isinstance(entries, list):
        raise BadResource(f"{path} holds no list of [[preset]].")
    return text, entries


def _preset(entry: Any) -> VolumePreset:
    if not isinstance(entry, dict):
        raise ValueError("not a table")
    unknown = sorted(set(entry) - _KNOWN)
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}")
    percentiles = _choice(entry, "scale", "values", "percentiles")
    low, high = (0.0, 100.0) if percentiles else (-_LARGEST, _LARGEST)
    opacity = tuple((at, _number(value, "an opacity", 0, 1)) for at, value in _points(entry, "opacity", low, high))
    colour = tuple((at, _colour(value)) for at, value in _points(entry, "colour", low, high))
    if not any(value > 0 for _, value in opacity):
        raise ValueError("some opacity is greater than 0")
    return VolumePreset(
        _text(entry, "name"),
        _text(entry, "modality"),
        _text(entry, "unit") if "unit" in entry else "",
        percentiles,
        _choice(entry, "blend", "composite", "maximum"),
        opacity,
        colour,
        _light(entry),
    )


def _light(entry: dict[str, Any]) -> Light:
    given = {**_LIGHT, **{name: value for name, value in entry.items() if name in _LIGHT}}
    ambient, diffuse, specular = (_number(given[name], name, 0, 1) for name in ("ambient", "diffuse", "specular"))
    return Light(ambient, diffuse, specular, _number(given["specular_power"], "specular_power", 1, 100))


def _points(entry: dict[str, Any], name: str, low: float, high: float) -> list[tuple[float, Any]]:
    """Points of a curve: pairs, at least two, ascending."""
    points = entry.get(name)
    if not isinstance(points, list) or not 2 <= len(points) <= _MOST_POINTS:
        raise ValueError(f"{name} is a list of 2 to {_MOST_POINTS} points")
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise ValueError(f"a point of {name} is a pair [value, {name}]")
    pairs = [(_number(at, f"a value of {name}", low, high), value) for at, value in points]
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


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 40 or not value.isprintable():
        raise ValueError(f"{name} is a text of 1 to 40 letters")
    return value


def _number(value: Any, name: str, least: float, greatest: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= greatest:
        raise ValueError(f"{name} is a number from {least:g} to {greatest:g}")
    return float(value)
