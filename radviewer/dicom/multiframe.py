"""Frames of multi-frame files: functional groups and frame times (PS3.3 C.7.6.16, C.7.6.5)."""

from __future__ import annotations

from radviewer.dicom import attributes as a
from radviewer.dicom.elements import Value
from radviewer.dicom.headers import DataSet, Header

MACROS = frozenset(
    {
        0x00189076,  # DiffusionGradientDirectionSequence, inside MRDiffusionSequence
        0x00189114,  # MREchoSequence
        0x00189117,  # MRDiffusionSequence
        0x00189118,  # CardiacSynchronizationSequence
        0x00189226,  # MRImageFrameTypeSequence
        0x00189314,  # CTReconstructionSequence
        0x00189329,  # CTImageFrameTypeSequence
        0x00189751,  # PETFrameTypeSequence
        0x00209111,  # FrameContentSequence
        0x00209113,  # PlanePositionSequence
        0x00209116,  # PlaneOrientationSequence
        0x00209253,  # TemporalPositionSequence
        0x00289110,  # PixelMeasuresSequence
        0x00289132,  # FrameVOILUTSequence
        0x00289145,  # PixelValueTransformationSequence
    }
)
"""Functional groups whose elements mean the same as the attributes of a single-frame image."""


def frame_attributes(header: Header, count: int, wanted: frozenset[int]) -> list[dict[int, Value]] | None:
    """Elements of the functional groups of each frame, flattened; None without such groups.

    The shared groups come first, the frame's own override them.  A frame the
    sequence does not reach has the shared ones only.
    """
    if not header.has(a.PER_FRAME_FUNCTIONAL_GROUPS) and not header.has(a.SHARED_FUNCTIONAL_GROUPS):
        return None
    inside = wanted | MACROS
    first = header.first_item(a.SHARED_FUNCTIONAL_GROUPS, inside)
    shared = _flat(first, inside) if first else {}
    frames: list[dict[int, Value]] = []
    for item in header.items(a.PER_FRAME_FUNCTIONAL_GROUPS, inside):
        if len(frames) == count:
            break
        frames.append(shared | _flat(item, inside))
    frames.extend(shared for _ in range(count - len(frames)))
    return frames


def first_frame_attributes(header: Header, macros: frozenset[int], wanted: frozenset[int]) -> dict[int, Value]:
    """Elements of some functional groups of the first frame, flattened; the frame's own override the shared ones."""
    inside = wanted | macros
    flat: dict[int, Value] = {}
    for groups in (a.SHARED_FUNCTIONAL_GROUPS, a.PER_FRAME_FUNCTIONAL_GROUPS):
        item = header.first_item(groups, inside)
        if item is not None:
            flat.update(_flat(item, inside, macros, depth=1))
    return flat


def _flat(item: DataSet, inside: frozenset[int], macros: frozenset[int] = MACROS, depth: int = 2) -> dict[int, Value]:
    """Leaf elements of the macros in one item of functional groups."""
    flat: dict[int, Value] = {}
    for tag in item.found.spans:
        if tag not in macros:
            continue
        macro = item.first_item(tag, inside)
        if macro is not None:
            flat.update(macro.found.values)
            if depth > 1:
                flat.update(_flat(macro, inside, macros, depth - 1))
    return flat


def frame_time(header: DataSet) -> float | None:
    """Milliseconds between the frames of a cine, None when the header gives no time."""
    for tag, per_second in (
        (a.FRAME_TIME, False),
        (a.FRAME_TIME_VECTOR, False),
        (a.RECOMMENDED_DISPLAY_FRAME_RATE, True),
        (a.CINE_RATE, True),
        (a.ACTUAL_FRAME_DURATION, False),
    ):
        found = [v for v in header.numbers(tag) if v is not None and v > 0]
        if found:
            middle = sorted(found)[len(found) // 2]
            value = 1000 / middle if per_second else middle
            if 0.01 <= value <= 3_600_000:
                return value
    return None
