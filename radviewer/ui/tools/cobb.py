"""Cobb angle: two lines."""

from __future__ import annotations

from radviewer.domain.measurement import MarkKind
from radviewer.ui.tools.drawing import drawing_tool

TOOL = drawing_tool("tool-cobb", MarkKind.COBB)
