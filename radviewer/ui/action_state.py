"""Which actions can be chosen, which are in force, and what they are called just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radviewer.app.actions import ACTIONS, Scope
from radviewer.app.presets import Preset

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow

_WITHOUT_IMAGE = frozenset({"density", "measure-menu"})
"""Actions of scope VIEWPORT that make sense while nothing is shown; the tools do, too."""


def preset_titles(presets: tuple[Preset, ...]) -> dict[str, str]:
    """Names of the window presets' actions: ``"Lung (1500 / −600)"``."""
    titles: dict[str, str] = {}
    for preset in presets:
        window = preset.fixed
        values = "" if window is None else f" ({window.width:g} / {window.center:g})".replace("-", "\N{MINUS SIGN}")
        titles[f"preset-{preset.key}"] = preset.name + values
    return titles


def show_state(window: MainWindow) -> None:
    """Bring all actions of a window to the state of its room."""
    room, actions, commands = window.room, window.actions_set, window.desk.commands
    image = room.desk.active.subject is not None
    for action in ACTIONS:
        checked = commands.checked(action.name)
        if checked is not None:
            actions.set_checked(action.name, checked)
        if action.scope is Scope.VIEWPORT and not action.name.startswith("tool-"):
            actions[action.name].setEnabled(image or action.name in _WITHOUT_IMAGE)
    for name, panel in window.docks.items():
        actions.set_checked(name, panel.isVisibleTo(window))
    actions.set_checked("full-screen", window.isFullScreen())
    _show_presets(window)
    _show_history(window)
    enabled = {
        "tags": image,
        "delete-mark": room.marks.selected is not None,
        "close-study": room.session.result is not None or room.session.scanning,
        "cancel-work": window.work.working,
        "open-last": bool(room.settings.now.last_folder),
    }
    enabled |= window.commands.opinion.enabled() | window.commands.links.enabled()
    for name, on in enabled.items():
        actions[name].setEnabled(on)
    for name, check in (window.commands.opinion.checks | window.commands.links.checks).items():
        actions.set_checked(name, check())


def _show_presets(window: MainWindow) -> None:
    titles = preset_titles(window.desk.presets())
    for key in range(1, 10):
        name = f"preset-{key}"
        window.actions_set.rename(name, titles.get(name, ""))
        window.actions_set[name].setVisible(name in titles)


def _show_history(window: MainWindow) -> None:
    history = window.room.history
    back = "Brush stroke" if window.room.mask_edit.dirty else history.undo_text
    for name, word, text in (("undo", "Undo", back), ("redo", "Redo", history.redo_text)):
        window.actions_set.rename(name, f"{word}: {text}" if text else "")
        window.actions_set[name].setEnabled(text is not None)
