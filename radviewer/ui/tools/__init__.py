"""The tools of the left mouse button: one file each, one line each in the table below."""

from __future__ import annotations

from radviewer.ui.tools import (
    angle,
    arrow,
    cobb,
    crosshair,
    ellipse,
    freehand,
    length,
    missed,
    pan,
    probe,
    rectangle,
    scroll,
    window,
    zoom,
)
from radviewer.ui.tools.tool import Tool

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        window.TOOL,
        zoom.TOOL,
        pan.TOOL,
        scroll.TOOL,
        probe.TOOL,
        crosshair.TOOL,
        length.TOOL,
        angle.TOOL,
        cobb.TOOL,
        rectangle.TOOL,
        ellipse.TOOL,
        freehand.TOOL,
        arrow.TOOL,
        missed.TOOL,
    )
}
"""Tools by the name of their action."""
