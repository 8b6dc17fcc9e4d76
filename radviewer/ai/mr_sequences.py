"""Which series of an MR study is the FLAIR: by words, then by the times of its acquisition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from radviewer.ai.mr_timing import against_flair, fluid_nulled, timing
from radviewer.ai.mr_words import REFORMATTED, TIRM, Kind, Verdict, about_brain, fold, said, word_at
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.study import Series, Study

__all__ = ["Kind", "Pick", "Verdict", "flair_of", "is_brain", "weighting"]

_SILENT = Verdict(Kind.UNKNOWN, "neither the words nor the times in the header tell")
_WEIGHTED = {Kind.FLAIR, Kind.T1, Kind.T2, Kind.PROTON_DENSITY, Kind.UNKNOWN}
_CONTRASTS = {
    "FLUID_ATTENUATED": Kind.FLAIR,
    "T1": Kind.T1,
    "T2": Kind.T2,
    "T2_STAR": Kind.SUSCEPTIBILITY,
    "PROTON_DENSITY": Kind.PROTON_DENSITY,
    "DIFFUSION": Kind.DIFFUSION,
    "PERFUSION": Kind.PERFUSION,
    "TOF": Kind.ANGIOGRAPHY,
    "FLOW_ENCODED": Kind.ANGIOGRAPHY,
    "STIR": Kind.OTHER,
    "TAGGING": Kind.OTHER,
}
_IMAGE_TYPES = {
    "LOCALIZER": Kind.LOCALIZER,
    "DIFFUSION": Kind.DIFFUSION,
    "TRACEW": Kind.DIFFUSION,
    "ADC": Kind.DIFFUSION,
    "FA": Kind.DIFFUSION,
    "PERFUSION": Kind.PERFUSION,
    "SWI": Kind.SUSCEPTIBILITY,
    "MIP": Kind.OTHER,
    "MNIP": Kind.OTHER,
    "MINIP": Kind.OTHER,
    "MAX_IP": Kind.OTHER,
    "MIN_IP": Kind.OTHER,
    "PROJECTION IMAGE": Kind.OTHER,
    "SUBTRACTION": Kind.OTHER,
    "SUB": Kind.OTHER,
    "SCREEN SAVE": Kind.OTHER,
}


@dataclass(frozen=True, slots=True)
class Pick:
    """The series that was chosen, and the evidence in a phrase for the reader."""

    series: Series
    why: str


def weighting(description: str | None, sequence: MrSequence | None) -> Verdict:
    """Weighting of an MR series; UNKNOWN where the header is silent or contradicts itself.

    Words count first: SeriesDescription (PS3.3 C.7.3.1), what ImageType says beyond its first two values,
    AcquisitionContrast (C.8.13.3.3), ProtocolName.  Then the times of the acquisition.

    Parameters
    ----------
    description : str or None
        SeriesDescription.
    sequence : MrSequence or None
        Where it is None, `description` alone decides.

    """
    sequence = sequence or MrSequence()
    words, timed = _words(description, sequence), timing(sequence)
    if words is None:
        return timed or _SILENT
    if words.kind is Kind.UNKNOWN:  # two weightings are named: the times may tell which
        return timed if timed and timed.kind in (Kind.T1, Kind.T2, Kind.PROTON_DENSITY) else words
    if words.kind is Kind.FLAIR:
        return _checked_flair(words, timed, sequence)
    if timed is None:
        return words
    if timed.kind is Kind.FLAIR:
        return _unexpected_flair(words, timed, sequence)
    if timed.kind is Kind.OTHER and words.kind in _WEIGHTED:
        return timed
    if {words.kind, timed.kind} == {Kind.T1, Kind.T2}:
        return _contradiction(words, f"{timed.why} is a {timed.kind.value}'s")
    return words


def _words(description: str | None, sequence: MrSequence) -> Verdict | None:
    """What the header's words call the series, by the first of them that says anything."""
    described = said(description, "the description")
    tirm = _tirm(description, sequence)
    if tirm and (described is None or described.kind is Kind.T2):
        return tirm
    if described and described.kind not in _WEIGHTED:
        return described
    contrast = _listed("AcquisitionContrast", (sequence.acquisition_contrast or "",), _CONTRASTS)
    if described and described.kind is Kind.T2 and contrast and contrast.kind is Kind.FLAIR:
        described = contrast  # FLAIR is T2-weighted
    return (
        _listed("ImageType", sequence.image_type[2:], _IMAGE_TYPES)
        or described
        or contrast
        or said(sequence.protocol_name, "the protocol")
        or said(sequence.sequence_name, "the sequence name")
    )


def _listed(attribute: str, words: tuple[str, ...], kinds: dict[str, Kind]) -> Verdict | None:
    return next((Verdict(kinds[word], f"{attribute} is {word}") for word in words if word in kinds), None)


def _tirm(description: str | None, sequence: MrSequence) -> Verdict | None:
    """Siemens' TIRM with an InversionTime that suppresses fluid is a FLAIR."""
    if not fluid_nulled(sequence) or against_flair(sequence):
        return None
    names = (("description", description), ("protocol", sequence.protocol_name), ("sequence", sequence.sequence_name))
    for where, text in names:
        folded = fold(text or "")
        if match := TIRM.search(folded):
            word = word_at(text or "", folded, match)
            return Verdict(
                Kind.FLAIR, f'the {where} says "{word}", InversionTime is {sequence.inversion_time_ms:.0f} ms'
            )
    return None


def _checked_flair(words: Verdict, timed: Verdict | None, sequence: MrSequence) -> Verdict:
    """Doubt a series that is called FLAIR where other attributes say that it is none."""
    if timed and timed.kind is Kind.T1 and sequence.inversion_time_ms is not None:
        return Verdict(Kind.T1, f"{words.why}, but {timed.why} is a T1 FLAIR's")
    contrast = _CONTRASTS.get(sequence.acquisition_contrast or "", Kind.FLAIR)
    if contrast not in (Kind.FLAIR, Kind.T2):
        return _contradiction(words, f"AcquisitionContrast is {sequence.acquisition_contrast}")
    objection = against_flair(sequence)
    return _contradiction(words, objection) if objection else words


def _unexpected_flair(words: Verdict, timed: Verdict, sequence: MrSequence) -> Verdict:
    """Judge what has a FLAIR's times and another name; "T2" is no other, if the protocol says FLAIR."""
    protocol = said(sequence.protocol_name, "the protocol")
    if words.kind is Kind.T2 and protocol and protocol.kind is Kind.FLAIR:
        return Verdict(Kind.FLAIR, f"{protocol.why}, {timed.why}")
    return _contradiction(words, f"{timed.why} is a FLAIR's")


def _contradiction(words: Verdict, objection: str) -> Verdict:
    return Verdict(Kind.UNKNOWN, f"{words.why}, but {objection}")


def flair_of(study: Study) -> Pick | None:
    """The FLAIR of a study, None without one.

    Of several the axial one, then the one with most slices, then that of the lowest SeriesNumber.  Series of
    another body part, maps, projections, reformatted series and localizers never count.  ImageType DERIVED
    alone is no obstacle: a registered or filtered FLAIR is one.
    """
    verdicts = {s: weighting(s.description, s.sequence) for s in study.series if s.modality == "MR"}
    left = [series for series, verdict in verdicts.items() if verdict.kind is Kind.FLAIR and _usable(series)]
    if not left:
        return None
    count, preferred = len(left), []
    for name, rank in _PREFERENCES:
        best = min(map(rank, left))
        kept = [series for series in left if rank(series) == best]
        if len(kept) < len(left):
            preferred.append(name)
        left = kept
    why = verdicts[left[0]].why
    return Pick(left[0], f"{why}; of {count} FLAIR series the {', '.join(preferred)} one" if preferred else why)


def _usable(series: Series) -> bool:
    types = series.sequence.image_type if series.sequence else ()
    reformatted = REFORMATTED.search(fold(series.description or "")) or REFORMATTED.search(fold(" ".join(types)))
    return not reformatted and is_brain(series.body_part, series.description) is not False


def _not_axial(series: Series) -> float:
    plane = max(series.stacks, key=lambda stack: len(stack.frames)).frames[0].plane
    return 0 if plane is not None and abs(plane.normal[2]) > 0.8 else 1


def _fewest(series: Series) -> float:
    return -max(len(stack.frames) for stack in series.stacks)


def _number(series: Series) -> float:
    return float("inf") if series.number is None else series.number


_PREFERENCES: tuple[tuple[str, Callable[[Series], float]], ...] = (
    ("axial", _not_axial),
    ("longest", _fewest),
    ("first", _number),
)


def is_brain(body_part: str | None, description: str | None) -> bool | None:
    """Whether a series shows the head, None if nothing tells.

    The description is about this series and counts first; BodyPartExamined (PS3.3 C.7.3.1) is often the examination's.
    """
    described = about_brain(description)
    return described if described is not None else about_brain(body_part)
