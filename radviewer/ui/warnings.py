"""Which warnings concern what is on screen."""

from __future__ import annotations

from radviewer.app.desk import Desk
from radviewer.app.shown import Shown

_MOST = 6


def warnings_on_screen(desk: Desk) -> tuple[str, ...]:
    """Warnings of the stacks in the viewports seen, each once; with the series where several are seen."""
    shown = [viewport.shown for viewport in desk.seen if viewport.shown is not None]
    sentences = [_named(s, warning, name=len(desk.seen) > 1) for s in shown for warning in s.stack.warnings]
    different = list(dict.fromkeys(sentences))
    if len(different) > _MOST:
        rest = len(different) - _MOST + 1
        different = [*different[: _MOST - 1], f"… and {rest} more: see the tool tips in the list of studies."]
    return tuple(different)


def _named(shown: Shown, warning: str, *, name: bool) -> str:
    number = "" if shown.series.number is None else f" {shown.series.number}"
    return f"{shown.series.modality or 'Series'}{number}: {warning}" if name else warning
