"""Whose report it is: the patient as far as the settings allow, the study, the reader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from radviewer.app.report_words import joined, series_name, when_text
from radviewer.app.shown import Shown
from radviewer.domain.decision import stack_id
from radviewer.domain.study import Study
from radviewer.export.report import Facts
from radviewer.render.annotations import Density, age_text, date_text, person_name, time_text

if TYPE_CHECKING:
    from radviewer.app.reading_room import ReadingRoom

_TAIL = 8  # digits of a UID that tell a study from the others at hand
_UNNAMED = "Not named in this report"


def names_patient(room: ReadingRoom) -> bool:
    """Whether the settings want the patient in what leaves the program."""
    return Density(room.settings.now.picture_patient) is Density.FULL


def tail(room: ReadingRoom, study: Study) -> str:
    """Which study, for the header of every page; the day and the patient only where they are wanted."""
    named = (person_name(study.patient_name), study.patient_id or "", date_text(study.date))
    words = [*named] if names_patient(room) else []
    return " · ".join(word for word in (*words, f"Study {_uid_tail(study)}") if word)


def _uid_tail(study: Study) -> str:
    return f"…{study.study_uid[-_TAIL:]}" if len(study.study_uid) > _TAIL else study.study_uid or "without UID"


def header(room: ReadingRoom, study: Study, stacks: tuple[Shown, ...], now: datetime) -> Facts:
    """Patient, study, series, reader, second opinion, time."""
    named = names_patient(room)
    facts = [*_patient(study)] if named else [("Patient", _UNNAMED)]
    facts += [("Study UID", study.study_uid)] if named else [("Study", f"UID ends in {_uid_tail(study)}")]
    facts += [
        ("Series", joined(series_name(shown) for shown in stacks)),
        ("Reader", room.settings.now.reader or "not named"),
        ("Second opinion", _opinion(room, stacks)),
        ("Report made", now.astimezone().strftime("%Y-%m-%d %H:%M %Z")),
    ]
    return tuple(facts)


def _patient(study: Study) -> Iterator[tuple[str, str]]:
    yield "Patient", person_name(study.patient_name) or "without a name"
    yield "Patient ID", study.patient_id or ""
    yield "Born", date_text(study.patient_birth_date)
    yield "Sex", study.patient_sex or ""
    yield "Age", age_text(study.patient_age)
    yield "Study", study.description or ""
    yield "Study date", f"{date_text(study.date)} {time_text(study.time)}".strip()
    yield "Accession", study.accession_number or ""
    yield "Institution", study.institution or ""


def _opinion(room: ReadingRoom, stacks: tuple[Shown, ...]) -> str:
    shown = [when for s in stacks if (when := room.decisions.revealed(stack_id(s.stack))) is not None]
    policy = f"Policy: {room.settings.now.policy}"
    return f"{policy}; first shown to the reader {when_text(min(shown))}" if shown else policy
