"""What the header says about a stack, as far as eligibility asks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from radviewer.ai.mr_sequences import flair_of
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.study import Series, Stack, StackKind, Study

_AGE = re.compile(r"(\d{1,3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True, slots=True)
class Context:
    """Attributes of a stack; None is unknown and never a reason to refuse.

    Attributes
    ----------
    modality, body_part, view_position : str or None
        Modality, BodyPartExamined, ViewPosition, upper case.
    age_years : float or None
    male : bool
        Whether PatientSex is M.
    slices : int
        Number of images in the stack.
    kind : StackKind or None
        IMAGES: each was acquired for itself.
    sequence : MrSequence or None
        How an MR series was acquired.
    series_number : int or None
    flair : str or None
        Names the FLAIR series of the same study and says why it is taken for one; None when there is none.

    """

    modality: str | None = None
    body_part: str | None = None
    view_position: str | None = None
    age_years: float | None = None
    male: bool = False
    description: str | None = None
    slices: int = 1
    kind: StackKind | None = None
    sequence: MrSequence | None = None
    series_number: int | None = None
    flair: str | None = None

    @property
    def stills(self) -> bool:
        """Whether these are several images that were acquired one by one."""
        return self.slices > 1 and self.kind is StackKind.IMAGES


def _upper(text: str | None) -> str | None:
    return text.strip().upper() or None if text else None


def years(age: str | None) -> float | None:
    """PatientAge (PS3.5 AS: ``034Y``, ``018M``, ``006W``, ``003D``) in years; None if it is anything else."""
    match = _AGE.fullmatch(age.strip().upper()) if age else None
    return int(match[1]) * _YEARS[match[2]] if match else None


def _age_at(study_date: str | None, birth_date: str | None) -> float | None:
    """Whole and part years between two dates YYYYMMDD, None unless both are such."""
    dates = [d.strip() for d in (study_date, birth_date) if d and re.fullmatch(r"\d{8}", d.strip())]
    if len(dates) != 2:
        return None
    then, born = (int(d[:4]) + (int(d[4:6]) - 1) / 12 + (int(d[6:]) - 1) / 365.25 for d in dates)
    return then - born if 0 <= then - born < 130 else None


def context_of(study: Study, series: Series, stack: Stack) -> Context:
    """Gather what `study`, `series` and `stack` say."""
    age = years(study.patient_age)
    return Context(
        modality=_upper(series.modality),
        body_part=_upper(series.body_part),
        view_position=_upper(series.view_position),
        age_years=age if age is not None else _age_at(study.date, study.patient_birth_date),
        male=_upper(study.patient_sex) == "M",
        description=_upper(series.description),
        slices=len(stack.frames),
        kind=stack.kind,
        sequence=series.sequence,
        series_number=series.number,
        flair=_flair(study),
    )


def _flair(study: Study) -> str | None:
    """``series 5 "AX FLAIR" (the description says "FLAIR")``."""
    pick = flair_of(study)
    if pick is None:
        return None
    number = "series without a number" if pick.series.number is None else f"series {pick.series.number}"
    name = f' "{pick.series.description}"' if pick.series.description else ""
    return f"{number}{name} ({pick.why})"
