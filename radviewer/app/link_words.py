"""What the corner of a viewport says about links: what is linked by more than the files, and how well."""

from __future__ import annotations

from radviewer.app.desk import Desk
from radviewer.app.fusion import Fusion
from radviewer.app.links import LinkKind
from radviewer.app.registering import name_of
from radviewer.app.viewport import Viewport

_TOLD = (LinkKind.OFFSET, LinkKind.REGISTERED)


def link_notes(desk: Desk, fusion: Fusion, viewport: Viewport) -> tuple[str, ...]:
    """Lines for the corner of a viewport; none where only a shared frame of reference links it."""
    over = fusion.words(viewport)
    return over or tuple(_linked(desk, viewport))


def _linked(desk: Desk, viewport: Viewport) -> list[str]:
    """Two lines for each other series in sight that the reader has linked with this one: the telling one first."""
    found: dict[str, tuple[str, str]] = {}
    for other in desk.seen:
        subject = other.subject
        if viewport.stack is None or subject is None or other is viewport or subject.stack is viewport.stack.source:
            continue
        link = desk.links.between(viewport.stack, subject.stack)
        if link is not None and link.kind in _TOLD:
            found[subject.stack.key] = (link.words, f"with {name_of(subject)}")
    return [line for lines in found.values() for line in lines]
