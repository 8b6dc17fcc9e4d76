"""A report of one study as it is filed: what is in it, said once for the PDF and the HTML."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QImage

TITLE = "Reading report"
SUBTITLE = "Reader's report with AI second opinion"
DISCLAIMER = "Research use only. Not a medical device."

Facts = tuple[tuple[str, str], ...]
"""Names and what they are."""


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding and what the reader decided about it.

    Attributes
    ----------
    source : str
        Model and version, or who found it.
    where : str
        Series and image.
    probability, threshold : float or None
        None where no model gave any.
    state : str
        "flagged", "not flagged", "refused: …".
    decision : tuple of str
        Verdict; then reason, words, reader and time.

    """

    label: str
    source: str
    where: str
    probability: float | None
    threshold: float | None
    state: str
    decision: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KeyImage:
    """One image of the study.

    Attributes
    ----------
    title, caption : str
    pictures : tuple of QImage
        As it is, and with overlays; or one alone. Empty when it could not be read: the caption says so.
    legend : tuple of (str, str)
        Colour ``#rrggbb`` of an outline and what it outlines.

    """

    title: str
    caption: str
    pictures: tuple[QImage, ...]
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MeasurementLine:
    """What was measured, where, its values, and by whom."""

    what: str
    where: str
    values: str
    by: str


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model's card in short.

    Attributes
    ----------
    name : str
        With version.
    use, not_for : str
    thresholds : tuple of str
        One sentence per finding.
    measures : tuple of str
        Names of the key figures.
    figures : tuple of (str, str, tuple of str)
        Group, n, and per measure the value, with its interval on a second line; "" where it was not measured.
    failures : tuple of str
        Known ones.

    """

    name: str
    title: str
    use: str
    not_for: str
    thresholds: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    figures: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything one report says.

    Attributes
    ----------
    header : Facts
        Patient (as far as wanted), study, reader, time.
    tail : str
        Which study, in the header of every page.
    text : str
        The reader's own words.
    impression : Facts
        What the reader has locked.
    said : tuple of str
        What became of each model, in sentences.

    """

    header: Facts
    tail: str
    text: str = ""
    impression: Facts = ()
    said: tuple[str, ...] = ()
    findings: tuple[FindingLine, ...] = ()
    pictures: tuple[KeyImage, ...] = ()
    measurements: tuple[MeasurementLine, ...] = ()
    models: tuple[ModelLine, ...] = ()
    limits: tuple[str, ...] = ()
