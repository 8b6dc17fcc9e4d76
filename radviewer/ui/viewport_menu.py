"""The menu of a viewport: what the image offers, and the commands a reader looks for there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from radviewer.app.actions import ACTIONS, keys_in_force
from radviewer.app.layouts import Layout
from radviewer.app.marks import noun
from radviewer.app.probe import number, probe
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.toolbox import Toolbox
from radviewer.app.viewport import Viewport
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.domain.measuring import measure
from radviewer.domain.reformat import why_not
from radviewer.domain.window import Voi, Window
from radviewer.render.hit import hit
from radviewer.ui.tools import TOOLS
from radviewer.ui.viewport_widget import ViewportWidget

if TYPE_CHECKING:
    from radviewer.ui.desk_widget import DeskWidget

_MOST_WINDOWS = 20  # of a file's own; more cannot be told apart in a menu
_LONGEST = 60
_TEXTS = {action.name: action.text for action in ACTIONS}
_AIDS = ("step-clahe", "step-unsharp", "step-median", "step-nlm", "steps-clear")
_PLANES = (
    "planes", "plane-axial", "plane-coronal", "plane-sagittal",
    "slab-mip", "slab-minip", "slab-mean", "slab-thicker", "slab-thinner", "planes-reset",
)  # fmt: skip
_LAYOUTS = tuple(f"layout-{layout.value}" for layout in Layout)
_TURNS = ("rotate-right", "rotate-left", "flip-horizontal", "flip-vertical")


def viewport_menu(desk: DeskWidget, room: ReadingRoom, widget: ViewportWidget, position: QPointF) -> QMenu:
    """Menu for a place in a viewport; it deletes itself when it is closed."""
    menu = QMenu(desk)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    builder = _Builder(desk, keys_in_force(room.settings.now.shortcuts))
    viewport = widget.viewport
    if viewport.image is not None:
        _add_mark(menu, room, widget, position)
        _add_windows(menu, desk, viewport, builder)
        builder.add(menu.addMenu("Contrast aids"), *_AIDS)
        builder.add(menu.addMenu("Tool"), *TOOLS)
        builder.add(menu.addMenu("Rotate and flip"), *_TURNS)
        menu.addSeparator()
        builder.add(menu, "fit", "one-to-one", "smooth")
        _add_overlays(menu, viewport)
        builder.add(menu, "reset")
        menu.addSeparator()
        if len(viewport.stack.frames if viewport.stack else ()) > 1:
            builder.add(menu, "cine")
        builder.add(menu, "key-image")
        _add_copy(menu, widget, position)
        builder.add(menu, "tags")
        menu.addSeparator()
    if viewport.cut is not None or (viewport.stack is not None and why_not(viewport.stack) is None):
        builder.add(menu.addMenu("Planes"), *_PLANES)
    builder.add(menu.addMenu("Viewports"), *_LAYOUTS, "volume-3d", "link", "reference-lines")
    return menu


def measure_menu(parent: QWidget, toolbox: Toolbox) -> QMenu:
    """Menu of the tools that make marks, with the keys 1 to 9 as mnemonics."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for place, tool in enumerate((t for t in TOOLS.values() if t.draws), 1):
        action = menu.addAction(f"&{place}  {_TEXTS[tool.name]}")
        action.setCheckable(True)
        action.setChecked(toolbox.tool == tool.name)
        action.triggered.connect(partial(_choose, toolbox, tool.name))
    return menu


def voi_text(voi: Voi) -> str:
    """Name of a window as the file explains it, and its numbers."""
    numbers = f"W {number(voi.width)}  L {number(voi.center)}" if isinstance(voi, Window) else "lookup table"
    explanation = " ".join(voi.explanation.split())[:_LONGEST]
    return f"{explanation}   ({numbers})" if explanation else numbers


class _Builder:
    """Adds commands by name, with their text, shortcut and state."""

    def __init__(self, desk: DeskWidget, keys: dict[str, tuple[str, ...]]) -> None:
        self._desk = desk
        self._keys = keys

    def add(self, menu: QMenu, *names: str, text: str = "", checked: bool | None = None) -> None:
        """Add some commands; `text` and `checked` in place of what the table and the state say."""
        for name in names:
            action = menu.addAction(text or _TEXTS[name])
            shortcuts = self._keys[name]
            if shortcuts:  # shown only: the window's own action hears the key
                action.setShortcut(QKeySequence(shortcuts[0], QKeySequence.SequenceFormat.PortableText))
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            state = self._desk.commands.checked(name) if checked is None else checked
            if state is not None:
                action.setCheckable(True)
                action.setChecked(state)
            action.triggered.connect(partial(self._run, name))

    def _run(self, name: str, _checked: bool = False) -> None:
        self._desk.commands.run(name)


def _add_mark(menu: QMenu, room: ReadingRoom, widget: ViewportWidget, position: QPointF) -> None:
    at = widget.pointer(position)
    found = hit(widget.shown_marks(), widget.transform, at.x, at.y)
    if found is None:
        return
    mark = found.mark
    room.marks.select(mark.mark_id)
    _add(menu, f"Delete {noun(mark.kind)}", lambda: room.marks.remove(mark.mark_id))
    if mark.kind is MarkKind.ARROW:
        _add(menu, "Edit text…", lambda: widget.edit_text(mark))
    else:
        _add(menu, "Copy measurement", lambda: _copy(_measured(mark, widget.viewport)))
    menu.addSeparator()


def _add_windows(menu: QMenu, desk: DeskWidget, viewport: Viewport, builder: _Builder) -> None:
    image, chosen = viewport.image, viewport.presentation.voi
    if image is None:
        return
    windows = menu.addMenu("Window")
    builder.add(windows, "preset-0", checked=chosen is None)
    for voi in image.vois[:_MOST_WINDOWS]:
        action = _add(windows, voi_text(voi), partial(viewport.set_voi, voi))
        action.setCheckable(True)
        action.setChecked(voi is chosen or voi == chosen)
    presets = desk.presets(viewport)
    if presets:
        windows.addSeparator()
    for preset in presets:
        window = preset.fixed
        text = preset.name if window is None else f"{preset.name}   ({voi_text(Window(window.center, window.width))})"
        in_force = isinstance(chosen, Window) and chosen.explanation == preset.name
        builder.add(windows, f"preset-{preset.key}", text=text.replace("&", "&&"), checked=in_force)
    windows.addSeparator()
    builder.add(windows, "invert")


def _add_overlays(menu: QMenu, viewport: Viewport) -> None:
    if viewport.image is not None and viewport.image.overlays:
        shown = viewport.presentation.show_overlays
        action = _add(menu, "Overlays of the file", lambda: viewport.set_show_overlays(not shown))
        action.setCheckable(True)
        action.setChecked(shown)


def _add_copy(menu: QMenu, widget: ViewportWidget, position: QPointF) -> None:
    at = widget.pointer(position)
    pixel = widget.transform.pixel_at(at.x, at.y)
    found = None if pixel is None else probe(widget.viewport, *pixel)
    if found is not None:
        value = found.value
        _add(menu, f"Copy pixel value   ({value})", lambda: _copy(value))


def _add(menu: QMenu, text: str, do: Callable[[], object]) -> QAction:
    action = menu.addAction(text.replace("&", "&&"))
    action.triggered.connect(lambda _checked=False: do())
    return action


def _measured(mark: Mark, viewport: Viewport) -> str:
    image = viewport.image
    quantities = () if image is None else measure(mark, image)
    return "\n".join(f"{q.name}\t{number(q.value)}\t{q.unit}".rstrip() for q in quantities)


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _choose(toolbox: Toolbox, name: str, _checked: bool = False) -> None:
    toolbox.choose(name)
