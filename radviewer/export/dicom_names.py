"""UIDs, numbers and codes that radviewer's DICOM objects share."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING

from radviewer import paths
from radviewer.domain.decision import FindingKey, stack_id
from radviewer.domain.study import Stack
from radviewer.errors import BadResource

if TYPE_CHECKING:
    from highdicom import UID
    from highdicom.sr import CodedConcept

MANUFACTURER = "radviewer"
SEGMENTATIONS, AI_RESULTS, DECISIONS, KEY_IMAGES, PRESENTATIONS, PICTURES, HEATMAPS = range(9900, 9907)
"""Series numbers: far from those of any scanner."""


def uid(*names: str) -> UID:
    """UID that depends on the names alone: pydicom's root and a number made of their hash (PS3.5 B)."""
    from highdicom import UID
    from pydicom.uid import generate_uid

    return UID(generate_uid(entropy_srcs=[MANUFACTURER, *names]))


def tracking_uid(stack: Stack, model: str, version: str, label: str) -> UID:
    """Tracking UID of a finding: the same in every object that speaks of it, whatever its outline (PS3.16 TID 4108)."""
    images = [f"{frame.file.sop_instance_uid}#{frame.index}" for frame in stack.frames]
    return uid("tracking", *images, model, version, label)


def tracking_of(stack: Stack, key: FindingKey) -> UID:
    """Tracking UID of a finding on its stack.

    Raises
    ------
    ValueError
        If the finding is about another stack.

    """
    if key.stack != stack_id(stack):
        raise ValueError("the finding is about another stack")
    return tracking_uid(stack, key.model, key.version, key.label)


def person_name(name: str) -> str:
    """A reader's name as a Person Name value (PS3.5 6.2.1): no delimiters of other values, 64 characters; "" for none.

    Someone who enters one word means the family name.
    """
    plain = "".join(c for c in name if c.isprintable() and c not in "\\=").strip()[:62]
    return plain if not plain or "^" in plain else f"{plain}^"


def concept(name: str) -> CodedConcept:
    """Code of the table in resources/sr-codes.toml.

    Raises
    ------
    BadResource
        If the table cannot be read or has no such entry.

    """
    from highdicom.sr import CodedConcept

    value, scheme, meaning = _table().get(name, ("", "", ""))
    if not value:
        raise BadResource(f"resources/sr-codes.toml has no code for {name!r}. Add it.")
    return CodedConcept(value, scheme, meaning)


def has_concept(name: str) -> bool:
    """Whether the table has a code of this name."""
    return name in _table()


@cache
def _table() -> dict[str, tuple[str, str, str]]:
    path = paths.resources() / "sr-codes.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["code"]
        return {name: (str(v), str(s), str(m)) for name, (v, s, m) in entries.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadResource(f"{path} is not a table of codes: {error}. Install the program again.") from error
