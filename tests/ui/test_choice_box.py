from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from radviewer.ui.choice_box import ChoiceBox


def test_keys_choose_in_the_open_list(qtbot: QtBot) -> None:
    """And do again what they do in a viewport when it is closed."""
    desk, box, done = QWidget(), ChoiceBox(), []
    qtbot.addWidget(desk)
    QVBoxLayout(desk).addWidget(box)
    for key in ("Down", "L"):
        action = QAction(key, desk)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _, key=key: done.append(key))
        desk.addAction(action)
    box.addItems(["CT bone", "CT vessels", "Lung"])
    with qtbot.waitExposed(desk):
        desk.show()
    desk.activateWindow()
    qtbot.waitUntil(desk.isActiveWindow)
    for pressed, chosen in ((Qt.Key.Key_Down, "CT vessels"), (Qt.Key.Key_L, "Lung")):
        box.showPopup()
        qtbot.waitUntil(box.view().isVisible)
        QTest.keyClick(box.view(), pressed)
        QTest.keyClick(box.view(), Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: not box.view().isVisible())
        assert box.currentText() == chosen
    assert not done
    desk.setFocus()
    QTest.keyClick(desk, Qt.Key.Key_L)
    assert done == ["L"]
