"""What a hanging protocol asks about a stack: view, side, kind of MR series, direction, chest wall."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from radviewer.ai.mr_sequences import weighting
from radviewer.ai.mr_words import REFORMATTED, Kind, fold
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.study import Series, Stack
from radviewer.render.view import Camera

if TYPE_CHECKING:
    from radviewer.app.shown import Shown

T1_POST = "T1 post contrast"
KINDS = ("T1", T1_POST, "T2", "FLAIR", "PD", "STIR", "DWI", "ADC", "SWI", "MRA", "perfusion")
"""Kinds of MR series that a table may name."""

ORIENTATIONS = ("axial", "coronal", "sagittal")

_NAMES = {
    Kind.T1: "T1",
    Kind.T2: "T2",
    Kind.FLAIR: "FLAIR",
    Kind.PROTON_DENSITY: "PD",
    Kind.SUSCEPTIBILITY: "SWI",
    Kind.ANGIOGRAPHY: "MRA",
    Kind.PERFUSION: "perfusion",
}
_PLAIN = re.compile(
    r"\bpre\b|pre(?=t1|contrast)|(?<=t1)pre|\bw o\b|without|\bnativ|\bohne\b|\bsans\b|\bunenh|non ?contrast"
)
_POST = re.compile(
    r"post(?!er)|gad(?!g)|\bgd\b|\+ ?(?:c|gd|km|ce)\b|\bkm\b|contrast|kontrast|\bce\b|t1 ?c(?:e|m)?\b|\bc ?\+|enhanced"
)
_ADC = re.compile(r"\badc\b|apparent diff")
_OTHER_DIFFUSION = re.compile(r"\b(?:col)?fa\b|tensor|tractog|\bexp\b|eadc")
_B_VALUE = re.compile(r"\bb (\d{1,5})\b")
_SIDES = ("R", "L", "B")
_CRANIOCAUDAL = ("CC", "XCCL", "XCCM", "FB")
_OPPOSITE = {"A": "P", "P": "A", "L": "R", "R": "L", "S": "I", "I": "S"}


def view_of(shown: Shown) -> str:
    """ViewPosition of a stack's first image, upper case; "" where it has none.

    A series may hold films of several views: the label of each frame says which.
    """
    words = shown.stack.frames[0].label.upper().split()
    if len(words) > 1 and words[0] in _SIDES:
        words = words[1:]
    return " ".join(words) or (_alone(shown, shown.series.view_position) or "").upper()


def side_of(shown: Shown) -> str:
    """Side of a film: "R", "L", "B"; "" where the header does not say."""
    words = shown.stack.frames[0].label.upper().split()
    if len(words) > 1 and words[0] in _SIDES:
        return words[0]
    side = (_alone(shown, shown.series.laterality) or "").strip().upper()
    return side if side in _SIDES else ""


def _alone(shown: Shown, word: str | None) -> str | None:
    """What the series says, if it is about this stack only."""
    return word if len(shown.series.stacks) == 1 else None


def kind_of(series: Series) -> str:
    """One of `KINDS`, or "" for what is none of them and for other modalities."""
    return _kind(series.description, series.sequence) if series.modality == "MR" else ""


@lru_cache(maxsize=1024)  # each cell of each protocol asks again
def _kind(description: str | None, sequence: MrSequence | None) -> str:
    verdict, words = weighting(description, sequence), fold(description or "")
    types = sequence.image_type if sequence else ()
    if verdict.kind is Kind.T1:
        return T1_POST if _is_enhanced(sequence, words) else "T1"
    if verdict.kind is Kind.DIFFUSION:
        if _ADC.search(words) or "ADC" in types:
            return "ADC"
        return "" if _OTHER_DIFFUSION.search(words) or "FA" in types else "DWI"
    if verdict.kind is Kind.OTHER:
        return "STIR" if "stir" in words or "STIR" in verdict.why else ""
    return _NAMES.get(verdict.kind, "")


def _is_enhanced(sequence: MrSequence | None, words: str) -> bool:
    """Whether a T1 was made after contrast: words first, scanners may name the agent in all of an examination."""
    if _PLAIN.search(words):
        return False
    return bool(_POST.search(words)) or (sequence is not None and sequence.contrast_agent)


def b_value(stack: Stack) -> float:
    """Diffusion weighting in s/mm² that tells a stack from its series' others; 0 where nothing says."""
    match = _B_VALUE.search(stack.label)
    return float(match[1]) if match else 0.0


def orientation_of(stack: Stack) -> str:
    """One of `ORIENTATIONS` by the images' normal; "" for oblique images and where nothing says."""
    plane = stack.frames[0].plane
    if plane is None:
        return ""
    along = {name: abs(part) for name, part in zip(("sagittal", "coronal", "axial"), plane.normal, strict=True)}
    name = max(along, key=lambda key: along[key])
    return name if along[name] > 0.8 else ""


def is_reformatted(series: Series) -> bool:
    """Whether the header says that a series was computed from another one."""
    types = " ".join(series.sequence.image_type) if series.sequence else ""
    return bool(REFORMATTED.search(fold(series.description or "")) or REFORMATTED.search(fold(types)))


def is_about(shown: Shown, parts: tuple[str, ...]) -> bool:
    """Whether a series shows one of some body parts; its description tells where BodyPartExamined does not."""
    said = shown.series.body_part or f"{shown.series.description or ''} {shown.study.description or ''}"
    folded = fold(said)
    return any(fold(part).strip() in folded for part in parts)


def breast_camera(orientation: tuple[str, str] | None, view: str, side: str, wall: Literal["left", "right"]) -> Camera:
    """Camera that shows a mammogram with its chest wall against an edge of the viewport.

    Parameters
    ----------
    orientation : tuple of str or None
        Patient letters of increasing column and of increasing row (PatientOrientation, PS3.3 C.7.6.1.1.1).
        None leaves the image as it is stored: by convention the chest wall of a right breast is at the right.
    view, side : str
        ViewPosition and "R" or "L".  The lateral part of a craniocaudal view comes to the top, the head
        of the other views.
    wall : str
        "left" or "right".

    """
    camera = Camera(against=wall)
    if orientation is None:
        return camera
    right, down = orientation
    if right[0] not in "AP":
        if down[0] not in "AP":
            return camera
        camera = Camera(quarter_turns=1, against=wall)
        right, down = "".join(_OPPOSITE[letter] for letter in down), right
    if (right[0] == "P") != (wall == "right"):
        camera = Camera(quarter_turns=camera.quarter_turns, flipped=True, against=wall)
    wrong = side if view in _CRANIOCAUDAL and side in ("L", "R") else "S"
    return camera.flipped_vertically() if wrong in down else camera
