"""The main window: puts browser, viewports, panels, menus and status bar together."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QToolBar, QVBoxLayout, QWidget

from radviewer.app.desk import Layout
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import Settings
from radviewer.app.shown import Shown
from radviewer.render.annotations import Density
from radviewer.ui.action_set import ActionSet
from radviewer.ui.action_state import show_state
from radviewer.ui.browser.panel import BrowserPanel
from radviewer.ui.desk_widget import DeskWidget
from radviewer.ui.docks import dock
from radviewer.ui.full_screen import FullScreen
from radviewer.ui.notices import Banners, Notices
from radviewer.ui.opening import dropped, open_dropped
from radviewer.ui.panels.histogram import HistogramPanel
from radviewer.ui.panels.marks import MarksPanel
from radviewer.ui.second_opinion.panel import FindingsPanel
from radviewer.ui.start_page import StartPage
from radviewer.ui.status import StatusBar
from radviewer.ui.warnings import warnings_on_screen
from radviewer.ui.window_commands import WindowCommands
from radviewer.ui.work import WorkWatch

_STATE_VERSION = 1
_SETTLE_MS = 50  # between a change and the state of menus and tool bar
_ICON = QSize(20, 20)
_USUAL = QSize(1440, 900)
_START_ACTIONS = ("open-folder", "open-file", "open-last", "open-demo", "cheat-sheet")


class MainWindow(QMainWindow):
    """Everything around the viewports.

    Parameters
    ----------
    room : ReadingRoom
        The program's state; the window closes it with itself.

    """

    fault = Signal(str)  # from the crash hook, in whatever thread

    def __init__(self, room: ReadingRoom) -> None:
        super().__init__()
        self.room = room
        room.setParent(self)
        self.ended_cleanly = True
        self.notices = Notices(self)
        self._hear_notices()
        self.desk = DeskWidget(room)
        self.actions_set = ActionSet(self, self.desk)
        self.full_screen = FullScreen(self)
        self.commands = WindowCommands(self)
        self.actions_set.triggered.connect(self.run)
        self.desk.wanted.connect(self.run)
        self.menus = self.actions_set.fill_menus(self.menuBar())
        self._make_tool_bar()
        self._make_centre()
        self._make_docks()
        self._make_status_bar()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SETTLE_MS)
        self._later.timeout.connect(self.refresh)
        self._connect()
        self.setAcceptDrops(True)
        self.setMinimumSize(960, 600)
        self._restore()
        self._on_settings(room.settings.now)
        self._on_studies()
        self.refresh()

    # What is seen

    def _make_tool_bar(self) -> None:
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.setIconSize(_ICON)
        self.actions_set.fill_tool_bar(bar)
        self.addToolBar(bar)
        self.tool_bar = bar

    def _make_centre(self) -> None:
        self.banners = Banners(self.notices)
        self.banners.notice.list_wanted.connect(partial(self.run, "notices"))
        self.start_page = StartPage([self.actions_set[name] for name in _START_ACTIONS])
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start_page)
        self.pages.addWidget(self.desk)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banners)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(centre)

    def _make_docks(self) -> None:
        self.browser = BrowserPanel(self.room)
        self.histogram = HistogramPanel(self.room)
        self.marks = MarksPanel(self.room)
        self.findings = FindingsPanel(self.room, self.run, self.commands.show_card)
        self.docks = {
            "panel-studies": dock("studies", "Studies", self.browser, self),
            "panel-histogram": dock("histogram", "Histogram", self.histogram, self),
            "panel-marks": dock("marks", "Marks and key images", self.marks, self),
            "panel-findings": dock("findings", "Second opinion", self.findings, self),
        }
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        for area, name in (
            (left, "panel-studies"),
            (right, "panel-findings"),
            (right, "panel-histogram"),
            (right, "panel-marks"),
        ):
            self.addDockWidget(area, self.docks[name])
        for name in ("panel-histogram", "panel-marks"):
            self.docks[name].hide()
        self.resizeDocks([self.docks["panel-studies"]], [264], Qt.Orientation.Horizontal)
        self.resizeDocks([self.docks["panel-findings"]], [340], Qt.Orientation.Horizontal)
        right_docks = [self.docks["panel-histogram"], self.docks["panel-marks"]]
        self.resizeDocks(right_docks, [320, 480], Qt.Orientation.Vertical)

    def _make_status_bar(self) -> None:
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.status.skipped_wanted.connect(partial(self.run, "panel-skipped"))
        self.status.notices_wanted.connect(partial(self.run, "notices"))
        self.work = WorkWatch(self.room, self.status.work)

    # What changes

    def _hear_notices(self) -> None:
        room, notices = self.room, self.notices
        room.notice.connect(notices.tell)
        self.fault.connect(notices.tell)
        room.marks.not_saved.connect(partial(notices.tell_lasting, "marks"))
        room.marks.saved_again.connect(partial(notices.settle, "marks"))
        room.decisions.not_saved.connect(partial(notices.tell_lasting, "decisions"))
        room.decisions.saved_again.connect(partial(notices.settle, "decisions"))
        room.settings.not_saved.connect(partial(notices.tell_lasting, "settings"))
        room.settings.saved_again.connect(partial(notices.settle, "settings"))
        for problem in room.settings.problems:
            notices.tell(problem)

    def _connect(self) -> None:
        room = self.room
        self.desk.probed.connect(self.status.probe.show_text)
        self.notices.changed.connect(lambda: self.status.show_notices(len(self.notices.told)))
        self.status.show_notices(len(self.notices.told))
        self.browser.chosen.connect(self._on_chosen)
        room.studies_changed.connect(self._on_studies)
        room.session.opened.connect(self._on_opened)
        room.settings.changed.connect(self._on_settings)
        for signal in (room.desk.active_changed, room.desk.layout_changed, room.desk.linked_changed):
            signal.connect(self._soon)
        for viewport, cine in zip(room.desk.viewports, room.desk.cines, strict=True):
            for signal in (viewport.image_changed, viewport.view_changed, viewport.in_3d_changed, cine.changed):
                signal.connect(self._soon)
            viewport.stack_changed.connect(self._show_warnings)
            viewport.stack_changed.connect(self.refresh)  # at once: keys are heard from now on
        room.desk.layout_changed.connect(self._show_warnings)
        for signal in (room.marks.changed, room.history.changed, room.toolbox.changed, room.marks.selection_changed):
            signal.connect(self._soon)
        for signal in (room.opinion.changed, room.findings.changed):
            signal.connect(self._soon)
        room.findings.selection_changed.connect(self.refresh)  # at once: the next key decides about it
        for signal in (room.overlays.changed, room.mask_edit.changed, room.fusion.changed, room.registering.changed):
            signal.connect(self._soon)
        self.desk.key_released.connect(self.commands.opinion.on_key_released)
        for signal in (room.session.started, room.cache.loaded, room.cache.progressed):
            signal.connect(self._soon)
        for panel in self.docks.values():
            panel.visibilityChanged.connect(self._soon)

    def run(self, name: str) -> None:
        """Carry out an action by its name."""
        if name in self.desk.commands.names:
            self.desk.commands.run(name)
        else:
            self.commands.run(name)
        self.refresh()

    def refresh(self) -> None:
        """Bring menus and tool bar to the state of things."""
        show_state(self)

    def _soon(self) -> None:
        if not self._later.isActive():
            self._later.start()

    def _on_chosen(self, shown: Shown) -> None:
        self.room.desk.active.show(shown)
        self.desk.focus_active()

    def _on_studies(self) -> None:
        room = self.room
        busy = room.session.scanning or any(room.all_shown())
        if self.pages.currentWidget() is not (self.desk if busy else self.start_page):
            self.pages.setCurrentWidget(self.desk if busy else self.start_page)
            if busy:
                self.desk.focus_active()
        result = room.session.result
        self.status.show_skipped(0 if result is None else len(result.skipped))
        if not busy:
            self.status.probe.show_text("")
        self._show_title()
        self._show_warnings()
        self._soon()

    def _on_opened(self) -> None:
        target = self.room.session.target
        if self.browser.browser_model.patients > 1:
            self.notices.tell(
                f"Images of {self.browser.browser_model.patients} different patients are open; "
                "each is headed by name in the list of studies."
            )
        if target is not None and not self.room.session.is_demo:
            self.room.settings.change(last_folder=str(target))

    def _on_settings(self, settings: Settings) -> None:
        self.actions_set.set_keys(settings.shortcuts)
        self.browser.browser_model.set_density(Density(settings.density))
        self.status.show_reader(settings.reader)
        self.start_page.show_last(self.actions_set["open-last"], settings.last_folder)
        self._show_title()
        self._soon()

    def _show_title(self) -> None:
        target = self.room.session.target
        full = self.room.settings.now.density == Density.FULL.value
        self.setWindowTitle(f"{target.name} – radviewer" if target is not None and full else "radviewer")

    def _show_warnings(self) -> None:
        self.banners.warning.show_warnings(warnings_on_screen(self.room.desk))

    # Beginning and end

    def _restore(self) -> None:
        """Take the place, size and panels of the last time; an unusable record changes nothing."""
        self.resize(_USUAL.boundedTo(QGuiApplication.primaryScreen().availableSize()))
        settings = self.room.settings.now
        geometry, _, state = settings.window_state.partition(" ")
        if geometry:
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "replace")))
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
        if state:
            self.restoreState(QByteArray.fromBase64(state.encode("ascii", "replace")), _STATE_VERSION)
        self.room.desk.set_layout(Layout(settings.layout))

    def _keep(self) -> None:
        self.full_screen.bring_back()
        parts = (self.saveGeometry(), self.saveState(_STATE_VERSION))
        self.room.settings.change(window_state=" ".join(bytes(part.toBase64().data()).decode() for part in parts))

    def changeEvent(self, event: QEvent) -> None:
        """Follow into the full screen and back."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.full_screen.follow()
            self._soon()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if dropped(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = dropped(event.mimeData())
        if paths:
            event.acceptProposedAction()
            open_dropped(self.room, paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the layout, stop all work, end."""
        self._keep()
        self.commands.close()
        self.desk.give_back()
        self.ended_cleanly = self.room.close()
        event.accept()
