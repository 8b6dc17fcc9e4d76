"""What the actions of the window do: opening, panels, dialogs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from radviewer.app.actions import keys_in_force
from radviewer.ui.action_state import preset_titles
from radviewer.ui.export_commands import ExportCommands
from radviewer.ui.hanging_commands import HangingCommands
from radviewer.ui.link_commands import LinkCommands
from radviewer.ui.opening import choose_file, choose_folder
from radviewer.ui.picture_commands import PictureCommands
from radviewer.ui.report_commands import ReportCommands
from radviewer.ui.second_opinion.commands import OpinionCommands

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow


_PANELS = ("panel-studies", "panel-histogram", "panel-marks", "panel-findings")


class WindowCommands:
    """Commands by the name of their action; dialogs are made when first wanted."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        room = window.room
        self._dialogs: dict[str, QDialog] = {}
        self.opinion = OpinionCommands(window)
        self.pictures = PictureCommands(window)
        self.reports = ReportCommands(window)
        self.links = LinkCommands(window)
        self._table: dict[str, Callable[[], object]] = {
            "open-folder": lambda: choose_folder(room, window),
            "open-file": lambda: choose_file(room, window),
            "open-last": self._open_last,
            "open-demo": room.open_demo,
            "close-study": room.close_study,
            "cancel-work": room.stop_work,
            "quit": window.close,
            "settings": self._settings,
            "shortcuts": self._shortcuts,
            "panel-skipped": partial(self._show, "panel-skipped", self._make_skipped),
            "notices": partial(self._show, "notices", self._make_notices),
            "tags": partial(self._show, "tags", self._make_tags),
            "full-screen": window.full_screen.toggle,
            "cheat-sheet": self._cheat_sheet,
            "about": self._about,
            **{name: partial(self._panel, name) for name in _PANELS},
            "model-cards": self._models,
            "compare-images": partial(self._show, "compare-images", self._make_comparison),
            "decision-log": partial(self._show, "decision-log", self._make_log),
            "session-summary": partial(self._show, "session-summary", self._make_summary),
            **self.opinion.table,
            **self.pictures.table,
            **self.reports.table,
            **ExportCommands(window).table,
            **HangingCommands(window).table,
            **self.links.table,
        }

    @property
    def names(self) -> frozenset[str]:
        """Actions that are done here."""
        return frozenset(self._table)

    def run(self, name: str) -> None:
        """Do it."""
        self._table[name]()

    def dialog(self, name: str) -> QDialog | None:
        """Return an open dialog by the name of its action."""
        return self._dialogs.get(name)

    def close(self) -> None:
        """Close all dialogs."""
        for dialog in list(self._dialogs.values()):
            dialog.close()

    def _open_last(self) -> None:
        folder = self._window.room.settings.now.last_folder
        if folder:
            self._window.room.open(Path(folder))

    def _panel(self, name: str) -> None:
        panel = self._window.docks[name]
        if panel.isVisibleTo(self._window):
            had_focus = panel.isAncestorOf(self._window.focusWidget() or panel)
            panel.hide()
            if had_focus:
                self._window.desk.focus_active()
        else:
            panel.show()  # the focus stays: keys go on acting on the image

    def _show(self, name: str, make: Callable[[], QDialog]) -> QDialog:
        """Show a dialog that is kept while it is open, in front."""
        dialog = self._dialogs.get(name)
        if dialog is None:
            dialog = self._dialogs[name] = make()
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.finished.connect(partial(self._forget, name, dialog))
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        return dialog

    def _forget(self, name: str, dialog: QDialog, _result: int = 0) -> None:
        if self._dialogs.get(name) is dialog:
            del self._dialogs[name]

    def _make_skipped(self) -> QDialog:
        from radviewer.ui.dialogs.lists import SkippedDialog

        return SkippedDialog(self._window.room, self._window)

    def _make_notices(self) -> QDialog:
        from radviewer.ui.dialogs.lists import NoticesDialog

        return NoticesDialog(self._window.notices, self._window)

    def _make_tags(self) -> QDialog:
        from radviewer.ui.dialogs.lists import TagsDialog

        return TagsDialog(self._window.room, self._window)

    def _settings(self) -> None:
        from radviewer.ui.dialogs.settings import SettingsDialog

        self._show("settings", lambda: SettingsDialog(self._window.room.settings, self._window))

    def _shortcuts(self) -> None:
        from radviewer.ui.dialogs.shortcuts import ShortcutEditor

        self._show("shortcuts", lambda: ShortcutEditor(self._window.room.settings, self._window))

    def _cheat_sheet(self) -> None:
        from radviewer.ui.dialogs.cheat_sheet import CheatSheet

        window = self._window
        dialog = self._show("cheat-sheet", lambda: CheatSheet(window))
        if isinstance(dialog, CheatSheet):
            keys = keys_in_force(window.room.settings.now.shortcuts)
            dialog.show_keys(keys, preset_titles(window.desk.presets()))

    def _make_comparison(self) -> QDialog:
        from radviewer.ui.second_opinion.compare import CompareDialog

        return CompareDialog(self._window.room, self._window)

    def _make_log(self) -> QDialog:
        from radviewer.ui.second_opinion.log_view import LogDialog

        return LogDialog(self._window.room, self._window)

    def _make_summary(self) -> QDialog:
        from radviewer.ui.second_opinion.summary import SummaryDialog

        return SummaryDialog(self._window.room, self._window)

    def _models(self) -> None:
        self.show_card("")

    def show_card(self, model: str) -> None:
        """Show what a model was made for, and how well it does it; "" for the first of them."""
        from radviewer.ui.dialogs.model_cards import ModelCards

        dialog = self._show("model-cards", lambda: ModelCards(self._window.room.opinion, self._window))
        if isinstance(dialog, ModelCards):
            dialog.choose(model)

    def _about(self) -> None:
        from radviewer.ui.dialogs.about import AboutDialog

        self._show("about", lambda: AboutDialog(self._window))
