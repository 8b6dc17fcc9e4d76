"""What becomes of each attribute: the Basic Profile with options (PS3.15 Table E.1-1).

The table itself is that of the package dicom-anonymizer, which follows the standard's editions.  Only its table is
used: its engine looks at the first level of a data set only, leaves removed dates as year 1, keeps its UIDs for as
long as the program runs, and cannot shift dates or clean descriptions.  Where the table leaves a choice that depends
on the IOD (X/Z, X/D, …) the action that is valid in every IOD is taken.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from radviewer import paths
from radviewer.errors import BadResource

EDITION = "2026c"
PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020
TEXT_VALUE, CONTENT, GRAPHICS = 0x0040A160, 0x0040A730, 0x00700001
_FIRST_GROUP = 0x0008  # before it lie commands, file meta information and directory records

LONG_TEXTS = frozenset({"LT", "ST", "UT"})
TEXTS = LONG_TEXTS | {"LO", "SH", "UC"}
TIMES = frozenset({"DA", "DT", "TM"})
_PEOPLE_AND_PLACES = frozenset({"AE", "PN"})


class Rule(Enum):
    """What is done to an element; the value is its name in the report."""

    REMOVE = "removed"
    EMPTY = "emptied"
    DUMMY = "replaced by a dummy"
    UID = "replaced by another UID"
    PSEUDONYM = "replaced by a pseudonym"
    SHIFT = "shifted in time"
    CLEAN = "cleaned"
    ENTER = "sequences kept, their items treated alike"
    KEEP = "kept"


_ACTIONS = {
    "D_TAGS": Rule.DUMMY,
    "Z_TAGS": Rule.EMPTY,
    "X_TAGS": Rule.REMOVE,
    "U_TAGS": Rule.UID,
    "Z_D_TAGS": Rule.DUMMY,
    "X_Z_TAGS": Rule.EMPTY,
    "X_D_TAGS": Rule.DUMMY,
    "X_Z_D_TAGS": Rule.DUMMY,
    "X_Z_U_STAR_TAGS": Rule.UID,
}
_ENTERED = frozenset({CONTENT, GRAPHICS, 0x0040A073, 0x0040B020})
"""D in the table, but their items hold only what the table, or a rule here, names: content, graphics, verifying
observers, waveform annotations (PS3.15 E.3.3 and E.3.4)."""

_REQUIRED = frozenset({0x00700082, 0x00700083})
"""Creation date and time of presentations: X in the table, but of type 1 (PS3.3 C.11.10), so dummies stand there."""


@dataclass(frozen=True, slots=True)
class Tables:
    """resources/deidentification.toml."""

    dates: frozenset[int]
    descriptors: frozenset[int]
    words: frozenset[str]
    units: frozenset[str]
    schemes: frozenset[str]
    safe_private: Mapping[str, frozenset[int]]
    """Private creator → group and last two digits, ``0x2005000e``."""


@cache
def tables() -> Tables:
    """Read the table of the options.

    Raises
    ------
    BadResource

    """
    path = paths.resources() / "deidentification.toml"
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        return Tables(
            dates=frozenset(tags_of(read["dates"])),
            descriptors=frozenset(tags_of(read["descriptors"])),
            words=frozenset(read["words"].split()),
            units=frozenset(read["units"].split()),
            schemes=frozenset(read["schemes"].split()),
            safe_private={name: frozenset(tags_of(tags)) for name, tags in read["safe-private"].items()},
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, AttributeError, ValueError) as error:
        raise BadResource(
            f"{path} is not a table for de-identification: {error}. Install the program again."
        ) from error


def tags_of(block: str) -> Iterator[int]:
    """Tags of lines such as ``0008: 0012 0013``; a line without a group goes on with the last one."""
    group = 0
    for word in block.split():
        if word.endswith(":"):
            group = int(word[:-1], 16)
        else:
            yield group << 16 | int(word, 16)


@cache
def _basic() -> dict[int, Rule]:
    """Basic Profile without the repeating groups, which are removed whole."""
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector

    table = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    return {tag[0] << 16 | tag[1]: rule for name, rule in _ACTIONS.items() for tag in table[name] if len(tag) == 2}


@dataclass(frozen=True)
class Profile:
    """The Basic Profile with the chosen options.

    Attributes
    ----------
    shift_dates : bool
        Retain Longitudinal Temporal Information with Modified Dates (PS3.15 E.3.6).
    clean_descriptors : bool
        Clean Descriptors (PS3.15 E.3.5).
    retain_safe_private : bool
        Retain Safe Private (PS3.15 E.3.10).

    """

    shift_dates: bool = False
    clean_descriptors: bool = False
    retain_safe_private: bool = False
    _known: dict[tuple[int, str], tuple[Rule, str]] = field(default_factory=dict, compare=False, repr=False)

    def rule(self, tag: int, vr: str) -> tuple[Rule, str]:
        """What to do with a standard element of this VR in the file, and the VR it is to be taken for."""
        found = self._known.get((tag, vr))
        if found is None:
            taken = _true_vr(tag, vr)
            found = self._known[tag, vr] = (self._rule(tag, taken), taken)
        return found

    def _rule(self, tag: int, vr: str) -> Rule:
        if not vr or tag & 0xFFFF == 0 or tag >> 16 < _FIRST_GROUP or tag >> 24 in (0x50, 0x60):
            return Rule.REMOVE
        if tag in (PATIENT_NAME, PATIENT_ID):
            return Rule.PSEUDONYM
        table = tables()
        if self.shift_dates and (tag in table.dates or tag not in _basic()) and vr in (*TIMES, "SH"):
            return Rule.SHIFT if tag in table.dates or vr in TIMES else self.plain(tag, vr)
        if self.clean_descriptors and vr in TEXTS and (tag in table.descriptors or tag == TEXT_VALUE):
            return Rule.CLEAN
        return self.plain(tag, vr)

    def plain(self, tag: int, vr: str) -> Rule:
        """Return the rule without options: it holds where a date cannot be shifted or no word of a text may stay."""
        rule = _basic().get(tag)
        if rule is None:
            return _unlisted(tag, vr)
        if vr == "SQ" and (tag in _ENTERED or rule is Rule.UID):
            return Rule.ENTER
        if tag in _REQUIRED:
            return Rule.DUMMY
        return Rule.UID if rule is Rule.DUMMY and vr == "UI" else rule


def _unlisted(tag: int, vr: str) -> Rule:
    """Attributes the table does not name may stay; not so where anything might be written, or a person, place or time.

    Stricter than the profile: PS3.15 E.1 leaves them to the de-identifier's judgement.
    """
    if vr == "SQ":
        return Rule.ENTER
    if vr == "UR" and tag != 0x00080120:  # a code may be a URN
        return Rule.REMOVE
    if vr == "UI":
        return Rule.KEEP if _names_a_kind(tag) else Rule.UID
    return Rule.DUMMY if vr in LONG_TEXTS | TIMES | _PEOPLE_AND_PLACES else Rule.KEEP


def _names_a_kind(tag: int) -> bool:
    """Whether a UID names a class, an encoding or a code, which every instance of its kind has in common."""
    from pydicom.datadict import keyword_for_tag

    words = ("ClassUID", "ClassesInStudy", "TransferSyntaxUID", "CodingSchemeUID", "ContextUID", "MappingResourceUID")
    return any(word in keyword_for_tag(tag) for word in words)


def _true_vr(tag: int, vr: str) -> str:
    """VR to take an element for; "" where the file and the data dictionary (PS3.6) contradict one another.

    A sequence in disguise could bring anything along, and so could an element that nobody knows.
    """
    if not dictionary_has_tag(tag):
        return vr if tag in _basic() and vr != "UN" else ""
    listed = dictionary_VR(tag)
    if vr in ("UN", ""):
        return listed[:2]
    if (vr == "SQ") != (listed == "SQ"):
        return ""
    return listed[:2] if listed[:2] in LONG_TEXTS | TIMES | _PEOPLE_AND_PLACES | {"UI"} else vr
