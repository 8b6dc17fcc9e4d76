"""``README.md`` of a model's folder, written wholly from its card, its tables and its notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from radviewer.ai.cards import Calibration, Card, FindingCard, Metric, read_card
from radviewer.ai.catalogue import files_of
from radviewer.ai.descriptors import MOST_SPREADS
from radviewer.evaluation.tables import write_text
from radviewer.training.measured import SITES, read_accepted, read_arms, read_measured

README, NOTES = "README.md", "notes.md"
_MOST_NAMES = 30


def write_readme(folder: Path) -> None:
    """Write ``folder/README.md`` from ``card.json``, the tables of what was measured, ``notes.md`` and the charts.

    Raises
    ------
    BadModel
        If the card cannot be read.

    """
    write_text(folder / README, readme_of(folder))


def readme_of(folder: Path) -> str:
    """Text of the README: the same for the same folder."""
    card = read_card(folder)
    sections = (
        _head(card),
        _operating(card),
        _descriptors(card),
        _figures("Held-out figures", card.metrics),
        _charts(folder, card),
        _figures("Other hospitals", read_measured(folder, SITES)),
        _figures("Refusals, robustness, heatmaps", read_measured(folder)),
        _let_through(folder),
        _arms(folder),
        _notes(folder),
        _failures(card),
        _made(card),
    )
    return "\n".join(line for section in sections for line in section).rstrip() + "\n"


def _head(card: Card) -> Iterator[str]:
    yield f"# {card.title}"
    yield ""
    needs = f" It needs the model `{card.requires}`." if card.requires else ""
    of = ", ".join(card.modalities)
    yield f"Model `{card.name}` {card.version}: {', '.join(card.labels)}, on images of modality {of}.{needs}"
    yield ""
    yield "> **Research use only.** Not a medical device."
    yield ""
    yield f"**Intended use.** {card.intended_use} **Not intended.** {card.not_intended}"
    yield ""


def _operating(card: Card) -> Iterator[str]:
    if not card.findings:
        return
    yield "## Operating points"
    yield ""
    yield from _table(
        ("finding", "flagged from", "chosen for", "probability = sigmoid(…)", "intended for"),
        (
            (
                finding.label,
                f"{finding.threshold:.3f}",
                finding.operating_point,
                _formula(finding),
                _bounds(finding),
            )
            for finding in card.findings
        ),
    )
    yield from (f"- {finding.label}: {finding.evidence}" for finding in card.findings)
    yield ""


def _formula(finding: FindingCard) -> str:
    if finding.slice_calibration is not None:
        whole = _line(finding.calibration, "highest mean logit of two neighbouring slices")
        return f"{whole}; of a slice {_line(finding.slice_calibration, 'mean logit')}"
    return _line(finding.calibration, "mean logit" if finding.descriptors is None else "(mean logit + descriptors)")


def _line(calibration: Calibration, logit: str) -> str:
    return f"{calibration.slope:.3f} × {logit} {calibration.intercept:+.3f}"


def _descriptors(card: Card) -> Iterator[str]:
    for finding in card.findings:
        if finding.descriptors is None:
            continue
        added = f"{finding.descriptors.intercept:+.3f}"
        yield f"Descriptors of the outline add {added} to the logit of {finding.label}, and"
        yield f"for each standard deviation (SD) from the mean, up to {MOST_SPREADS:g} of them:"
        yield ""
        yield from _table(
            ("descriptor", "mean", "SD", "adds per SD"),
            (
                (term.name.replace("_", " "), f"{term.mean:.3f}", f"{term.spread:.3f}", f"{term.weight:+.3f}")
                for term in finding.descriptors.terms
            ),
        )


def _bounds(finding: FindingCard) -> str:
    intended = finding.intended
    bounds = [f"views {', '.join(intended.views)}"] if intended.views else []
    bounds += [f"from {intended.youngest:g} years"] if intended.youngest is not None else []
    bounds += [f"below {intended.oldest:g} years"] if intended.oldest is not None else []
    return ", ".join(bounds) or "no bound"


def _figures(title: str, metrics: Sequence[Metric]) -> Iterator[str]:
    """One table; a group is named once, commands stand below."""
    if not metrics:
        return
    commands = list(dict.fromkeys(metric.command for metric in metrics))
    yield f"## {title}"
    yield ""
    rows, before = [], ""
    for metric in metrics:
        group = "" if metric.group == before else metric.group
        command = str(commands.index(metric.command) + 1)
        rows.append((group, metric.name, _with_interval(metric), str(metric.n), command))
        before = metric.group
    yield from _table(("films", "figure", "value [95 % interval]", "n", "measured by"), rows)
    yield "Intervals by bootstrap over patients; where all films agree it has no width, yet up to 3/n may be otherwise."
    yield "Measured by"
    yield ""
    yield from (f"{i}. `{command}`" for i, command in enumerate(commands, 1))
    yield ""


def _with_interval(metric: Metric) -> str:
    if metric.name.startswith("worst") and metric.low == metric.high:  # the lowest has none
        return _number(metric.value)
    return f"{_number(metric.value)} [{_number(metric.low)}, {_number(metric.high)}]"


def _number(value: float) -> str:
    """Three decimals; tiny numbers with two digits and an exponent."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}"


def _charts(folder: Path, card: Card) -> Iterator[str]:
    names = [f"{kind}-{label}.png" for label in card.labels for kind in ("roc", "reliability")]
    shown = [
        f"![{name.removesuffix('.png')}]({name.replace(' ', '%20')})" for name in names if (folder / name).is_file()
    ]
    if shown:
        yield " ".join(shown)
        yield ""


def _let_through(folder: Path) -> Iterator[str]:
    accepted = read_accepted(folder)
    if not accepted:
        return
    named = [f"{image} ({group})" for group, image in accepted]
    more = f" and {len(named) - _MOST_NAMES} more" if len(named) > _MOST_NAMES else ""
    yield f"Not what the model reads, yet let through: {', '.join(named[:_MOST_NAMES])}{more}."
    yield ""


def _arms(folder: Path) -> Iterator[str]:
    """Figures by line, arms by column."""
    lines = read_arms(folder)
    if not lines:
        return
    arms = list(dict.fromkeys(line["arm"] for line in lines))
    names = list(dict.fromkeys(line["name"] for line in lines))
    cells = {
        (line["name"], line["arm"]): f"{float(line['value']):.3f} "
        f"[{float(line['low']):.3f}, {float(line['high']):.3f}], n {line['n']}"
        for line in lines
    }
    yield "## Where the weights start"
    yield ""
    yield "One fold, one member and one seed each; `python -m radviewer.training compare-arms --data DATA --work WORK`."
    yield ""
    yield from _table(("figure", *arms), ((name, *(cells.get((name, arm), "") for arm in arms)) for name in names))


def _notes(folder: Path) -> Iterator[str]:
    path = folder / NOTES
    if path.is_file():
        yield "## What we saw"
        yield ""
        yield path.read_text(encoding="utf-8").strip()
        yield ""


def _failures(card: Card) -> Iterator[str]:
    if card.failure_modes:
        yield "## Where it fails"
        yield ""
        yield from (f"- {mode}" for mode in card.failure_modes)
        yield ""


def _made(card: Card) -> Iterator[str]:
    yield "## Data, training, files"
    yield ""
    yield from _table(
        ("data set", "n", "licence", "citation"),
        ((source.name, f"{source.n}", source.licence, source.citation) for source in card.sources),
    )
    minutes = round(card.training.seconds / 60)
    spent = f"{minutes // 60} h {minutes % 60:02d} min"
    yield f"Trained by `{card.training.command}` with seed {card.training.seed} in {spent}, all members together."
    yield f"Networks see {card.input_size} × {card.input_size} pixels."
    yield ""
    yield from _table(
        ("file", "SHA-256", "has not seen"),
        (
            (weights.file, f"`{weights.sha256}`", "" if weights.fold is None else f"fold {weights.fold}")
            for weights in files_of(card)
        ),
    )
    yield f"Licence: {card.licence}. The text is in [LICENSE](LICENSE)."


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Markdown table and an empty line."""
    yield _row(header)
    yield _row(["---"] * len(header))
    yield from (_row(row) for row in rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
