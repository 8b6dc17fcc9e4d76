"""Studies made by hand for hanging protocols: films, mammograms, MR series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from radviewer.app.shown import Shown
from radviewer.domain.geometry import Geometry
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.study import Series, Stack, StackKind, Study
from tests.app.hand_made import stack


def film(label: str, orientation: tuple[str, str] | None = None, name: str = "") -> Stack:
    """One film; `label` is side and view: "PA", "R CC"."""
    one = stack(name or label, planes=[None])
    return replace(
        one, kind=StackKind.IMAGES, frames=(replace(one.frames[0], label=label, orientation=orientation, plane=None),)
    )


def series(
    modality: str, *stacks: Stack, description: str = "", body_part: str | None = None, number: int = 1
) -> Series:
    return Series(f"1.{modality}.{number}", number, modality, description or None, body_part, stacks)


def films(*labels: str, modality: str = "DX", body_part: str | None = "CHEST", name: str = "now") -> list[Series]:
    """One series for each film."""
    return [
        series(modality, film(label, name=f"{name} {label}"), body_part=body_part, number=number)
        for number, label in enumerate(labels, 1)
    ]


def mr(
    description: str, slices: int = 20, *, number: int = 1, agent: bool = False, body_part: str | None = "BRAIN"
) -> Series:
    one = stack(description, [float(z) for z in range(slices)])
    made = series("MR", one, description=description, body_part=body_part, number=number)
    return replace(made, sequence=MrSequence(contrast_agent=agent))


def ct(
    slices: int, *, number: int = 1, regular: bool = True, body_part: str | None = "CHEST", name: str = "ct"
) -> Series:
    one = stack(f"{name} {number}", [float(z) for z in range(slices)])
    if regular:
        one = replace(one, geometry=Geometry(one.shape, np.eye(4)))
    return series("CT", one, body_part=body_part, number=number)


def study(
    parts: Sequence[Series],
    date: str | None = "20240229",
    *,
    patient: str | None = "P1",
    name: str | None = "Test^P1",
    time: str | None = "101500",
    birth: str | None = None,
) -> Study:
    made = Study(f"1.{date}.{time}", date, None, name, patient, tuple(parts), time=time)
    return replace(made, patient_birth_date=birth)


def everything(*studies: Study) -> list[Shown]:
    """What the browser would list."""
    return [Shown(one, part, own) for one in studies for part in one.series for own in part.stacks]
