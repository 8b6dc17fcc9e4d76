"""A data set without its identity: every element on every level, by the rules of the profile (PS3.15 E.1)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from radviewer.export.deidentify_elements import BrokenFile, check_length, items, put, raw, text, text_of
from radviewer.export.deidentify_profile import TEXTS, Profile, Rule, tables
from radviewer.export.deidentify_values import Patient, Uids, cleaned, dummy, shifted

DEEPEST = 24
"""Levels of sequences; structured reports in use have about ten."""
_CHARSET = 0x00080005
_NUMBERS = {
    "IS": re.compile(rb"[0-9+\- \\\0]*"),
    "DS": re.compile(rb"[0-9+\-.eE \\\0]*"),
    "UI": re.compile(rb"[0-9. \\\0]*"),
    "AS": re.compile(rb"[0-9DWMY \\\0]*"),
    "UR": re.compile(rb"(urn:oid:[0-9.]+)?[ \0]*"),  # of a code
}
_CHECKED = TEXTS | {"CS"}
_VITAL = frozenset({0x00080008, 0x00080016, 0x00080060, 0x00080301, 0x0040A010, 0x0040A040, 0x0040A050})
"""Defined terms without which nothing can be read: kept even if the patient is called like one of them."""
_VITAL_GROUPS = frozenset({0x0028, 0x5400})
_CODE = frozenset({0x00080100, 0x00080104, 0x00080119, 0x00080120})
"""Code Value, Code Meaning, Long and URN Code Value: free text unless the coding scheme is a public one."""
_LONGEST_PRIVATE = 1 << 16


@dataclass
class Changes:
    """How often what was done, by attribute."""

    done: dict[Rule, Counter[int]] = field(default_factory=lambda: {rule: Counter() for rule in Rule})
    private_removed: int = 0
    private_kept: int = 0
    named: Counter[int] = field(default_factory=Counter)
    """Kept by the profile, but taken away because they named the patient or somebody around, or were no numbers."""

    def add(self, other: Changes) -> None:
        """Count what was done to another file too."""
        for rule, counts in other.done.items():
            self.done[rule].update(counts)
        self.named.update(other.named)
        self.private_removed += other.private_removed
        self.private_kept += other.private_kept


@dataclass(frozen=True)
class Cleaner:
    """Takes the identity out of data sets of one patient.

    Attributes
    ----------
    profile : Profile
    patient : Patient
    uids : Uids
    changes : Changes
        Filled while data sets are cleaned.

    """

    profile: Profile
    patient: Patient
    uids: Uids
    changes: Changes

    def clean(self, dataset: Dataset, depth: int = 0, *, wholly: bool = False) -> None:
        """Change `dataset` in place.

        Parameters
        ----------
        dataset : Dataset
            As pydicom read it, values not yet interpreted.
        depth : int
            Levels of sequences around it.
        wholly : bool
            It lies in a sequence that has to be replaced by a dummy: nothing of it is kept.

        Raises
        ------
        BrokenFile
            If sequences lie deeper in one another than any real file has them, or values are cut off.

        """
        if depth > DEEPEST:
            raise BrokenFile("Its sequences lie too deep in one another.")
        private: list[DataElement | RawDataElement] = []
        public: list[DataElement | RawDataElement] = []
        for element in dataset.elements():
            (private if element.tag.group & 1 else public).append(element)
        if private:
            self._private(dataset, private, depth, keep=self.profile.retain_safe_private and not wholly)
        is_local = "CodeMeaning" in dataset and text_of(dataset, "CodingSchemeDesignator") not in tables().schemes
        for element in public:
            check_length(element)
            self._element(dataset, element, depth, wholly or (is_local and int(element.tag) in _CODE))

    def _element(self, dataset: Dataset, element: DataElement | RawDataElement, depth: int, wholly: bool) -> None:
        tag = int(element.tag)
        rule, vr = self.profile.rule(tag, element.VR or "")
        if wholly and rule in (Rule.KEEP, Rule.CLEAN, Rule.SHIFT) and vr not in ("UI", "SQ"):
            rule = Rule.DUMMY
        match rule:
            case Rule.KEEP:
                self._keep(dataset, element, vr)
            case Rule.CLEAN | Rule.SHIFT:
                self._alter(dataset, element, rule, vr)
            case Rule.ENTER:
                self._enter(dataset, element, depth, rule, wholly=wholly)
            case Rule.DUMMY if vr == "SQ":
                self._enter(dataset, element, depth, rule, wholly=True)
            case _:
                self._replace(dataset, element, rule, vr)

    def _replace(self, dataset: Dataset, element: DataElement | RawDataElement, rule: Rule, vr: str) -> None:
        tag = int(element.tag)
        self.changes.done[rule][tag] += 1
        match rule:
            case Rule.REMOVE:
                del dataset[element.tag]
            case Rule.UID:
                put(dataset, tag, vr, "\\".join(map(self.uids.new, text(element).split("\\"))).encode())
            case Rule.PSEUDONYM:
                put(dataset, tag, vr, self.patient.pseudonym.encode() + (b"^" if vr == "PN" else b""))
            case Rule.EMPTY:
                put(dataset, tag, vr, b"")
            case _:
                put(dataset, tag, vr, dummy(vr))

    def _keep(self, dataset: Dataset, element: DataElement | RawDataElement, vr: str) -> None:
        tag = int(element.tag)
        value = raw(element) if vr in _CHECKED or vr in _NUMBERS else b""
        vital = tag in _VITAL or (vr == "CS" and tag >> 16 in _VITAL_GROUPS)
        if vr in _NUMBERS and not _NUMBERS[vr].fullmatch(value):
            self.changes.named[tag] += 1
            del dataset[element.tag]
        elif vr in _CHECKED and not vital and tag != _CHARSET and self.patient.betrayed_by(value):
            self.changes.named[tag] += 1
            put(dataset, tag, vr, dummy(vr))
        else:
            self.changes.done[Rule.KEEP][tag] += 1
            if isinstance(element, RawDataElement) and element.VR is None:  # of a sequence that was encoded as unknown
                dataset[element.tag] = element._replace(VR=vr)

    def _alter(self, dataset: Dataset, element: DataElement | RawDataElement, rule: Rule, vr: str) -> None:
        """Shift or clean a value; where nothing remains, do what the profile asks for without options."""
        tag, value = int(element.tag), raw(element)
        if rule is Rule.SHIFT:
            new = shifted(value, vr, self.patient.days)
        else:
            new = cleaned(value, self.patient) or None
            new = new[:16].strip() if new and vr == "SH" else new
        if new is None:
            plain = self.profile.plain(tag, vr)
            self._replace(dataset, element, Rule.DUMMY if plain is Rule.KEEP else plain, vr)
        else:
            self.changes.done[rule][tag] += 1
            put(dataset, tag, vr, new.encode())

    def _enter(
        self, dataset: Dataset, element: DataElement | RawDataElement, depth: int, rule: Rule, *, wholly: bool
    ) -> None:
        self.changes.done[rule][int(element.tag)] += 1
        for item in items(dataset, element):
            self.clean(item, depth + 1, wholly=wholly)

    def _private(
        self, dataset: Dataset, elements: list[DataElement | RawDataElement], depth: int, *, keep: bool
    ) -> None:
        """Remove private elements; with the option keep those that are known to be safe (PS3.15 E.3.10)."""
        creators = {int(e.tag) & 0xFFFF00FF: raw(e) for e in elements if 0x10 <= e.tag.element <= 0xFF} if keep else {}
        used = set()
        for element in elements:
            tag = int(element.tag)
            reserved = (tag & 0xFFFF0000) | (tag >> 8 & 0xFF)
            creator = creators.get(reserved, b"").strip(b" \0").decode("ascii", "replace")
            is_safe = element.tag.element > 0xFF and tag & 0xFFFF00FF in tables().safe_private.get(creator, ())
            if is_safe and self._is_harmless(dataset, element, depth):
                used.add(reserved)
                self.changes.private_kept += 1
            elif tag not in creators:
                del dataset[element.tag]
                self.changes.private_removed += 1
        for tag in creators.keys() - used:
            del dataset[tag]
            self.changes.private_removed += 1

    def _is_harmless(self, dataset: Dataset, element: DataElement | RawDataElement, depth: int) -> bool:
        """Whether a private element may stay; a sequence is cleaned like any other."""
        check_length(element)
        if element.VR == "SQ":
            for item in items(dataset, element):
                self.clean(item, depth + 1)
            return True
        value = raw(element)
        if element.VR in _NUMBERS and not _NUMBERS[element.VR].fullmatch(value):
            return False
        return len(value) <= _LONGEST_PRIVATE and not self.patient.betrayed_by(value)
