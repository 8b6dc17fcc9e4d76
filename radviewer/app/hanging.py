"""Which images of a study go where: hanging protocols matched against what is open.

Nothing here knows a viewport or a file: protocols, studies and stacks in, plans out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from radviewer.ai.mr_words import fold
from radviewer.app.hanging_facts import (
    b_value,
    breast_camera,
    is_about,
    is_reformatted,
    kind_of,
    orientation_of,
    side_of,
    view_of,
)
from radviewer.app.layouts import Layout
from radviewer.domain.reformat import why_not
from radviewer.domain.study import Study
from radviewer.render.view import Camera

if TYPE_CHECKING:
    from radviewer.app.shown import Shown

PLANES = ("axial", "coronal", "sagittal", "3d")
FEWEST_SLICES = 16
"""A plane across fewer slices shows stripes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a cell of a protocol asks for; what is empty is not asked.

    Attributes
    ----------
    modality, view : tuple of str
        Modality (the protocol's where empty) and ViewPosition, upper case: one of them.
    laterality : str
        "R" or "L".
    kind, orientation : str
        Of an MR series (`hanging_facts.KINDS`), and of the images as they were acquired.
    slices : int
        At least so many.
    prior : int
        0 is the current study, 1 the one before, 2 the one before that.
    plane : str
        Reformatted plane (`PLANES`) in place of the images; "" for the images.
    chest_wall : str
        Edge of the viewport against which a mammogram's chest wall lies: "left", "right" or "".
    optional : bool
        Whether the cell may stay empty.

    """

    modality: tuple[str, ...] = ()
    view: tuple[str, ...] = ()
    laterality: str = ""
    kind: str = ""
    orientation: str = ""
    slices: int = 1
    prior: int = 0
    plane: str = ""
    chest_wall: Literal["", "left", "right"] = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """One line of the table.

    Attributes
    ----------
    name : str
    modality, body_part, view : tuple of str
        Of the studies it is for: one of these; an empty one is not asked.
    priors : int
        Earlier studies of the same kind there must be.
    layout : Layout or None
        None takes the smallest one for the cells that found something, and leaves the others out.
    cells : tuple of Wanted
        Row by row.
    fewest : int
        Cells that must find something.

    """

    name: str
    modality: tuple[str, ...]
    layout: Layout | None
    cells: tuple[Wanted, ...]
    fewest: int = 1
    body_part: tuple[str, ...] = ()
    view: tuple[str, ...] = ()
    priors: int = 0


@dataclass(frozen=True)
class Cell:
    """What one viewport shows.

    Attributes
    ----------
    shown : Shown or None
        None stays empty.
    plane : str
        Reformatted plane of it, or "" for its images.
    camera : Camera or None
        How it is looked at; None as the viewport would.

    """

    shown: Shown | None
    plane: str = ""
    camera: Camera | None = None


@dataclass(frozen=True)
class Plan:
    """A protocol with the images it has found, row by row."""

    protocol: Protocol
    layout: Layout
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Case:
    """The study to be read and the earlier ones of its patient, the latest first."""

    current: Study
    priors: tuple[Study, ...]
    shown: tuple[Shown, ...]

    @cached_property
    def first(self) -> Shown:
        """First stack of the current study: it says of which kind the study is."""
        return next(shown for shown in self.shown if shown.study is self.current)

    @property
    def kind(self) -> str:
        """Modality and body part: what a chosen protocol is remembered for."""
        series = self.first.series
        return f"{series.modality or ''} {(series.body_part or '').upper()}".strip()[:80]


def case_of(everything: Sequence[Shown]) -> Case | None:
    """Find the study to be read: of the patient whose images come first, the latest; None when nothing is open."""
    if not everything:
        return None
    studies = list(dict.fromkeys(shown.study for shown in everything))
    first = studies[0]
    own = [study for study in studies if study is first or _same_patient(study, first)]
    dated = [study for study in own if _when(study)[0]]
    current = max(dated, key=_when) if first in dated else first
    earlier = [study for study in dated if study is not current and _is_earlier(study, current)]
    return Case(current, tuple(sorted(earlier, key=_when, reverse=True)), tuple(everything))


def plans(protocols: Iterable[Protocol], case: Case, *, planes: bool) -> tuple[Plan, ...]:
    """Match all protocols that fit, in the table's order: the first is the one to take.

    Parameters
    ----------
    protocols : iterable of Protocol
        In the order they are asked.
    case : Case
        What is open.
    planes : bool
        Whether reformatted planes can be shown; protocols that ask for them fit only then.

    """
    made = (_plan(protocol, case, planes) for protocol in protocols)
    return tuple(plan for plan in made if plan is not None)


def _plan(protocol: Protocol, case: Case, planes: bool) -> Plan | None:
    if not planes and any(cell.plane for cell in protocol.cells):
        return None
    pools = _pools(protocol, case)
    if not pools[0] or len(pools) <= protocol.priors:
        return None
    if protocol.view and not any(view_of(shown) in protocol.view for shown in pools[0]):
        return None
    cells: list[Cell] = []
    taken: set[str] = set()
    for wanted in protocol.cells:
        cell = _found(wanted, protocol, pools[wanted.prior] if wanted.prior < len(pools) else [], taken)
        if cell.shown is not None and not cell.plane:
            taken.add(cell.shown.stack.key)
        elif cell.shown is None and not wanted.optional:
            return None
        cells.append(cell)
    found = [cell for cell in cells if cell.shown is not None]
    if len(found) < protocol.fewest:
        return None
    if protocol.layout is None:
        return Plan(protocol, Layout.holding(len(found)), tuple(found))
    return Plan(protocol, protocol.layout, tuple(cells))


def _pools(protocol: Protocol, case: Case) -> list[list[Shown]]:
    """Stacks that the protocol is about: of the current study, then of each earlier one that has some."""

    def fitting(study: Study) -> list[Shown]:
        return [s for s in case.shown if s.study is study and _is_for(protocol, s)]

    current = fitting(case.current)
    parts = {(s.series.body_part or "").upper() for s in current}
    priors = [
        [s for s in fitting(study) if protocol.body_part or _compatible(s.series.body_part, parts)]
        for study in case.priors
    ]
    return [current, *(pool for pool in priors if pool)]


def _compatible(part: str | None, parts: set[str]) -> bool:
    return not part or "" in parts or part.upper() in parts


def _is_for(protocol: Protocol, shown: Shown) -> bool:
    modalities = {*protocol.modality, *(word for cell in protocol.cells for word in cell.modality)}
    return shown.series.modality in modalities and (not protocol.body_part or is_about(shown, protocol.body_part))


def _found(wanted: Wanted, protocol: Protocol, pool: list[Shown], taken: set[str]) -> Cell:
    fitting = [s for s in pool if s.stack.key not in taken and _fits(wanted, protocol, s)]
    if not fitting:
        return Cell(None)
    best = min(fitting, key=_rank)
    camera = None
    if wanted.chest_wall:
        words = best.stack.frames[0].orientation
        camera = breast_camera(words, view_of(best), side_of(best), wanted.chest_wall)
    return Cell(best, wanted.plane, camera)


def _fits(wanted: Wanted, protocol: Protocol, shown: Shown) -> bool:
    stack = shown.stack
    return (
        shown.series.modality in (wanted.modality or protocol.modality)
        and (not wanted.view or view_of(shown) in wanted.view)
        and (not wanted.laterality or side_of(shown) == wanted.laterality)
        and (not wanted.kind or kind_of(shown.series) == wanted.kind)
        and (not wanted.orientation or orientation_of(stack) == wanted.orientation)
        and len(stack.frames) >= wanted.slices
        and (not wanted.plane or (len(stack.frames) >= FEWEST_SLICES and why_not(stack) is None))
    )


def _rank(shown: Shown) -> tuple[bool, bool, float, int]:
    """What comes first of several that fit: as acquired, axial, highest b-value, most images; the browser's order."""
    stack = shown.stack
    return (is_reformatted(shown.series), orientation_of(stack) != "axial", -b_value(stack), -len(stack.frames))


def _same_patient(study: Study, other: Study) -> bool:
    """The same PatientID, and neither name nor date of birth that says otherwise."""
    if not study.patient_id or study.patient_id != other.patient_id:
        return False
    names = [" ".join(fold((s.patient_name or "").replace("^", " ")).split()) for s in (study, other)]
    births = [s.patient_birth_date or "" for s in (study, other)]
    return all(not a or not b or a == b for a, b in (names, births))


def _when(study: Study) -> tuple[str, str]:
    """Date and time of a study to sort by; "" where unknown."""
    digits = "".join(c for c in (study.time or "") if c.isdigit())[:6]
    return ((study.date or "").strip(), digits.ljust(6, "0") if digits else "")


def _is_earlier(study: Study, current: Study) -> bool:
    """Whether a study is known to be the earlier one: of one day only with both times."""
    (day, time), (today, now) = _when(study), _when(current)
    return day < today or (day == today and bool(time) and bool(now) and time < now)
