"""Arrow and text: the tip, then the tail; then the text is typed."""

from __future__ import annotations

from radviewer.domain.measurement import MarkKind
from radviewer.ui.tools.drawing import drawing_tool

TOOL = drawing_tool("tool-arrow", MarkKind.ARROW)
