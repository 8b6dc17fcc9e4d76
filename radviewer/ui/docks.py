"""Docks with a heading of our own, the same for all panels."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QToolButton, QWidget

from radviewer.ui.labels import plain_label
from radviewer.ui.theme import icon


def dock(name: str, title: str, content: QWidget, parent: QWidget) -> QDockWidget:
    """Dock around a panel; `name` identifies it in the saved layout."""
    widget = QDockWidget(title, parent)
    widget.setObjectName(name)
    widget.setWidget(content)
    widget.setFeatures(
        QDockWidget.DockWidgetFeature.DockWidgetClosable | QDockWidget.DockWidgetFeature.DockWidgetMovable
    )
    widget.setAllowedAreas(Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea)
    widget.setTitleBarWidget(_heading(title, widget))
    return widget


def _heading(title: str, owner: QDockWidget) -> QWidget:
    heading = QFrame()
    heading.setProperty("role", "panel-heading")
    close = QToolButton()
    close.setIcon(icon("close"))
    close.setAutoRaise(True)
    close.setToolTip(f"Hide: {title}")
    close.setAccessibleName(f"Hide {title}")
    close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    close.clicked.connect(owner.hide)
    row = QHBoxLayout(heading)
    row.setContentsMargins(10, 2, 4, 2)
    row.addWidget(plain_label(title, "heading"), 1)
    row.addWidget(close)
    return heading
