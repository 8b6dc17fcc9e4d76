"""What a label means in codes: the table in resources/segment-codes.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radviewer import paths
from radviewer.errors import BadResource

OTHER = "*"

Code = tuple[str, str, str]
"""Code value, coding scheme designator, code meaning."""


@dataclass(frozen=True, slots=True)
class SegmentCodes:
    """Segmented property category, type, and the type's modifier for the side, if any."""

    category: Code
    type: Code
    side: Code | None = None


def read_segment_codes(path: Path | None = None) -> dict[str, SegmentCodes]:
    """Read the table (by default the program's own): label → codes; `OTHER` for all others.

    Raises
    ------
    BadResource
        If it cannot be read or an entry of it is wrong; the message names the entry.

    """
    path = paths.resources() / "segment-codes.toml" if path is None else path
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("segment", {})
    except OSError as error:
        raise BadResource(f"{path} could not be read: {error.strerror}. Install the program again.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadResource(f"{path} is not valid TOML: {error}. Correct it.") from error
    if not isinstance(entries, dict) or OTHER not in entries:
        raise BadResource(f'{path} has no entry [segment."{OTHER}"]. Add it.')
    return {label: _entry(path, label, entry) for label, entry in entries.items()}


def _entry(path: Path, label: str, entry: Any) -> SegmentCodes:
    known = {"category", "type", "side"}
    if not isinstance(entry, dict) or not {"category", "type"} <= entry.keys() <= known:
        raise BadResource(f"{path}: the entry {label!r} needs category and type, and may have side. Correct it.")
    for name, code in entry.items():
        if not (isinstance(code, list) and len(code) == 3 and all(isinstance(part, str) and part for part in code)):
            raise BadResource(f"{path}: {name} of {label!r} is not a code value, a scheme and a meaning. Correct it.")
    side = entry.get("side")
    return SegmentCodes(tuple(entry["category"]), tuple(entry["type"]), tuple(side) if side else None)
