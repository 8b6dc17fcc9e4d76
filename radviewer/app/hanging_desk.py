"""Hanging protocols at work: the plan for what is open, put on the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from radviewer.app.desk import Desk, Layout
from radviewer.app.hanging import Case, Cell, Plan, Protocol, case_of, plans
from radviewer.app.hanging_table import bundled_table, own_table, read_protocols
from radviewer.app.settings import MOST_HANGINGS, SettingsFile
from radviewer.app.shown import Shown

ShowPlane = Callable[[int, Shown, str], bool]
"""Show a reformatted plane ("axial", "coronal", "sagittal", "3d") of a stack in viewport i; False when it cannot be."""


class Hanging(QObject):
    """Chooses a protocol for what is open, and lays the desk out by it.

    Attributes
    ----------
    in_force : str
        Name of the protocol the desk was laid out by; "" for none.
    applying : bool
        While the desk is being laid out: nothing else fills its viewports.
    show_plane : callable or None
        Shows reformatted planes; without it, protocols that ask for planes fit nothing.

    """

    changed = Signal()
    notice = Signal(str)

    def __init__(
        self, desk: Desk, settings: SettingsFile, everything: Callable[[], tuple[Shown, ...]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._settings = settings
        self._everything = everything
        self._protocols: tuple[Protocol, ...] = ()
        self._read: tuple[tuple[int, int] | None, ...] = ()  # versions of the tables that were read
        self._laid_out = False  # the layout is a protocol's, not the reader's
        self.in_force = ""
        self.applying = False
        self.show_plane: ShowPlane | None = None

    def hang(self) -> bool:
        """Lay out a study that was opened: by the protocol the reader chose for its kind, or the first that fits.

        Returns
        -------
        bool
            False when none fits, or the reader wants none: the layout is the reader's own again.

        """
        case = self._case()
        if case is not None and self._settings.now.hang_automatically:
            chosen = self._settings.now.hanging.get(case.kind)
            offered = () if chosen == "" else self._plans(case)
            if any(self._apply(plan) for plan in sorted(offered, key=lambda plan: plan.protocol.name != chosen)):
                return True
        self._take_down()
        return False

    def choices(self) -> tuple[Plan, ...]:
        """Protocols that fit what is open, the one that would be taken first."""
        case = self._case()
        return () if case is None else self._plans(case)

    def choose(self, name: str) -> None:
        """Lay the desk out by a protocol, "" by none, and remember it for this kind of study."""
        case = self._case()
        if case is None:
            return
        others = [pair for pair in self._settings.now.hanging.items() if pair[0] != case.kind]
        self._settings.change(hanging={**dict(others[1 - MOST_HANGINGS :]), case.kind: name})
        plan = next((plan for plan in self._plans(case) if plan.protocol.name == name), None)
        if plan is None or not self._apply(plan):
            self._take_down()
            self._lay_in_order()

    def _case(self) -> Case | None:
        return case_of(self._everything())

    def _plans(self, case: Case) -> tuple[Plan, ...]:
        versions = tuple(_version(path) for path in (own_table(), bundled_table()))
        if versions != self._read:
            self._read = versions
            self._protocols, problems = read_protocols()
            for problem in problems:
                self.notice.emit(problem)
        return plans(self._protocols, case, planes=self.show_plane is not None)

    def _apply(self, plan: Plan) -> bool:
        self._laid_out = True
        with self._laying(plan.layout):
            for index, cell in enumerate(plan.cells):
                if not show_cell(self._desk, index, cell, self.show_plane):
                    return False
        self.in_force = plan.protocol.name
        self.changed.emit()
        return True

    def _take_down(self) -> None:
        """Go back to the reader's own layout, if a protocol has changed it."""
        if self._laid_out:
            self._laid_out = False
            with self._laying(Layout(self._settings.now.layout)):
                self.in_force = ""
            self.changed.emit()

    def _lay_in_order(self) -> None:
        """Show the stacks as they follow one another, as many as are seen."""
        everything = self._everything()
        coming = iter([shown for shown in everything if shown.study is everything[0].study])
        for index in range(self._desk.layout.count):
            show_cell(self._desk, index, Cell(next(coming, None)))

    @contextmanager
    def _laying(self, layout: Layout) -> Iterator[None]:
        self.applying = True
        try:
            self._desk.activate(0)
            self._desk.set_layout(layout)
            yield
        finally:
            self.applying = False


def show_cell(desk: Desk, index: int, cell: Cell, show_plane: ShowPlane | None = None) -> bool:
    """Show in a viewport what a cell of a plan holds; False when its plane cannot be shown."""
    viewport = desk.viewports[index]
    if cell.shown is None:
        if viewport.shown is not None:
            viewport.empty()
        return True
    if cell.plane:
        return show_plane is not None and show_plane(index, cell.shown, cell.plane)
    viewport.show(cell.shown)
    if cell.camera is not None:
        viewport.hang(cell.camera)
    return True


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size)
