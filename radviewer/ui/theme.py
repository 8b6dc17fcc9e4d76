"""The window's look: colours and style sheet under resources/theme, on Qt's Fusion style."""

from __future__ import annotations

import re
import tomllib
from functools import cache

from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from radviewer import paths
from radviewer.errors import BadResource
from radviewer.render.lettering import load_fonts

_ROLES = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "field",
    QPalette.ColorRole.AlternateBase: "window",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "muted",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "selected_text",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Highlight: "selected",
    QPalette.ColorRole.HighlightedText: "selected_text",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.Light: "hover",
    QPalette.ColorRole.Mid: "line",
    QPalette.ColorRole.Dark: "field",
    QPalette.ColorRole.Shadow: "desk",
    QPalette.ColorRole.Accent: "accent",
}
_FADED = (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText)


@cache
def colours() -> dict[str, str]:
    """Colours by name, as ``#rrggbb``.

    Raises
    ------
    BadResource
        The table has an entry that is no colour.

    """
    path = paths.resources() / "theme" / "dark.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, value in table.items():
        if not (isinstance(value, str) and re.fullmatch("#[0-9a-f]{6}", value)):
            raise BadResource(f"{path} has no colour of the form #rrggbb for '{name}'.")
    return table


def colour(name: str) -> QColor:
    """One colour of the theme."""
    return QColor(colours()[name])


def icon(name: str) -> QIcon:
    """One of the program's drawn icons, sharp at any size."""
    return QIcon(str(paths.resources() / "icons" / f"{name}.svg"))


def style_sheet() -> str:
    """Qt style sheet with the colours filled in.

    Raises
    ------
    BadResource
        It names a colour that the table lacks.

    """
    path = paths.resources() / "theme" / "dark.qss"

    def fill(match: re.Match[str]) -> str:
        if match[1] not in colours():
            raise BadResource(f"{path} uses a colour '{match[1]}' that is not in dark.toml.")
        return colours()[match[1]]

    icons = (paths.resources() / "icons").as_posix()
    sheet = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub("@([a-z_]+)@", fill, sheet.replace("@icons@", icons))


def apply(application: QApplication) -> None:
    """Dress the program."""
    load_fonts()
    application.setStyle("Fusion")
    palette = QPalette()
    for role, name in _ROLES.items():
        palette.setColor(role, colour(name))
    for role in _FADED:
        palette.setColor(QPalette.ColorGroup.Disabled, role, colour("disabled"))
    application.setPalette(palette)
    application.setStyleSheet(style_sheet())
    application.setWindowIcon(icon("radviewer"))
