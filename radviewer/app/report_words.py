"""What a report says about findings, decisions and models, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from radviewer.ai.cards import Card, Metric
from radviewer.app.finding_rows import SAVED_VERSION, Kind, Row, RowState, size_text
from radviewer.app.mark_planes import plane_words
from radviewer.app.shown import Shown
from radviewer.domain.decision import Decision, FindingKey, Impression, Verdict
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.domain.reformat import Reformat
from radviewer.export.report import Facts, FindingLine, MeasurementLine, ModelLine

_KEY_FIGURES = ("AUC", "sensitivity", "specificity")
_MOST_MEASURES = 4  # columns of a table
_MOST_NAMES = 12


def series_name(shown: Shown) -> str:
    """Which series: ``"DX series 1, Chest PA"``."""
    series = shown.series
    number = "" if series.number is None else f"series {series.number}"
    name = " ".join(part for part in (series.modality, number) if part) or "Series"
    return ", ".join(part for part in (name, series.description, shown.stack.label) if part)


def source_name(shown: Shown) -> str:
    """The series alone, also where planes cut out of it are shown."""
    return series_name(replace(shown, stack=shown.stack.source))


def image_name(shown: Shown, index: int | None) -> str:
    """Which image: the series alone where it is the only one; of planes which, and where."""
    count = len(shown.stack.frames)
    if isinstance(shown.stack, Reformat) and index is not None:
        return f"{source_name(shown)}, {plane_words(shown.stack, index)}"
    return series_name(shown) if index is None or count == 1 else f"{series_name(shown)}, image {index + 1} of {count}"


def when_text(iso: str) -> str:
    """``"2026-11-26T00:12:13.123+00:00"`` → ``"2026-11-26 00:12 UTC"``."""
    return f"{iso[:16].replace('T', ' ')} UTC" if iso[16:17] == ":" else iso


def finding_line(shown: Shown, row: Row) -> FindingLine:
    """A finding of the panel, or the reader's own."""
    match row.kind:
        case Kind.MISSED:
            state, source = "reader's own", "proposed by no model"
        case Kind.SAVED:
            state, source = "outline from a file", row.reason
        case _:
            state, source = "flagged" if row.flagged else "not flagged", f"{row.key.model} {row.key.version}"
    if row.state is RowState.REFUSED:
        state = f"refused: {row.reason}"
    decision = decision_lines(row.decision) or (("Not decided",) if row.pending else ())
    if row.disagrees:
        decision += ("the model differs from the locked impression",)
    where = image_name(shown, row.key_slice)
    return FindingLine(row.label, source, where, row.probability, row.threshold, state, decision)


def is_model(key: FindingKey) -> bool:
    """Whether a finding is a model's: others are the reader's own, or of a file, whose name may tell too much."""
    return bool(key.model) and key.version != SAVED_VERSION


def logged_line(shown: Shown, decision: Decision) -> FindingLine:
    """A decision whose finding is not held any more: what the log says of it."""
    key, probability, threshold = decision.finding, decision.probability, decision.threshold
    if probability is None or threshold is None:
        state = "from the decision log"
    else:
        state = "flagged" if probability >= threshold else "not flagged"
    source = f"{key.model} {key.version}" if is_model(key) else "proposed by no model"
    return FindingLine(key.label, source, series_name(shown), probability, threshold, state, decision_lines(decision))


def decision_lines(decision: Decision | None) -> tuple[str, ...]:
    """Verdict, reason and words, who and when; nothing where nothing is decided."""
    if decision is None:
        return ()
    made = decision.circumstances
    by = f"{made.reader or 'reader not named'}, {when_text(made.when)}"
    return tuple(line for line in (_verdict(decision), decision.text, _overlap(decision), by) if line)


def _verdict(decision: Decision) -> str:
    match decision.verdict:
        case Verdict.ACCEPTED:
            return "Accepted"
        case Verdict.REJECTED:
            return f"Rejected: {decision.reason.value}" if decision.reason is not None else "Rejected"
        case Verdict.EDITED:
            return "Accepted with another outline"
        case Verdict.MISSED:
            return "Marked by the reader"
        case Verdict.WITHDRAWN:
            return "Taken back"


def _overlap(decision: Decision) -> str:
    return "" if decision.dice is None else f"overlap with the model's outline: Dice {decision.dice:.2f}"


def measured_line(shown: Shown, row: Row) -> MeasurementLine:
    """What a model measured."""
    note = {RowState.REJECTED: ", rejected", RowState.EDITED: ", before editing", RowState.ACCEPTED: ", accepted"}
    by = f"{row.key.model} {row.key.version}{note.get(row.state, '')}"
    return MeasurementLine(row.label, image_name(shown, row.key_slice), size_text(row), by)


def opinion_sentence(shown: Shown, opinion: Opinion) -> str:
    """What became of a model that was asked."""
    said = f"{series_name(shown)}: {opinion.model} {opinion.version} {_came_of(opinion)}"
    if opinion.overridden:
        said += f" It would have refused ({opinion.overridden.rstrip('.')}); the reader had it run all the same."
    return said


def _came_of(opinion: Opinion) -> str:
    if opinion.outcome is not Outcome.RAN:
        return f"{opinion.outcome.value}: {opinion.reason}"
    tested = ", ".join(f.label for f in opinion.findings if f.outcome is Outcome.RAN)
    if opinion.findings:
        flagged = ", ".join(f"{f.label} ({f.probability or 0:.2f})" for f in opinion.findings if f.flagged)
        if not tested:
            return "ran, but tested for nothing on this image."
        return f"ran, {'flagged ' + flagged if flagged else 'nothing flagged'} (tested for: {tested})."
    return f"ran, outlined {', '.join(part.label for part in opinion.anatomy) or 'nothing'}."


def joined(names: Iterable[str]) -> str:
    """Names in a sentence, not too many."""
    known = list(dict.fromkeys(names))
    rest = len(known) - _MOST_NAMES
    return ", ".join(known[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def impression_facts(shown: Shown, impression: Impression) -> Facts:
    """What the reader had locked."""
    labels = "; ".join(f"{label}: {presence.value}" for label, presence in impression.labels)
    made = impression.circumstances
    order = "before" if made.revealed is None else "after"
    locked = f"{made.reader or 'reader not named'}, {when_text(made.when)}, {order} the second opinion was shown"
    return ((series_name(shown), labels), ("In words", impression.text), ("Locked by", locked))


def model_line(card: Card) -> ModelLine:
    """A card in short."""
    thresholds = tuple(
        f"{f.label.capitalize()}: flagged from {f.threshold:.2f} ({f.operating_point}). {f.evidence}"
        for f in card.findings
    )
    chosen = [m for m in card.metrics if m.name in _KEY_FIGURES or m.name.startswith("mean Dice")]
    names = tuple(dict.fromkeys(m.name for m in chosen))[:_MOST_MEASURES]
    figures = tuple(_figures(chosen, names))
    name = f"{card.name} {card.version}"
    return ModelLine(
        name, card.title, card.intended_use, card.not_intended, thresholds, names, figures, card.failure_modes
    )


def unknown_model(name: str, version: str) -> ModelLine:
    """A model whose card is not there."""
    return ModelLine(f"{name} {version}", "", "Its card is not in this program; another version may be bundled.", "")


def _figures(metrics: list[Metric], names: tuple[str, ...]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for group in dict.fromkeys(m.group for m in metrics):
        of_group = {m.name: m for m in metrics if m.group == group and m.name in names}
        counts = [m.n for m in of_group.values()]
        n = "–".join(f"{count:,}" for count in sorted({min(counts), max(counts)}))
        yield group, n, tuple(_figure(of_group.get(name)) for name in names)


def _figure(metric: Metric | None) -> str:
    return "" if metric is None else f"{metric.value:.3f}\n[{metric.low:.3f}–{metric.high:.3f}]"
