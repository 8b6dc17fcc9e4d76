"""Findings of two studies of one patient, matched by label and place: what there is of each, in numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.links import Links
from radviewer.app.shown import Shown
from radviewer.domain.geometry import Geometry, Vector
from radviewer.domain.opinion import Mask
from radviewer.render.annotations import date_text

_NEAR_MM = 10.0  # beyond their own radii, between the centres of one lesion at two times
_SMALLEST = 0.05  # of the largest focus of a label: smaller ones are specks of an outline
_MOST_POINTS = 1500  # of a lesion's border
_LISTED = (Kind.FINDING, Kind.MISSED, Kind.SAVED)
_LEFT_OUT = (RowState.REJECTED, RowState.REFUSED, RowState.NOT_FLAGGED)

Place = Callable[[Vector], Vector | None]
"""LPS mm of the earlier image → LPS mm of the later one; None where nothing links them."""


class Change(Enum):
    """Where a lesion is seen; the value is what the reader reads."""

    MATCHED = "on both"
    NEW = "on the later image only"
    GONE = "on the earlier image only"


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One focus of a finding.

    Attributes
    ----------
    centre : Vector or None
        LPS mm in its own image; None where the image does not say where it lies, or there is no outline.
    volume_ml : float or None
        None without an outline or mm.
    diameter_mm : float or None
        Longest, in three dimensions, over the outer borders of pixels and slices' centres.

    """

    row: Row
    centre: Vector | None = None
    volume_ml: float | None = None
    diameter_mm: float | None = None

    @property
    def label(self) -> str:
        """Of its finding."""
        return self.row.label


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A lesion at two times; one of them may be missing.

    Attributes
    ----------
    by_place : bool
        Whether it was matched by place and label, not by label alone.

    """

    before: Lesion | None
    after: Lesion | None
    by_place: bool = False

    @property
    def label(self) -> str:
        """Of the finding."""
        lesion = self.after or self.before
        return "" if lesion is None else lesion.label

    @property
    def change(self) -> Change:
        """Where it is seen."""
        if self.before is None:
            return Change.NEW
        return Change.GONE if self.after is None else Change.MATCHED

    @property
    def volume_change(self) -> tuple[float, float] | None:
        """Difference in ml and in per cent of the earlier volume; None where one is not known."""
        if self.before is None or self.after is None:
            return None
        return _difference(self.before.volume_ml, self.after.volume_ml)

    @property
    def diameter_change(self) -> tuple[float, float] | None:
        """Difference in mm and in per cent of the earlier diameter; None where one is not known."""
        if self.before is None or self.after is None:
            return None
        return _difference(self.before.diameter_mm, self.after.diameter_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Lesions of an earlier and a later image, of two studies."""

    earlier: Shown
    later: Shown
    matches: tuple[Match, ...]

    @property
    def title(self) -> str:
        """The two days."""
        return " → ".join(date_text(shown.study.date) or "no date" for shown in (self.earlier, self.later))


def pairings(images: tuple[tuple[Shown, tuple[Row, ...]], ...], links: Links) -> tuple[Pairing, ...]:
    """Each image with the last comparable one of an earlier study; `images` in the order of time."""
    lesions = [(shown, lesions_of(shown, rows)) for shown, rows in images]
    found = []
    for place, (later, new) in enumerate(lesions):
        before = next((one for one in reversed(lesions[:place]) if _comparable(one, (later, new))), None)
        if before is not None:
            earlier, old = before
            through = partial(links.map, earlier.stack, later.stack)
            found.append(Pairing(earlier, later, matched(old, new, through)))
    return tuple(found)


def _comparable(one: tuple[Shown, tuple[Lesion, ...]], other: tuple[Shown, tuple[Lesion, ...]]) -> bool:
    """Whether two images are of one modality and two dated studies, and something is found on either."""
    (earlier, old), (later, new) = one, other
    apart = earlier.study is not later.study and bool(earlier.study.date) and bool(later.study.date)
    same_kind = earlier.series.modality == later.series.modality
    return apart and same_kind and bool(old or new)


def matched(earlier: tuple[Lesion, ...], later: tuple[Lesion, ...], place: Place) -> tuple[Match, ...]:
    """Pair lesions of one label, the nearest first.

    Two lesions can be one when their centres are no further apart than their radii and 10 mm together.  Where
    places cannot be compared (films, images without a link), the label decides, when it names one lesion on either.
    """
    found: list[Match] = []
    before, after = list(earlier), list(later)
    for _, old, new in sorted(_pairs(before, after, place), key=lambda pair: pair[0]):
        if old in before and new in after:
            before.remove(old)
            after.remove(new)
            found.append(Match(old, new, by_place=True))
    for old in list(before):
        same = [new for new in after if new.label == old.label]
        alike = [other for other in before if other.label == old.label]
        if len(same) == len(alike) == 1 and _distance(old, same[0], place) is None:
            before.remove(old)
            after.remove(same[0])
            found.append(Match(old, same[0]))
    found += [Match(old, None) for old in before] + [Match(None, new) for new in after]
    order = {lesion: i for i, lesion in enumerate((*earlier, *later))}
    return tuple(sorted(found, key=lambda match: order[match.before or match.after or earlier[0]]))


def lesions_of(shown: Shown, rows: tuple[Row, ...]) -> tuple[Lesion, ...]:
    """What is outlined or marked on a stack, focus by focus; rejected and unflagged findings are left out."""
    found: list[Lesion] = []
    for row in rows:
        if row.kind in _LISTED and row.state not in _LEFT_OUT:
            found += _foci(shown, row)
    return tuple(found)


def _foci(shown: Shown, row: Row) -> list[Lesion]:
    geometry = shown.stack.geometry
    if row.mask is None or geometry is None or row.mask.shape != geometry.shape or not row.mask.any():
        return [Lesion(row, _spot(row, geometry))]
    labels, count = components(row.mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    large = [i + 1 for i in np.argsort(-sizes, kind="stable") if sizes[i] >= _SMALLEST * sizes.max()]
    return [_measured(row, labels == i, geometry) for i in large]


def _spot(row: Row, geometry: Geometry | None) -> Vector | None:
    """Where a row without outline points, LPS mm."""
    place = row.place
    return None if place is None or geometry is None else geometry.to_patient((float(place[0]), place[1], place[2]))


def _measured(row: Row, focus: Mask, geometry: Geometry) -> Lesion:
    index = np.argwhere(focus)
    affine = geometry.affine_lps
    s, r, c = (float(v) for v in index.mean(axis=0))
    volume = len(index) * abs(float(np.linalg.det(affine[:3, :3]))) / 1000
    return Lesion(row, geometry.to_patient((s, r, c)), volume, _longest(focus, affine))


def _longest(focus: Mask, affine: NDArray[np.float64]) -> float:
    """Greatest distance between two border points, in mm."""
    corners: list[NDArray[np.float64]] = []
    for index in np.flatnonzero(focus.any(axis=(1, 2))):
        rows, columns = np.nonzero(focus[index])
        ends = np.concatenate([np.stack([rows + a, columns + b], axis=1) for a in (-0.5, 0.5) for b in (-0.5, 0.5)])
        hull = cv2.convexHull(ends.astype(np.float32))[:, 0].astype(np.float64)
        corners.append(np.column_stack([np.full(len(hull), float(index)), hull]))
    points = np.concatenate(corners) @ affine[:3, :3].T
    points = points[:: max(1, math.ceil(len(points) / _MOST_POINTS))]
    return float(max(np.linalg.norm(points - point, axis=1).max() for point in points))


def components(mask: Mask) -> tuple[NDArray[np.int64], int]:
    """Foci of a mask, numbered from 1: parts of neighbouring slices that overlap belong together."""
    labels = np.zeros(mask.shape, np.int64)
    names = [0]
    for index, plane in enumerate(mask):
        count, own = cv2.connectedComponents(plane.astype(np.uint8), connectivity=8)
        labels[index] = np.where(own > 0, own + len(names) - 1, 0)
        names += range(len(names), len(names) + count - 1)
        both = (labels[index] > 0) & (labels[index - 1] > 0) if index else np.zeros_like(plane)
        for a, b in np.unique(np.stack([labels[index][both], labels[index - 1][both]]), axis=1).T.tolist():
            one, other = names[a], names[b]
            names = [other if name == one else name for name in names]
    _, numbered = np.unique(names, return_inverse=True)  # 0 stays 0: it is the least
    return numbered[labels], int(numbered.max())


def _pairs(before: list[Lesion], after: list[Lesion], place: Place) -> list[tuple[float, Lesion, Lesion]]:
    """Distance in mm and the two lesions, of all that can be one."""
    found = []
    for old in before:
        for new in after:
            apart = _distance(old, new, place) if old.label == new.label else None
            if apart is not None and apart <= _NEAR_MM + _radius(old) + _radius(new):
                found.append((apart, old, new))
    return found


def _distance(old: Lesion, new: Lesion, place: Place) -> float | None:
    there = None if old.centre is None else place(old.centre)
    return None if there is None or new.centre is None else math.dist(there, new.centre)


def _radius(lesion: Lesion) -> float:
    return 0.0 if lesion.diameter_mm is None else lesion.diameter_mm / 2


def _difference(before: float | None, after: float | None) -> tuple[float, float] | None:
    if before is None or after is None or before <= 0:
        return None
    return after - before, 100 * (after / before - 1)
