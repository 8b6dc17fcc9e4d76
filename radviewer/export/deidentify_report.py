"""What was changed, copied and left out, in words and numbers: no value of any file, no name of any file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import keyword_for_tag

from radviewer import __version__
from radviewer.export.deidentify_dataset import Changes
from radviewer.export.deidentify_pixels import Writing
from radviewer.export.deidentify_profile import EDITION

JSON_NAME, TEXT_NAME = "deidentification.json", "deidentification.txt"
_NAMED = "taken away because they named the patient or somebody around, or were no numbers"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not copied.

    Attributes
    ----------
    number : int
        Place of the file among all files of the folder, by name, from 1: names of files often name the patient.
    name : str
        The file's name, for the one who made the copy only.
    reason : str
        A sentence without anything from the file.

    """

    number: int
    name: str
    reason: str


@dataclass
class DeidentifyReport:
    """What an export did.

    Attributes
    ----------
    options : dict
        As they are named on the command line.
    patients, studies, series, instances : int
        What was copied.
    writing : Counter
        Copied instances by what is known about writing in their pixels.
    identity_removed : int
        Instances that say PatientIdentityRemoved YES.
    changes : Changes
    left_out : list of LeftOut

    """

    options: dict[str, bool]
    patients: int = 0
    studies: int = 0
    series: int = 0
    instances: int = 0
    identity_removed: int = 0
    writing: Counter[Writing] = field(default_factory=Counter)
    changes: Changes = field(default_factory=Changes)
    left_out: list[LeftOut] = field(default_factory=list)

    def as_json(self, *, with_names: bool = False) -> dict[str, Any]:
        """Return the report; with the names of files that were left out only where nobody else will read it."""
        return {
            "radviewer": __version__,
            "profile": f"DICOM PS3.15 Basic Application Level Confidentiality Profile, Table E.1-1, edition {EDITION}",
            "options": self.options,
            "copied": {
                "patients": self.patients,
                "studies": self.studies,
                "series": self.series,
                "instances": self.instances,
            },
            "patient_identity_removed": {"YES": self.identity_removed, "NO": self.instances - self.identity_removed},
            "burned_in_text": {known.value: self.writing[known] for known in Writing if self.writing[known]},
            "attributes": self._attributes(),
            "private_elements": {"removed": self.changes.private_removed, "kept": self.changes.private_kept},
            "left_out": [
                {"file": one.number, "reason": one.reason} | ({"path": one.name} if with_names else {})
                for one in self.left_out
            ],
        }

    def encoded(self) -> bytes:
        """``deidentification.json``."""
        return (json.dumps(self.as_json(), ensure_ascii=True, indent=1) + "\n").encode()

    def text(self, *, with_names: bool = False) -> str:
        """``deidentification.txt``."""
        removed, chosen = self.identity_removed, [name for name, on in self.options.items() if on]
        lines = [
            f"De-identified by radviewer {__version__}. For research use only.",
            str(self.as_json()["profile"]) + ".",
            f"Options: {', '.join(chosen) or 'none'}.",
            f"Copied: {self.instances} instances, {self.series} series, {self.studies} studies, "
            f"{self.patients} patients.",
            f"Patient Identity Removed: YES in {removed}, NO in {self.instances - removed}.",
            "Writing in the pixels:",
            *(f"  {count:7}  {known.value}" for known, count in self.writing.items()),
        ]
        if self.left_out:
            lines += ["", f"Left out: {len(self.left_out)} files (numbered by name, from 1)"]
            lines += [f"  {self._name(one, with_names)}: {one.reason}" for one in self.left_out]
        return "\n".join(lines) + "\n"

    def whole_text(self) -> str:
        """Return the text with the attributes, for the folder."""
        lines = [self.text(), "Attributes, by what was done to them, and how often:"]
        for done, counts in self._attributes().items():
            lines += ["", f"{done}:", *(f"  {count:7}  {name}" for name, count in counts.items())]
        private = self.changes
        lines += ["", f"Private elements: {private.private_removed} removed, {private.private_kept} kept."]
        return "\n".join(lines) + "\n"

    def _name(self, one: LeftOut, with_names: bool) -> str:
        return one.name if with_names else f"file {one.number}"

    def _attributes(self) -> dict[str, dict[str, int]]:
        found = {rule.value: _by_keyword(counts) for rule, counts in self.changes.done.items() if counts}
        return found | ({_NAMED: _by_keyword(self.changes.named)} if self.changes.named else {})


def _by_keyword(counts: Counter[int]) -> dict[str, int]:
    named: Counter[str] = Counter()
    for tag, count in counts.items():
        # Numbers that no dictionary knows are not repeated: even they come from the file.
        named[keyword_for_tag(tag) or "(not in the data dictionary)"] += count
    return dict(sorted(named.items()))
