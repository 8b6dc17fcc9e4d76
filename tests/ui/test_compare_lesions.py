"""The table of lesions of a prior and a current study: what became of each, in ml and mm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from radviewer.app.finding_rows import Row, saved_row
from radviewer.app.layouts import Layout
from radviewer.app.shown import Shown
from radviewer.domain.opinion import Mask
from radviewer.domain.planes import Orientation
from radviewer.ui.second_opinion.compare import CompareDialog
from radviewer.volumes.registration import Registration
from tests import phantoms
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui

SLICES, SIDE = 6, 60
PRIOR, CURRENT = "20250301", "20260301"


def write(folder: Path, name: str, date: str, frame: str) -> None:
    phantoms.volume(
        folder / name,
        SLICES,
        step=2.0,
        spacing=(1.0, 1.0),
        shape=(SIDE, SIDE),
        study=name,
        series=name,
        StudyDate=date,
        FrameOfReferenceUID=phantoms.make_uid(frame),
    )


def box(*ranges: tuple[int, int]) -> Mask:
    mask = np.zeros((SLICES, SIDE, SIDE), np.bool_)
    mask[tuple(slice(*r) for r in ranges)] = True
    return mask


def outlined(shown: Shown, label: str, mask: Mask) -> Row:
    return saved_row(shown, "file", label, mask, "by a reader")


def compare(
    window: Opened, prior: tuple[tuple[str, Mask], ...], current: tuple[tuple[str, Mask], ...]
) -> CompareDialog:
    """The dialog on what is outlined in the two studies."""
    dated = {shown.study.date: shown for shown in window.room.all_shown()}
    found = {}
    for date, outlines in ((PRIOR, prior), (CURRENT, current)):
        shown = dated[date]
        found[shown.stack.key] = tuple(outlined(shown, label, mask) for label, mask in outlines)
    window.room.findings.add_saved(found)
    window.trigger("compare-images")
    dialog = window.window.commands.dialog("compare-images")
    assert isinstance(dialog, CompareDialog)
    return dialog


def lines(dialog: CompareDialog) -> list[list[str]]:
    table = dialog.lesions
    found = []
    for row in range(table.rowCount()):
        items = [table.item(row, column) for column in range(table.columnCount())]
        found.append(["" if item is None else item.text() for item in items])
    return found


def opened(main_window: WindowOpener, folder: Path, *frames: str) -> Opened:
    for name, date, frame in zip(("prior", "current"), (PRIOR, CURRENT), frames, strict=True):
        write(folder, name, date, frame)
    window: Opened = main_window(folder)
    window.wait_image()
    return window


def test_lesions_are_matched_by_place_with_their_change(main_window: WindowOpener, tmp_path: Path) -> None:
    window = opened(main_window, tmp_path, "one", "one")
    grown = box((1, 3), (4, 8), (5, 15)), box((1, 3), (4, 12), (5, 15))
    gone, new = box((0, 2), (40, 44), (40, 44)), box((4, 6), (5, 9), (45, 49))
    dialog = compare(window, (("nodule", grown[0] | gone),), (("nodule", grown[1] | new),))
    assert dialog.lesions.isVisible()
    headings = [dialog.lesions.horizontalHeaderItem(i) for i in range(5)]
    assert [h.text() for h in headings if h is not None] == [
        "Studies", "Finding", "Seen", "Volume", "Longest diameter",
    ]  # fmt: skip
    first, second, third = lines(dialog)
    assert first == [
        "2025-03-01 → 2026-03-01",
        "Nodule",
        "on both",
        "0.16 → 0.32 ml  (+0.16 ml, +100 %)",  # 80 and 160 voxels of 2 mm³
        "11.0 → 13.0 mm  (+2.0 mm, +18 %)",  # √(2² + 4² + 10²), √(2² + 8² + 10²)
    ]
    assert second[2:] == ["on the earlier image only", "0.06 → – ml", "6.0 → – mm"]
    assert third[2:] == ["on the later image only", "– → 0.06 ml", "– → 6.0 mm"]


def test_what_shrinks_is_told_with_a_minus(main_window: WindowOpener, tmp_path: Path) -> None:
    window = opened(main_window, tmp_path, "one", "one")
    before, after = box((1, 3), (4, 12), (5, 15)), box((1, 3), (4, 8), (5, 15))
    ((_, _, _, volume, diameter),) = lines(compare(window, (("nodule", before),), (("nodule", after),)))
    minus = "\N{MINUS SIGN}"
    assert volume == f"0.32 → 0.16 ml  ({minus}0.16 ml, {minus}50 %)"
    assert diameter.endswith(f"({minus}2.0 mm, {minus}15 %)")


def test_a_registration_matches_by_place_what_was_matched_by_name(main_window: WindowOpener, tmp_path: Path) -> None:
    window = opened(main_window, tmp_path, "one", "two")
    here, there = box((1, 3), (4, 8), (5, 15)), box((1, 3), (44, 48), (5, 15))
    dialog = compare(window, (("nodule", here),), (("nodule", there),))
    ((_, _, seen, *_),) = lines(dialog)
    assert seen == "on both, matched by name alone"
    dated = {shown.study.date: shown.stack for shown in window.room.all_shown()}
    matrix = np.eye(4)
    matrix[1, 3] = 40.0  # one row is one mm towards posterior
    window.room.desk.links.put(dated[PRIOR], dated[CURRENT], Registration(matrix, 0.3, 0.6, 0.4, 0.1, 0.9))
    ((_, _, seen, *_),) = lines(dialog)
    assert seen == "on both"
    matrix[1, 3] = 0.0
    window.room.desk.links.put(dated[PRIOR], dated[CURRENT], Registration(matrix, 0.3, 0.6, 0.4, 0.1, 0.9))
    assert [line[2] for line in lines(dialog)] == ["on the earlier image only", "on the later image only"]


def test_without_lesions_of_two_studies_there_is_no_table(main_window: WindowOpener, tmp_path: Path) -> None:
    window = opened(main_window, tmp_path, "one", "one")
    dialog = compare(window, (), ())
    assert not dialog.lesions.isVisible()
    assert dialog.lesions.rowCount() == 0


def click(dialog: CompareDialog, line: int) -> None:
    table = dialog.lesions
    item = table.item(line, 1)
    assert item is not None
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualItemRect(item).center())


def test_a_click_shows_a_lesion_at_both_times(main_window: WindowOpener, tmp_path: Path) -> None:
    window = opened(main_window, tmp_path, "one", "one")
    both, gone, new = box((1, 2), (4, 8), (5, 15)), box((0, 1), (40, 44), (40, 44)), box((5, 6), (5, 9), (45, 49))
    dialog = compare(window, (("nodule", both | gone),), (("nodule", both | new),))
    desk = window.room.desk
    dated = {shown.study.date: shown.stack for shown in window.room.all_shown()}
    for line, index in ((1, 0), (2, 5), (0, 1)):
        click(dialog, line)
        assert [viewport.stack for viewport in desk.seen] == [dated[PRIOR], dated[CURRENT]]
        assert [viewport.index for viewport in desk.seen] == [index, index]  # of the one without it, the same place
        selected = window.room.findings.selected
        assert selected is not None
        assert selected.label == "nodule"
    assert desk.active.stack is dated[CURRENT]
    click(dialog, 1)
    assert desk.active.stack is dated[PRIOR]  # where it is


def test_a_click_shows_a_lesion_on_planes_too(main_window: WindowOpener, tmp_path: Path) -> None:
    window = opened(main_window, tmp_path, "one", "one")
    mask = box((1, 3), (4, 8), (5, 15))
    dialog = compare(window, (("nodule", mask),), (("nodule", mask),))
    desk, mpr = window.room.desk, window.room.mpr
    desk.set_layout(Layout.TWO)
    for viewport, date in zip(desk.seen, (CURRENT, PRIOR), strict=True):
        viewport.show(next(shown for shown in window.room.all_shown() if shown.study.date == date))
        mpr.show(viewport, next(s for s in window.room.all_shown() if s.study.date == date), Orientation.CORONAL)
    click(dialog, 0)
    for viewport in desk.seen:
        assert viewport.cut is not None  # stays where it is seen
        cross = mpr.cross(viewport)
        geometry = viewport.cut.of.geometry
        assert cross is not None
        assert geometry is not None
        assert geometry.to_index(cross.centre) == pytest.approx((1.5, 5.5, 9.5))
