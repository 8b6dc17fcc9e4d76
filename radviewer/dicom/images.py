"""From the header of a file with pixels to what is kept of it: identity, format, frames."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from radviewer.dicom import attributes as a
from radviewer.dicom import values
from radviewer.dicom.elements import Elements, Value
from radviewer.dicom.headers import DataSet, Header
from radviewer.dicom.modality_units import Rescale, read_rescale
from radviewer.dicom.mr_sequence import read_sequence
from radviewer.dicom.multiframe import frame_attributes, frame_time
from radviewer.dicom.nuclear import STATIC, increments, slice_attributes
from radviewer.dicom.padding import is_inverse, read_padding
from radviewer.dicom.pixels_fit import frames_held, pixel_place, read_format
from radviewer.dicom.placement_words import read_aspect, read_orientation
from radviewer.dicom.records import Directions, FrameRecord, ImageRecord, SeriesInfo, StudyInfo
from radviewer.dicom.spacing import PROJECTIONS, read_spacing
from radviewer.dicom.wanted import SERIES, STUDY, TABLES, TRAITS, WANTED
from radviewer.dicom.windows import read_windows
from radviewer.domain.geometry import ImagePlane, PixelSpacing, Vector, direction_letters
from radviewer.domain.study import FileLocation, Frame, ImageFile

Raws = tuple[bytes | None, ...]
_LONGEST = 512


@lru_cache(maxsize=512)
def _study_info(raws: Raws, charset: bytes) -> StudyInfo:
    words = [values.text(raw, charset) if raw else "" for raw in raws]
    uid, day, time, description, name, identity, birth, sex, age, accession, institution = words
    return StudyInfo(
        study_uid=uid,
        date=values.date(day),
        time=time,
        description=description,
        patient_name=name,
        patient_id=identity,
        patient_birth_date=values.date(birth),
        patient_sex=sex,
        patient_age=age,
        accession_number=accession,
        institution=institution,
    )


@lru_cache(maxsize=2048)
def _series_info(raws: Raws, charset: bytes) -> SeriesInfo:
    words = [values.text(raw, charset) if raw else "" for raw in raws]
    _, modality, _, description, body_part, image_side, side, view = words
    return SeriesInfo(
        series_uid=values.uid(raws[0] or b""),
        modality=modality.upper(),
        number=values.whole(values.decimal_strings(raws[2])[0]) if raws[2] else None,
        description=description,
        body_part=body_part,
        laterality=image_side or side,
        view_position=view,
    )


def _raws(header: Header, tags: tuple[int, ...]) -> Raws:
    """Values that identify, each cut to more than any of them may be long."""
    values = header.found.values
    return tuple(values[tag][1][:_LONGEST] if tag in values else None for tag in tags)


def describe(header: Header, location: FileLocation, version: tuple[int, int] | None = None) -> ImageRecord:
    """Describe a file that has pixel data; `version` as in `ImageFile`.

    Raises
    ------
    Refused
        If its pixels cannot be shown.

    """
    study = _study_info(_raws(header, STUDY), header.charset)
    series = _series_info(_raws(header, SERIES), header.charset)
    form = read_format(header)
    count, warning = frames_held(header, form)
    offset, length = pixel_place(header)
    has = header.has
    file = ImageFile(
        location=location,
        sop_class_uid=header.uid(a.SOP_CLASS_UID),
        sop_instance_uid=header.uid(a.SOP_INSTANCE_UID) or header.meta_uid(a.MEDIA_STORAGE_SOP_INSTANCE_UID),
        format=form,
        number_of_frames=count,
        pixel_offset=offset,
        pixel_length=length,
        needs_header=not TABLES.isdisjoint(header.found.values)
        or not TABLES.isdisjoint(header.found.spans)
        or form.photometric_interpretation == "PALETTE COLOR",
        padding=read_padding(header, form),
        presentation_inverse=is_inverse(header),
        version=version,
    )
    if count == 1 and not has(a.PER_FRAME_FUNCTIONAL_GROUPS) and not has(a.SHARED_FUNCTIONAL_GROUPS):
        frames: tuple[FrameRecord, ...] = (_frame(header, file, 0, series.modality),)
    else:
        frames = _frames(header, file, series.modality)
    static = count > 1 and bool(increments(header)) and increments(header) <= STATIC
    sequence = read_sequence(header) if series.modality == "MR" else None
    return ImageRecord(study, series, file, frames, header.size, (warning,) if warning else (), static, sequence)


def _frames(header: Header, file: ImageFile, modality: str) -> tuple[FrameRecord, ...]:
    """Frames of a multi-frame file; without functional groups they share everything."""
    time = frame_time(header)
    per_frame = frame_attributes(header, file.number_of_frames, WANTED)
    if per_frame is None and modality == "NM":
        per_frame = slice_attributes(header, file.number_of_frames)
    if per_frame is None:
        one = _frame(header, file, 0, modality, time)
        return tuple(_renumbered(one, index) for index in range(file.number_of_frames))
    return tuple(_frame(_merged(header, extra), file, index, modality, time) for index, extra in enumerate(per_frame))


def _merged(header: Header, extra: dict[int, Value]) -> DataSet:
    found = Elements(values=header.found.values | extra, spans=header.found.spans)
    return DataSet(header.walker, header.encoding, found, header.charset)


def _renumbered(record: FrameRecord, index: int) -> FrameRecord:
    return FrameRecord(
        frame=replace(record.frame, index=index, plane=None),
        position=None,
        directions=None,
        thickness=record.thickness,
        frame_of_reference=record.frame_of_reference,
        traits=record.traits,
        big_endian=record.big_endian,
        frame_time_ms=record.frame_time_ms,
    )


def _frame(data: DataSet, file: ImageFile, index: int, modality: str, time: float | None = None) -> FrameRecord:
    spacing = read_spacing(data, modality)
    position, directions = read_place(data)
    rescale: Rescale = read_rescale(data, modality)
    thickness = data.number(a.SLICE_THICKNESS)
    found = data.found.values
    return FrameRecord(
        frame=Frame(
            file=file,
            index=index,
            plane=_plane(position, directions, spacing),
            spacing=spacing,
            slope=rescale.slope,
            intercept=rescale.intercept,
            unit=rescale.unit,
            windows=read_windows(data, rescale.factor),
            instance_number=data.integer(a.INSTANCE_NUMBER),
            label=_view(data),
            orientation=read_orientation(data) or _words(directions, spacing, modality),
            aspect=read_aspect(data),
        ),
        position=position,
        directions=directions,
        thickness=thickness if thickness is not None and thickness > 0 else None,
        frame_of_reference=data.uid(a.FRAME_OF_REFERENCE_UID),
        traits={tag: found[tag] for tag in TRAITS if tag in found},
        big_endian=data.encoding.big_endian,
        frame_time_ms=time,
    )


def _view(data: DataSet) -> str:
    """Side and view of a film: "PA", "L CC"."""
    view = data.text(a.VIEW_POSITION)
    side = data.text(a.IMAGE_LATERALITY) or data.text(a.LATERALITY)
    return f"{side} {view}" if view and side in ("L", "R", "B") else view


def read_place(data: DataSet) -> tuple[Vector | None, Directions | None]:
    """Position and unit directions of the image in the patient, each None when unknown or nonsense."""
    value = data.found.values.get(a.IMAGE_ORIENTATION_PATIENT)
    directions = _directions(*value, data.encoding.big_endian) if value else None
    position = data.vector(a.IMAGE_POSITION_PATIENT, 3)
    if position is None or directions is None or max(map(abs, position)) > 1e6:
        return None, None
    return (position[0], position[1], position[2]), directions


@lru_cache(maxsize=2048)
def _directions(vr: bytes, raw: bytes, big_endian: bool) -> Directions | None:
    found = values.numbers(a.IMAGE_ORIENTATION_PATIENT, vr, raw, big_endian=big_endian)
    if len(found) < 6 or None in found[:6]:
        return None
    a1, a2, a3, b1, b2, b3 = (v or 0.0 for v in found[:6])
    first, second = (a1 * a1 + a2 * a2 + a3 * a3) ** 0.5, (b1 * b1 + b2 * b2 + b3 * b3) ** 0.5
    if not (0.9 < first < 1.1 and 0.9 < second < 1.1):
        return None
    if abs(a1 * b1 + a2 * b2 + a3 * b3) > 0.02:  # not perpendicular: not an image plane
        return None
    return (a1 / first, a2 / first, a3 / first), (b1 / second, b2 / second, b3 / second)


def _words(directions: Directions | None, spacing: PixelSpacing | None, modality: str) -> tuple[str, str] | None:
    """Which way columns and rows run, where only a spacing lacks; films and ultrasound have directions of nobody."""
    if directions is None or spacing is not None or modality in PROJECTIONS or modality == "US":
        return None
    return direction_letters(directions[0]), direction_letters(directions[1])


def _plane(position: Vector | None, directions: Directions | None, spacing: PixelSpacing | None) -> ImagePlane | None:
    if position is None or directions is None or spacing is None or spacing.attribute != "PixelSpacing":
        return None
    return ImagePlane(position, directions[0], directions[1], spacing.row, spacing.column)
