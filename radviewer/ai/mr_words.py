"""What people and scanners call MR series, as tables.

Patterns meet folded text: lower case, without accents, every separator a space.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

_LONGEST, _LONGEST_QUOTE = 256, 40  # characters
_CYRILLIC = str.maketrans("т", "t")  # what Russian keyboards write into T1 and T2


class Kind(Enum):
    """What an MR series shows; the value is its name for the reader."""

    FLAIR = "FLAIR"
    T1 = "T1"
    T2 = "T2"
    PROTON_DENSITY = "proton density"
    DIFFUSION = "diffusion"
    SUSCEPTIBILITY = "susceptibility"
    ANGIOGRAPHY = "angiography"
    LOCALIZER = "localizer"
    PERFUSION = "perfusion"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a series is, and the evidence in a phrase for the reader."""

    kind: Kind
    why: str


@lru_cache(maxsize=1024)  # each stack of a study asks about all its series
def fold(text: str) -> str:
    """Lower case, without accents, separators as spaces; cut if long, but places in it are those in `text`."""
    plain = "".join(unicodedata.normalize("NFKD", char)[0].lower()[0] for char in text[:_LONGEST])
    return re.sub(r"[^a-z0-9+*=]", " ", plain.translate(_CYRILLIC))


# "AXT1", "sT1W", "3DT1" and "postT1" say T1, "test1" does not
_BEFORE = r"(?:\b|(?<=\b[sew])|(?<=ax|2d|3d|fs)|(?<=sag|cor|tra|obl|pre)|(?<=post)|(?<=axial))"

_SPECIAL: tuple[tuple[Kind, str], ...] = (
    (
        Kind.LOCALIZER,
        r"(?<!stealth )(?<!navigation )(?<!brainlab )locali[sz]|lokalis|lokaliz|\bloc\b|scout|survey|\bpilot"
        r"|\b3 ?pl\b|3 ?plane|reperage|ubersicht|calibr|\bcal\b",
    ),
    (
        Kind.DIFFUSION,
        r"diff(?!er|use ?(?:glio|astro|tumou?r|lesion|infil))|difu[sz]|dwi|dti\b|adc\b|\b[a-z]?adc"
        r"|\b(?:col)?fa\b(?! ?\d)|tracew?\b|tensor|tractog|\bb ?=? ?\d{3,4}t?\b"
        r"|\bb0\b(?! ?map)|\bivim\b|\bnoddi\b|\bresolve\b",
    ),
    (Kind.PERFUSION, r"perf(?!or)|\bdsc|\bpwi|\bdce|\b(?:3d ?|pc?|e)?asl\b|cbf|cbv|\bmtt\b|\bttp\b|\btmax\b|ktrans"),
    (
        Kind.SUSCEPTIBILITY,
        rf"swi\b|\bswip?|\bswan|suscep|{_BEFORE}t2w? ?(?:\*|star|ffe|gre|flash|fl2d|fl3d)|\bt2s\b|(?<!c)hemo(?!r)"
        r"|\bmedic\b|\bqsm\b|venbold|mpgr",
    ),
    (Kind.ANGIOGRAPHY, r"angio|\b(?:[23]d ?)?tof|mra\b|\bmrv\b|phase contrast|\b[23]d ?pc\b|\bpca\b|venogr|\btricks\b"),
    (
        Kind.OTHER,
        r"stir|(?<!\d )(?<!\d)\bdir\b|double inversion|psir|\bciss\b|fiesta|trufi|b ?ffe\b|spectro|\bmrs\b|\bsvs\b"
        r"|\bcsi\b|\bbold\b|fmri|rest(?:ing)? ?state|field ?map|elastogr|\bt1 ?rho|\bmrf\b",
    ),
    (
        Kind.OTHER,  # pictures made of others
        r"\bsub\b(?! ?(?:\d|acute|mm))|subtr|substra|sustra|\bmin ?ip|\bmip|map(?:s|ping)?\b|\bratio\b|\bseg\b|segment"
        r"|mask|overlay|fusion|\bfused|projection|projected|difference|screen ?(?:save|shot|cap)",
    ),
)
"""Kinds that a word settles whatever else is said, in the order asked."""

_WEIGHTED: tuple[tuple[Kind, str], ...] = (
    (Kind.FLAIR, r"flair|dark ?fl(?:uid)?\b|\bda ?fl\b|fluid ?atten|fluid ?suppr"),
    (Kind.T1, rf"{_BEFORE}t1(?!\d)|mp2?rage|mp rage|\bbravo\b|spgr|\bvibe\b"),
    (Kind.PROTON_DENSITY, r"\b[se]?pdw?(?:fs)?\b|\bpd ?t2|proton|\bdp\b"),
    (Kind.T2, rf"{_BEFORE}t2(?!\d)|haste|ssfse"),
    (Kind.SUSCEPTIBILITY, r"\bgre\b"),
)
_TARGET = re.compile(r"(?:\b(?:to|on|onto) *|(?<=flair)2)t[12](?!\d)\w*")
TIRM = re.compile(r"tirm|\btir(?:2d|3d)?\d*")
"""Siemens' inversion recovery: dark fluid or dark fat, as InversionTime tells."""
REFORMATTED = re.compile(r"\bmpr\b|reformat|\brfmt\b")

_special = tuple((kind, re.compile(pattern)) for kind, pattern in _SPECIAL)
_weighted = tuple((kind, re.compile(pattern)) for kind, pattern in _WEIGHTED)


def word_at(text: str, folded: str, match: re.Match[str]) -> str:
    """Return the whole word of `text` around a match in `folded`."""
    start, end = folded.rfind(" ", 0, match.start()) + 1, folded.find(" ", match.end())
    return text[start : end if end >= 0 else len(folded)][:_LONGEST_QUOTE]


def said(text: str | None, where: str) -> Verdict | None:
    """What `text` calls the series; UNKNOWN where it names two weightings, None where it names none.

    Parameters
    ----------
    text : str or None
        SeriesDescription or ProtocolName.
    where : str
        Begins the reason: "the description".

    """
    return _said(text[:_LONGEST], where) if text else None


@lru_cache(maxsize=1024)
def _said(text: str, where: str) -> Verdict | None:
    folded = fold(text)
    for kind, pattern in _special:
        if match := pattern.search(folded):
            return Verdict(kind, f'{where} says "{word_at(text, folded, match)}"')
    folded = _TARGET.sub(lambda match: " " * len(match[0]), folded)  # "FLAIR to T1" is a FLAIR
    words = {kind: word_at(text, folded, match) for kind, pattern in _weighted if (match := pattern.search(folded))}
    if not words:
        return None
    weighting = _weighting(words.keys())
    telling = [words[weighting]] if weighting is Kind.FLAIR else dict.fromkeys(words.values())
    return Verdict(weighting, f"{where} says " + " and ".join(f'"{word}"' for word in telling))


def _weighting(kinds: Collection[Kind]) -> Kind:
    """One kind from all the weightings that are named together."""
    if Kind.T1 in kinds and Kind.T2 not in kinds and Kind.PROTON_DENSITY not in kinds:
        return Kind.T1  # also T1 FLAIR, which shows no lesion as FLAIR does
    for kind in (Kind.FLAIR, Kind.SUSCEPTIBILITY):
        if kind in kinds and Kind.T1 not in kinds:
            return kind
    return next(iter(kinds)) if len(kinds) == 1 else Kind.UNKNOWN


_BRAIN = re.compile(
    r"brain|head|skull|cereb|crani|\bcrane|encef|enceph|\bneuro|kopf|schadel|gehirn|\btete\b|cerveau|cabeza|\btesta\b"
    r"|hypophys|hipofis|pituit|\bhirn"
)
_ELSEWHERE = re.compile(
    r"spine\b|spinal|columna|colonna|rachis|wirbel|\b[chlb]ws\b|lumb|thorac|thorax|chest|cervical|neck|\bhals\b|shoulder"
    r"|schulter|epaule|hombro|elbow|wrist|\bhand\b|finger|\bhips?\b|pelvi|becken|bassin|femur|thigh|knee|\bknie\b|genou"
    r"|rodilla|\btibia|\bleg\b|ankle|\bfoot\b|\bfeet\b|\barm\b|forearm|humerus|abdom|\bliver|leber|\bfoie\b|higado|kidney"
    r"|renal|pancrea|mrcp|breast|mamma|prostat|uterus|rectum|heart|cardiac|coronary|corazon|extremity"
)


def about_brain(text: str | None) -> bool | None:
    """Whether words of a body part or description are the head's; None without any, or with others too."""
    folded = fold(text or "")
    head, other = bool(_BRAIN.search(folded)), bool(_ELSEWHERE.search(folded))
    return head if head != other else None
