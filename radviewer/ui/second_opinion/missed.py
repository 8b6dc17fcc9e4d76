"""Asks what the reader has found that no model has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.domain.decision import Spot
from radviewer.domain.measurement import Point
from radviewer.domain.opinion import Mask
from radviewer.domain.reformat import Reformat
from radviewer.errors import NotSaved
from radviewer.ui.choice_menu import ChoiceMenu
from radviewer.ui.dialogs.words import WordsDialog
from radviewer.ui.second_opinion.row_list import capital


def ask_missed(
    parent: QWidget, room: ReadingRoom, viewport: Viewport, spot: Spot, drawn: tuple[Point, ...]
) -> QMenu | None:
    """Offer the labels that models look for, and words of the reader's own."""
    shown, cut = viewport.subject, viewport.cut
    if shown is None:
        return None
    if cut is not None:  # a place in the volume; what was drawn lies on no slice of it
        spot, drawn = _in_volume(cut, spot), ()

    def add(label: str) -> None:
        try:
            mask = room.opinion_store.save_mask(_mask(shown.stack.shape, spot[0], drawn)) if drawn else None
        except NotSaved as error:
            room.notice.emit(str(error))
            return
        room.findings.select(room.findings.add_missed(shown, label, "", spot, mask))

    menu = ChoiceMenu("AI missed this: what is it?", parent)
    for number, label in enumerate(room.opinion.labels_for(shown), 1):
        action = menu.addAction(f"&{number}  {capital(label)}")
        action.setObjectName(label)
        action.triggered.connect(partial(_add, add, label))
    other = menu.addAction("&0  Something else…")
    other.setObjectName("other")
    other.triggered.connect(partial(_ask_label, parent, add))
    menu.popup(QCursor.pos())
    return menu


def _in_volume(cut: Reformat, spot: Spot) -> Spot:
    """The voxel of the series nearest to a place on one of the planes cut through it."""
    geometry = cut.of.geometry
    if geometry is None:
        raise ValueError("planes without a grid")
    place = geometry.to_index(cut.planes.grid(spot[0]).plane.to_patient(*spot[1:]))
    index, row, column = (min(max(v, 0.0), n - 1.0) for v, n in zip(place, geometry.shape, strict=True))
    return (round(index), row, column)


def _add(add: Callable[[str], None], label: str, _checked: bool = False) -> None:
    add(label)


def _ask_label(parent: QWidget, add: Callable[[str], None], _checked: bool = False) -> None:
    dialog = WordsDialog("AI missed this", "What is it?", "Mark it", parent)
    dialog.accepted.connect(lambda: add(dialog.text.lower()))
    dialog.open()


def _mask(shape: tuple[int, int, int], index: int, drawn: tuple[Point, ...]) -> Mask:
    """Pixels inside an outline of ``(row, column)`` points on one slice."""
    mask = np.zeros(shape, np.bool_)
    inside = np.zeros(shape[1:], np.uint8)
    points = np.rint([(column, row) for row, column in drawn]).astype(np.int32)
    cv2.fillPoly(inside, [points], (1,))
    mask[index] = inside > 0
    return mask
