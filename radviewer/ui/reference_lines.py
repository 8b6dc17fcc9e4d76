"""Reference lines: where the images of other viewports cut this one."""

from __future__ import annotations

from radviewer.app.desk import Desk
from radviewer.app.links import LinkKind
from radviewer.app.viewport import Viewport
from radviewer.render.reference_lines import reference_line
from radviewer.ui.viewport_overlay import Segment

_TRUSTED = (LinkKind.FRAME, LinkKind.REGISTERED)


def lines_of(desk: Desk, viewport: Viewport) -> tuple[tuple[Segment, ...], Segment | None]:
    """Lines of the other seen viewports in this one, and that of the active viewport apart.

    Of series in one frame of reference, and of those that were registered to one another; a link by hand holds for
    parallel images alone.
    """
    lines: list[Segment] = []
    active: Segment | None = None
    here, stack = viewport.plane, viewport.stack
    if here is None or stack is None or viewport.in_3d or viewport not in desk.seen:
        return (), None
    for other in desk.seen:
        if other is viewport or other.in_3d or other.plane is None or other.stack is None:
            continue
        if viewport.cut is not None and other.cut is not None and viewport.cut.of is other.cut.of:
            continue  # these have a cross-hair
        if desk.links.kind(other.stack, stack) not in _TRUSTED:
            continue
        _, rows, columns = other.stack.shape
        there = desk.links.lay(other.stack, stack, other.plane)
        line = None if there is None else reference_line(here, there, (rows, columns))
        if line is None:
            continue
        if other is desk.active:
            active = line
        else:
            lines.append(line)
    return tuple(lines), active
