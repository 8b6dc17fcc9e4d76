"""Tables of presets in TOML, one [[preset]] after the other: read whole, or refused with the line that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

from radviewer.app.toml_files import read_toml
from radviewer.errors import BadResource

ANY_MODALITY = "*"

Preset = TypeVar("Preset")


def read_table(
    path: Path, what: str, parse: Callable[[dict[str, Any]], Preset], name: Callable[[Preset], tuple[Hashable, str]]
) -> tuple[Preset, ...]:
    """Read a table.

    Parameters
    ----------
    path : Path
        A file of UTF-8.
    what : str
        What it holds: "window presets".
    parse : callable
        Entry → preset; ValueError, a part of a sentence, where it is wrong.
    name : callable
        Preset → what only one may have, and how that is said: ``"key 1 of CT"``.

    Raises
    ------
    BadResource
        If it cannot be read or an entry of it is wrong; the message names the line.

    """
    text, entries = _entries(path, what)
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[preset]]")]
    found: dict[Hashable, Preset] = {}
    for number, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise ValueError("not a table")
            preset = parse(entry)
            key, said = name(preset)
            if key in found:
                raise ValueError(f"{said} is given twice")
        except ValueError as error:
            line = lines[number] if number < len(lines) else "?"
            raise BadResource(f"{path}, preset in line {line}: {error}. Correct it to have {what}.") from error
        found[key] = preset
    return tuple(found.values())


def _entries(path: Path, what: str) -> tuple[str, list[Any]]:
    text, table = read_toml(path, f"There are no {what}.", f"Correct it to have {what}.")
    entries = table.get("preset", [])
    if not isinstance(entries, list):
        raise BadResource(f"{path} holds no list of [[preset]].")
    return text, entries


def check_names(entry: dict[str, Any], known: frozenset[str]) -> None:
    """Refuse an entry that has a name which is not `known`."""
    unknown = sorted(set(entry) - known)
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}")


def text_of(entry: dict[str, Any], name: str) -> str:
    """Text of an entry, short and printable."""
    value = entry.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 40 or not value.isprintable():
        raise ValueError(f"{name} is a text of 1 to 40 letters")
    return value


def number_of(value: Any, name: str, least: float, greatest: float) -> float:
    """A value that is a number within its range."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= greatest:
        raise ValueError(f"{name} is a number from {least:g} to {greatest:g}")
    return float(value)
