"""From the header of an MR image to its `MrSequence`."""

from __future__ import annotations

from functools import lru_cache

from radviewer.dicom import attributes as a
from radviewer.dicom import values
from radviewer.dicom.headers import Header
from radviewer.dicom.multiframe import first_frame_attributes
from radviewer.domain.mr_sequence import MrSequence

_MACROS = frozenset(
    {
        0x00189112,  # MRTimingAndRelatedParametersSequence (PS3.3 C.8.13.5.2)
        0x00189114,  # MREchoSequence
        0x00189115,  # MRModifierSequence
        0x00189226,  # MRImageFrameTypeSequence
    }
)
_TAGS = (
    a.REPETITION_TIME,
    a.ECHO_TIME,
    a.EFFECTIVE_ECHO_TIME,
    a.INVERSION_TIME,
    a.INVERSION_TIMES,
    a.FLIP_ANGLE,
    a.SCANNING_SEQUENCE,
    a.SEQUENCE_VARIANT,
    a.SEQUENCE_NAME,
    a.PULSE_SEQUENCE_NAME,
    a.PROTOCOL_NAME,
    a.IMAGE_TYPE,
    a.CONTRAST_BOLUS_AGENT,
    a.ACQUISITION_CONTRAST,
)
_WANTED = frozenset(_TAGS)
_LONGEST = 512  # bytes of one value; a long string has 64
_MOST_WORDS = 16
_LONGEST_TIME_MS = 1e6
_NO_AGENT = frozenset({"", "NO", "NONE", "N", "0"})


def read_sequence(header: Header) -> MrSequence:
    """Read what the header says about the acquisition of its first frame.

    Enhanced objects (PS3.3 C.8.13.5) say it in the shared functional groups or in those of each frame.
    Nonsense is None: not finite, not positive, beyond a thousand seconds.
    """
    found = header.found.values
    if header.has(a.SHARED_FUNCTIONAL_GROUPS) or header.has(a.PER_FRAME_FUNCTIONAL_GROUPS):
        found = found | first_frame_attributes(header, _MACROS, _WANTED)
    raws = tuple((tag, found[tag][0], found[tag][1][:_LONGEST]) for tag in _TAGS if tag in found)
    return _sequence(raws, header.charset, header.encoding.big_endian, header.has(a.CONTRAST_BOLUS_AGENT_SEQUENCE))


@lru_cache(maxsize=512)  # the files of a series repeat one another
def _sequence(raws: tuple[tuple[int, bytes, bytes], ...], charset: bytes, big_endian: bool, agent: bool) -> MrSequence:
    found = {tag: (vr, raw) for tag, vr, raw in raws}

    def number(tag: int, largest: float = _LONGEST_TIME_MS) -> float | None:
        value = found.get(tag)
        numbers = values.numbers(tag, *value, big_endian=big_endian) if value else ()
        first = numbers[0] if numbers else None
        return first if first is not None and 0 < first <= largest else None

    def text(tag: int) -> str:
        return values.text(found[tag][1], charset) if tag in found else ""

    def words(tag: int) -> tuple[str, ...]:
        return tuple(word.strip().upper() for word in text(tag).split("\\")[:_MOST_WORDS] if word.strip())

    return MrSequence(
        repetition_time_ms=number(a.REPETITION_TIME),
        echo_time_ms=number(a.EFFECTIVE_ECHO_TIME) or number(a.ECHO_TIME),
        inversion_time_ms=number(a.INVERSION_TIMES) or number(a.INVERSION_TIME),
        flip_angle=number(a.FLIP_ANGLE, 360),
        scanning_sequence=words(a.SCANNING_SEQUENCE),
        sequence_variant=words(a.SEQUENCE_VARIANT),
        sequence_name=text(a.SEQUENCE_NAME) or text(a.PULSE_SEQUENCE_NAME) or None,
        protocol_name=text(a.PROTOCOL_NAME) or None,
        image_type=words(a.IMAGE_TYPE),
        contrast_agent=agent or text(a.CONTRAST_BOLUS_AGENT).upper() not in _NO_AGENT,
        acquisition_contrast=text(a.ACQUISITION_CONTRAST).upper() or None,
    )
