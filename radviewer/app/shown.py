"""What a viewport shows: a stack with all it belongs to, and how the reader left it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from radviewer.domain.measurement import ImageReference, PlaneSource
from radviewer.domain.planes import PlaneGrid
from radviewer.domain.reformat import Reformat
from radviewer.domain.study import ScanResult, Series, Stack, Study
from radviewer.render.presentation import Presentation
from radviewer.render.view import Camera


@dataclass(frozen=True)
class Shown:
    """A stack with the series and the study it belongs to."""

    study: Study
    series: Series
    stack: Stack


@dataclass(frozen=True, slots=True)
class Left:
    """How the reader left a stack; `grid` of planes is what the camera saw."""

    index: int
    camera: Camera
    presentation: Presentation
    grid: PlaneGrid | None = None


def grid_of(stack: Stack) -> PlaneGrid | None:
    """Grid of the planes that a stack is, None where it is none."""
    return stack.planes.first if isinstance(stack, Reformat) else None


def stacks_of(result: ScanResult) -> Iterator[Shown]:
    """Every stack with its series and study, in order."""
    for study in result.studies:
        for series in study.series:
            for stack in series.stacks:
                yield Shown(study, series, stack)


def reference_of(shown: Shown, index: int) -> ImageReference:
    """Return how marks name slice `index` of what is shown."""
    stack, planes = shown.stack, None
    frame = stack.frames[index]
    if isinstance(stack, Reformat):
        first = stack.of.frames[0]
        planes = PlaneSource(first.file.sop_instance_uid, first.index, replace(stack.cut, draft=False))
    uids = (shown.study.study_uid, shown.series.series_uid, frame.file.sop_instance_uid)
    return ImageReference(*uids, frame.index, planes)


def same_file(before: Shown, index: int, after: Shown, other: int) -> bool:
    """Whether two slices are the same frame of the same file."""
    a, b = before.stack.frames[index], after.stack.frames[other]
    return a.file.location == b.file.location and a.index == b.index
