"""The order of a report: headings, words, tables and pictures, for whoever sets them on paper or in a browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from radviewer.export.report import Facts, FindingLine, KeyImage, ModelLine, Report
from radviewer.render.lettering import printable

_LONGEST = 2_000  # characters of what a file says
_LONGEST_TEXT = 20_000  # of what the reader says

Cell = tuple[str, ...]
"""Lines; all but the first are quiet."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a section, or (`level` 2) of a part of it."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Words:
    """Paragraphs; `quiet`: small print."""

    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactList:
    """Names and what they are."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, their shares of the width, rows."""

    headings: tuple[str, ...]
    shares: tuple[int, ...]
    rows: tuple[tuple[Cell, ...], ...]


Part = Heading | Words | Items | FactList | Table | KeyImage


def parts(report: Report) -> Iterator[Part]:
    """Everything below the title, top to bottom; all text is clean."""
    yield FactList(_facts(report.header))
    yield Heading("Report")
    text = clean(report.text, _LONGEST_TEXT)
    yield Words(text) if text else Words("No text was written.", quiet=True)
    if report.impression:
        yield Heading("Locked impression")
        yield FactList(_facts(report.impression))
    yield from _findings(report)
    yield from _measurements(report)
    yield from _pictures(report)
    if report.models:
        yield Heading("Models")
        for model in report.models:
            yield from _model(model)
    yield Heading("Limits")
    yield Items(_cleaned(report.limits))


def clean(text: str, longest: int = _LONGEST) -> str:
    """Text without control characters; it ends somewhere, and says so."""
    shown = printable(text[:longest], lines=True).strip()
    return f"{shown} […]" if len(text) > longest else shown


def _cleaned(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in map(clean, texts) if text)


def _facts(facts: Facts) -> Facts:
    return tuple((clean(name), clean(value)) for name, value in facts if clean(value))


def _findings(report: Report) -> Iterator[Part]:
    yield Heading("Second opinion and decisions")
    yield Items(_cleaned(report.said or ("No model was run.",)))
    if report.findings:
        headings = ("Finding", "Probability", "Result", "Reader's decision")
        yield Table(headings, (36, 16, 17, 31), tuple(_finding(line) for line in report.findings))


def _finding(line: FindingLine) -> tuple[Cell, ...]:
    said = () if line.probability is None else (f"{line.probability:.2f}",)
    flag = () if line.threshold is None or not said else (f"flagged from {line.threshold:.2f}",)
    name = _cleaned((_capital(line.label), line.source, line.where))
    return (name, (*said, *flag) or ("–",), _cleaned((_capital(line.state),)), _cleaned(line.decision) or ("–",))


def _pictures(report: Report) -> Iterator[Part]:
    if report.pictures:
        yield Heading("Key images")
    for one in report.pictures:
        legend = tuple((colour, clean(text)) for colour, text in one.legend)
        yield KeyImage(clean(one.title), clean(one.caption), one.pictures, legend)


def _measurements(report: Report) -> Iterator[Part]:
    if report.measurements:
        yield Heading("Measurements")
        rows = tuple(
            ((clean(_capital(m.what)),), (clean(m.values) or "–",), (clean(m.where),), (clean(m.by),))
            for m in report.measurements
        )
        yield Table(("What", "Value", "Image", "Measured by"), (20, 28, 30, 22), rows)


def _model(model: ModelLine) -> Iterator[Part]:
    yield Heading(clean(f"{model.name} – {model.title}" if model.title else model.name), 2)
    yield FactList(_facts((("Intended use", model.use), ("Not for", model.not_for))))
    if model.thresholds:
        yield Items(_cleaned(model.thresholds))
    if model.figures:
        share = min(20, 64 // len(model.measures))
        rows = tuple(
            ((clean(group),), (n,), *(_cleaned(text.split("\n")) or ("–",) for text in texts))
            for group, n, texts in model.figures
        )
        shares = (100 - 10 - share * len(model.measures), 10, *(share for _ in model.measures))
        yield Table(("Measured on (95 % intervals)", "n", *_cleaned(model.measures)), shares, rows)
    if model.failures:
        yield Words("Known failures", quiet=True)
        yield Items(_cleaned(model.failures))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
