"""The action table: every command of the program, its keys and its place in the menus.

Menus, tool bar, shortcut editor and cheat sheet are drawn from here; a new command is
one line here and one function in the window.  Defaults follow what readers
know from OHIF, Weasis and Horos.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Scope(Enum):
    """Where a shortcut is heard."""

    WINDOW = "window"  # anywhere in the window: function keys and Ctrl combinations
    VIEWPORT = "viewport"  # only while a viewport has the focus: single letters, arrows, Space


class Group(Enum):
    """Menu of an action; the value is the menu's title."""

    FILE = "&File"
    EDIT = "&Edit"
    NAVIGATE = "&Navigate"
    IMAGE = "&Image"
    CONTRAST = "&Contrast"
    MEASURE = "&Measure"
    OPINION = "&Second opinion"
    VIEW = "&View"
    HELP = "&Help"


@dataclass(frozen=True, slots=True)
class Action:
    """One command.

    Attributes
    ----------
    name : str
        Identifies it in settings; never change it.
    text : str
        In menus, cheat sheet and shortcut editor.
    keys : tuple of str
        Default shortcuts, in Qt's portable notation.
    icon : str
        File name under resources/icons without its ending, or "".
    checkable : bool
    repeats : bool
        Whether holding the key goes on.
    tip : str
        One sentence for the tool tip, or "" to use `text`.
    part_of : str
        Name of the action whose menu holds this one, or "" for the group's own.

    """

    name: str
    text: str
    group: Group
    keys: tuple[str, ...] = ()
    scope: Scope = Scope.VIEWPORT
    icon: str = ""
    checkable: bool = False
    repeats: bool = False
    tip: str = ""
    part_of: str = ""


def _window(
    name: str, text: str, group: Group, *keys: str, icon: str = "", checkable: bool = False, tip: str = ""
) -> Action:
    return Action(name, text, group, keys, Scope.WINDOW, icon, checkable, tip=tip)


def _part(whole: str, name: str, text: str, *keys: str, icon: str = "", checkable: bool = False) -> Action:
    return Action(name, text, Group.VIEW, keys, Scope.WINDOW, icon, checkable, part_of=whole)


def _tool(name: str, text: str, group: Group, *keys: str, icon: str = "", tip: str = "") -> Action:
    return Action(name, text, group, keys, Scope.VIEWPORT, icon, checkable=True, tip=tip)


def _toggle(name: str, text: str, group: Group, *keys: str, tip: str = "") -> Action:
    return Action(name, text, group, keys, Scope.VIEWPORT, checkable=True, tip=tip)


def _move(name: str, text: str, *keys: str) -> Action:
    return Action(name, text, Group.NAVIGATE, keys, Scope.VIEWPORT, repeats=True)


def _image(name: str, text: str, *keys: str, icon: str = "", repeats: bool = False) -> Action:
    return Action(name, text, Group.IMAGE, keys, Scope.VIEWPORT, icon, repeats=repeats)


ACTIONS: tuple[Action, ...] = (
    _window("open-folder", "Open folder…", Group.FILE, "Ctrl+O", icon="open", tip="Open a folder with DICOM files"),
    _window("open-file", "Open file, DICOMDIR or .zip…", Group.FILE, "Ctrl+Shift+O"),
    _window("open-last", "Open the last folder again", Group.FILE, "F5"),
    _window("open-demo", "Open the demo study", Group.FILE),
    _window("save-picture", "Save a picture of this viewport", Group.FILE, "Ctrl+S"),
    _window("save-pictures", "Save pictures of all viewports", Group.FILE, "Ctrl+Alt+S"),
    _window("save-picture-set", "Save pictures of all findings and key images", Group.FILE, "Ctrl+Alt+K"),
    _window("copy-picture", "Copy a picture of this viewport", Group.FILE, "Ctrl+C"),
    _window("report", "Report…", Group.FILE, "Ctrl+P", tip="Write a report of this study, as PDF and HTML"),
    _window("export-dicom", "Export the reading as DICOM", Group.FILE, "Ctrl+E"),
    _window("apply-presentation", "Apply the presentation states beside the images", Group.FILE),
    _window("close-study", "Close study", Group.FILE, "Ctrl+W"),
    _window("cancel-work", "Cancel reading", Group.FILE, "Ctrl+."),
    _window("quit", "Quit", Group.FILE, "Ctrl+Q"),
    _window("undo", "Undo", Group.EDIT, "Ctrl+Z", icon="undo"),
    _window("redo", "Redo", Group.EDIT, "Ctrl+Shift+Z", "Ctrl+Y", icon="redo"),
    Action("delete-mark", "Delete selected mark", Group.EDIT, ("Del", "Backspace")),
    _window("settings", "Settings…", Group.EDIT, "Ctrl+,"),
    _window("shortcuts", "Keyboard shortcuts…", Group.EDIT, "Ctrl+K"),
    _move("previous-image", "Previous image", "Up"),
    _move("next-image", "Next image", "Down"),
    _move("back-10", "10 images back", "Shift+Up"),
    _move("forward-10", "10 images forward", "Shift+Down"),
    _move("first-image", "First image", "Home"),
    _move("last-image", "Last image", "End"),
    _move("previous-series", "Previous series", "PgUp"),
    _move("next-series", "Next series", "PgDown"),
    _move("next-marked", "Next image with a mark", "N"),
    Action("cine", "Cine", Group.NAVIGATE, ("C",), icon="cine", checkable=True),
    _move("cine-faster", "Cine faster", "]"),
    _move("cine-slower", "Cine slower", "["),
    Action("key-image", "Key image", Group.NAVIGATE, ("K",), icon="key-image", checkable=True),
    _tool("tool-window", "Window/level", Group.IMAGE, "W", icon="window", tip="Drag: right widens, up brightens"),
    _tool("tool-zoom", "Zoom", Group.IMAGE, "Z", icon="zoom"),
    _tool("tool-pan", "Pan", Group.IMAGE, "T", icon="pan"),
    _tool("tool-scroll", "Scroll", Group.IMAGE, "S", icon="scroll"),
    _tool("tool-probe", "Pixel probe", Group.IMAGE, "P", icon="probe"),
    _tool("tool-crosshair", "Cross-hair of planes", Group.IMAGE, "Shift+C", tip="Click: all planes go there"),
    _image("fit", "Fit to window", "Ctrl+0", icon="fit"),
    _image("one-to-one", "One image pixel to one screen pixel", "Ctrl+1"),
    _image("zoom-in", "Zoom in", "+", "=", repeats=True),
    _image("zoom-out", "Zoom out", "-", repeats=True),
    _image("rotate-right", "Rotate right", "R", icon="rotate-right"),
    _image("rotate-left", "Rotate left", "L", icon="rotate-left"),
    _image("flip-horizontal", "Flip left–right", "H", icon="flip-horizontal"),
    _image("flip-vertical", "Flip top–bottom", "V", icon="flip-vertical"),
    Action("invert", "Invert grey", Group.IMAGE, ("I",), icon="invert", checkable=True),
    Action("smooth", "Smooth pixels", Group.IMAGE, ("Ctrl+I",), checkable=True),
    _image("reset", "Reset view and window", "Esc", icon="reset"),
    Action("preset-0", "The image's own window", Group.CONTRAST, ("0",)),
    *(Action(f"preset-{n}", f"Window preset {n}", Group.CONTRAST, (str(n),)) for n in range(1, 10)),
    Action("window-wider", "Window wider", Group.CONTRAST, ("Ctrl+Right",), repeats=True),
    Action("window-narrower", "Window narrower", Group.CONTRAST, ("Ctrl+Left",), repeats=True),
    Action("window-brighter", "Brighter", Group.CONTRAST, ("Ctrl+Up",), repeats=True),
    Action("window-darker", "Darker", Group.CONTRAST, ("Ctrl+Down",), repeats=True),
    Action("step-clahe", "Local contrast (CLAHE)", Group.CONTRAST, ("Alt+1",), checkable=True),
    Action("step-unsharp", "Sharpen (unsharp mask)", Group.CONTRAST, ("Alt+2",), checkable=True),
    Action("step-median", "Denoise (median)", Group.CONTRAST, ("Alt+3",), checkable=True),
    Action("step-nlm", "Denoise (non-local means)", Group.CONTRAST, ("Alt+4",), checkable=True),
    Action("steps-clear", "Remove contrast aids", Group.CONTRAST, ("Alt+0",)),
    Action("measure-menu", "Measure…", Group.MEASURE, ("M",)),
    _tool("tool-length", "Length", Group.MEASURE, "D", icon="length"),
    _tool("tool-angle", "Angle", Group.MEASURE, "A", icon="angle"),
    _tool("tool-cobb", "Cobb angle", Group.MEASURE, "B", icon="cobb"),
    _tool("tool-rectangle", "Rectangle ROI", Group.MEASURE, "Q", icon="rectangle"),
    _tool("tool-ellipse", "Ellipse ROI", Group.MEASURE, "O", icon="ellipse"),
    _tool("tool-freehand", "Freehand ROI", Group.MEASURE, "F", icon="freehand"),
    _tool("tool-arrow", "Arrow and text", Group.MEASURE, "Y", icon="arrow"),
    _window("run-opinion", "Run the second opinion", Group.OPINION, "Ctrl+Return"),
    _window("cancel-opinion", "Cancel the second opinion", Group.OPINION),
    _window("impression", "Lock impression…", Group.OPINION, "Ctrl+J"),
    Action("next-finding", "Next finding", Group.OPINION, (".",), repeats=True),
    Action("previous-finding", "Previous finding", Group.OPINION, (",",), repeats=True),
    Action("accept-finding", "Accept the selected finding", Group.OPINION, ("Return", "Enter")),
    Action("reject-finding", "Reject the selected finding…", Group.OPINION, ("X",)),
    Action("edit-finding", "Edit the selected outline", Group.OPINION, ("E",), checkable=True),
    Action("withdraw-decision", "Take the decision back", Group.OPINION, ("Shift+X",)),
    Action("accept-anatomy", "Accept all outlines of the anatomy", Group.OPINION),
    _tool("tool-missed", "AI missed this", Group.OPINION, "J", tip="Click or draw what no model has found"),
    _toggle("toggle-overlays", "Overlays", Group.OPINION, "G", tip="All overlays of the second opinion; hold to peek"),
    _toggle("toggle-heatmap", "Heatmap of the selected finding", Group.OPINION, "Shift+G"),
    _toggle("toggle-fill", "Fill outlines", Group.OPINION, "Alt+G"),
    _window("compare-images", "Compare images of this patient…", Group.OPINION, "Ctrl+Shift+C"),
    _window("session-summary", "Summary of this session…", Group.OPINION, "Ctrl+Shift+Y"),
    _window("decision-log", "Decision log…", Group.OPINION),
    _window("model-cards", "Models…", Group.OPINION),
    _window("layout-1x1", "One viewport", Group.VIEW, "F2", icon="layout-1x1", checkable=True),
    _window("layout-1x2", "Two viewports", Group.VIEW, "F3", icon="layout-1x2", checkable=True),
    _window("layout-2x2", "Four viewports", Group.VIEW, "F4", icon="layout-2x2", checkable=True),
    _window("layouts", "More layouts", Group.VIEW, icon="layouts", tip="More layouts"),
    _part("layouts", "layout-2x1", "Two viewports, one above the other", "Shift+F3", icon="layout-2x1", checkable=True),
    _part("layouts", "layout-1x3", "Three viewports", "Shift+F2", icon="layout-1x3", checkable=True),
    _part("layouts", "layout-2x3", "Six viewports", "Shift+F4", icon="layout-2x3", checkable=True),
    _window("hanging", "Hanging protocol", Group.VIEW),
    _part("hanging", "hanging-automatic", "Choose automatically when a study opens", checkable=True),
    _part("hanging", "hanging-edit", "Edit hanging protocols…"),
    _window(
        "planes",
        "Planes: axial, coronal, sagittal (MPR)",
        Group.VIEW,
        "F7",
        icon="planes",
        checkable=True,
        tip="Planes through the volume, linked by a cross-hair",
    ),
    _window("volume-3d", "This volume in 3D", Group.VIEW, "F8", checkable=True),
    _window("planes-menu", "Planes and slabs", Group.VIEW),
    _part("planes-menu", "plane-axial", "Axial plane in this viewport", checkable=True),
    _part("planes-menu", "plane-coronal", "Coronal plane in this viewport", checkable=True),
    _part("planes-menu", "plane-sagittal", "Sagittal plane in this viewport", checkable=True),
    _part("planes-menu", "slab-mip", "Slab: greatest values (MIP)", "Alt+Shift+M", checkable=True),
    _part("planes-menu", "slab-minip", "Slab: least values (MinIP)", "Alt+Shift+I", checkable=True),
    _part("planes-menu", "slab-mean", "Slab: mean", "Alt+Shift+A", checkable=True),
    _part("planes-menu", "slab-thicker", "Thicker slab", "Alt+]"),
    _part("planes-menu", "slab-thinner", "Thinner slab", "Alt+["),
    _part("planes-menu", "planes-reset", "Planes along the volume again, without slab", "Shift+F7"),
    _window("next-viewport", "Next viewport", Group.VIEW, "F6"),
    _window("previous-viewport", "Previous viewport", Group.VIEW, "Shift+F6"),
    _window("link", "Linked scrolling", Group.VIEW, "Ctrl+L", icon="link", checkable=True),
    _window("side-by-side", "Side by side", Group.VIEW),
    _part("side-by-side", "link-here", "Link the two viewports here", "Ctrl+Shift+L"),
    _part("side-by-side", "register", "Register the active series to…", "Ctrl+Shift+R"),
    _part("side-by-side", "unlink", "Unlink"),
    _part("side-by-side", "blend", "Blend with registered series", "Ctrl+B", checkable=True),
    _part("side-by-side", "checkerboard", "Checkerboard with registered series", "Ctrl+Alt+B", checkable=True),
    _part("side-by-side", "fusion-more", "More of the other series, smaller squares", "Ctrl+Shift+Right"),
    _part("side-by-side", "fusion-less", "Less of the other series, larger squares", "Ctrl+Shift+Left"),
    _part("side-by-side", "fusion-off", "This series alone"),
    _window("reference-lines", "Reference lines", Group.VIEW, "Ctrl+R", icon="reference-lines", checkable=True),
    Action("density", "Annotation density: full, anonymous, none", Group.VIEW, ("Space",)),
    _window("panel-studies", "Studies", Group.VIEW, "Ctrl+Shift+B", icon="studies", checkable=True),
    _window("panel-histogram", "Histogram", Group.VIEW, "Ctrl+Shift+H", icon="histogram", checkable=True),
    _window("panel-marks", "Marks and key images", Group.VIEW, "Ctrl+Shift+M", icon="marks", checkable=True),
    _window("panel-findings", "Second opinion", Group.VIEW, "Ctrl+Shift+A", icon="opinion", checkable=True),
    _window("panel-skipped", "Skipped files", Group.VIEW, "Ctrl+Shift+S"),
    _window("notices", "Notices", Group.VIEW, "Ctrl+Shift+N"),
    _window("tags", "DICOM tags…", Group.VIEW, "Ctrl+T", icon="tags"),
    _window("full-screen", "Full screen", Group.VIEW, "F11", checkable=True),
    _window("cheat-sheet", "Keys and mouse", Group.HELP, "F1", icon="help"),
    _window("about", "About radviewer", Group.HELP),
)
"""All commands, in menu order."""

BEGINS_SECTION = frozenset(
    {
        "save-picture", "close-study", "quit", "delete-mark", "settings",
        "previous-series", "next-marked", "cine", "key-image",
        "fit", "rotate-right", "invert", "reset",
        "window-wider", "step-clahe", "tool-length",
        "next-finding", "accept-finding", "tool-missed", "toggle-overlays", "compare-images",
        "next-viewport", "link", "density", "panel-studies", "panel-skipped", "full-screen", "about",
    }
)  # fmt: skip
"""Actions with a line above them in menus, and before them in the tool bar."""


@dataclass(frozen=True, slots=True)
class MouseHint:
    """One line of the cheat sheet's mouse part."""

    gesture: str
    text: str


MOUSE: tuple[MouseHint, ...] = (
    MouseHint("Wheel", "Image ±1 under the pointer"),
    MouseHint("Left drag", "The chosen tool; window/level at first"),
    MouseHint("Middle drag", "Pan"),
    MouseHint("Right drag, Ctrl+wheel", "Zoom"),
    MouseHint("Right click", "Menu"),
    MouseHint("Double click", "One viewport / all viewports"),
    MouseHint("Shift+move", "Cross-hair in all linked viewports"),
)


def clashes(keys: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Find shortcuts given to more than one action.

    Parameters
    ----------
    keys : dict
        Action name → its shortcuts in portable notation.

    Returns
    -------
    dict
        Shortcut → names of the actions that claim it, two or more.

    """
    owners: dict[str, list[str]] = {}
    for name, shortcuts in keys.items():
        for shortcut in shortcuts:
            owners.setdefault(shortcut.casefold(), []).append(name)
    return {shortcut: names for shortcut, names in owners.items() if len(names) > 1}


def keys_in_force(changed: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Shortcuts of every action: the reader's (as settings keep them), else the defaults."""
    return {action.name: tuple(changed.get(action.name, action.keys)) for action in ACTIONS}
