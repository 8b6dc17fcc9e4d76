"""The reader's settings: one small JSON file, written atomically as they change."""

from __future__ import annotations

import getpass
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from radviewer import paths
from radviewer.app.layouts import Layout
from radviewer.domain.decision import Policy
from radviewer.errors import NotSaved

_RETRY_MS = 5_000
MOST_HANGINGS = 1_000
"""Kinds of study whose hanging protocol is remembered."""

_LONGEST_HANGING = 200


def _system_account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user id
        return ""


def _is_keys(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        for name, keys in value.items()
    )


def _is_hangings(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MOST_HANGINGS
        and all(isinstance(kind, str) and isinstance(name, str) for kind, name in value.items())
        and all(len(text) <= _LONGEST_HANGING for pair in value.items() for text in pair)
    )


def _one_of(*allowed: str) -> Callable[[object], bool]:
    return lambda value: value in allowed


def _text(most: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and len(value) <= most


def _number(low: float, high: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _flag(value: object) -> bool:
    return isinstance(value, bool)


@dataclass(frozen=True)
class Settings:
    """Everything that is kept from one start to the next."""

    reader: str = field(default_factory=_system_account)
    shortcuts: dict[str, list[str]] = field(default_factory=dict)  # only what differs from the table
    density: str = "full"
    layout: str = "1x1"
    hang_automatically: bool = True  # a study that is opened is laid out by the first protocol that fits it
    hanging: dict[str, str] = field(default_factory=dict)  # kind of study → protocol the reader chose, "" for none
    linked: bool = True
    reference_lines: bool = True
    smooth: bool = True
    cine_rate: float = 15.0  # images per second where the file names none
    policy: str = "on request"  # of the second opinion (`domain.decision.Policy`)
    hasty_seconds: float = 2.0  # a decision about a finding that was faster gets a gentle word
    memory_share: float = 0.5  # of the computer's memory, for decoded images
    last_folder: str = ""
    picture_folder: str = ""  # of pictures of viewports; "" is the system's
    picture_patient: str = "anonymous"  # how much of the patient they show
    picture_size: str = "screen"  # what `picture_scale` multiplies; or "width"
    picture_scale: float = 1.0
    picture_width: int = 1600  # pixels
    picture_format: str = "png"
    picture_rejected: bool = False  # whether they show rejected findings too
    window_state: str = ""  # Qt's saveGeometry and saveState, base64


_VALID: dict[str, Callable[[object], bool]] = {
    "reader": _text(100),
    "shortcuts": _is_keys,
    "density": _one_of("full", "anonymous", "none"),
    "layout": _one_of(*(layout.value for layout in Layout)),
    "hang_automatically": _flag,
    "hanging": _is_hangings,
    "linked": _flag,
    "reference_lines": _flag,
    "smooth": _flag,
    "cine_rate": _number(1, 60),
    "policy": _one_of(*(policy.value for policy in Policy)),
    "hasty_seconds": _number(0, 60),
    "memory_share": _number(0.05, 0.9),
    "last_folder": _text(4096),
    "picture_folder": _text(4096),
    "picture_patient": _one_of("full", "initials", "anonymous", "none"),
    "picture_size": _one_of("screen", "native", "width"),
    "picture_scale": _number(0.25, 4),
    "picture_width": _number(200, 8000),
    "picture_format": _one_of("png", "tiff"),
    "picture_rejected": _flag,
    "window_state": _text(200_000),
}


def write_atomically(target: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, meets the old one or the new one.

    Raises
    ------
    NotSaved
        Disk full, no permission, …; the old file is untouched.

    """
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise NotSaved(
            f"{target} could not be written: {error.strerror or error}. "
            "Free some space or check the folder's permissions."
        ) from error


def parse(data: bytes) -> tuple[Settings, tuple[str, ...]]:
    """Read settings; what is wrong is left at its default and named in a sentence."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return Settings(), ("The settings file is not valid JSON; the defaults are used.",)
    if not isinstance(raw, dict):
        return Settings(), ("The settings file does not hold settings; the defaults are used.",)
    good: dict[str, Any] = {}
    problems: list[str] = []
    for entry in fields(Settings):
        if entry.name in raw:
            if _VALID[entry.name](raw[entry.name]):
                good[entry.name] = raw[entry.name]
            else:
                problems.append(f"The setting '{entry.name}' has an invalid value; its default is used.")
    return Settings(**good), tuple(problems)


class SettingsFile(QObject):
    """The settings in force, kept on disk.  What cannot be written is told once, and tried again."""

    changed = Signal(object)  # Settings
    not_saved = Signal(str)
    saved_again = Signal()

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = paths.user_data() / "settings.json" if path is None else path
        self.problems: tuple[str, ...] = ()
        self.owed = False  # whether the file lags behind `now`
        self._retry = QTimer(self)
        self._retry.setInterval(_RETRY_MS)
        self._retry.timeout.connect(self.flush)
        self.now = self._read()

    def change(self, **values: Any) -> None:
        """Change some settings, write the file, tell everybody.

        A full disk is told by `not_saved`; the new values hold until the program ends.
        """
        new = replace(self.now, **values)
        for entry in fields(Settings):
            if not _VALID[entry.name](getattr(new, entry.name)):
                raise ValueError(f"invalid value for the setting {entry.name}")
        if new == self.now:
            return
        self.now = new
        self._write()
        self.changed.emit(new)

    def flush(self) -> None:
        """Try again to write what is owed."""
        if self.owed:
            self._write()

    def _write(self) -> None:
        data = json.dumps(asdict(self.now), indent=1).encode()
        told = self.owed
        try:
            write_atomically(self._path, data)
        except NotSaved as error:
            self.owed = True
            self._retry.start()
            if not told:
                self.not_saved.emit(str(error))
        else:
            self.owed = False
            self._retry.stop()
            if told:
                self.saved_again.emit()

    def _read(self) -> Settings:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            self.problems = (f"{self._path} could not be read: {error.strerror}. The defaults are used.",)
            return Settings()
        settings, self.problems = parse(data)
        if self.problems:
            self.problems += self._keep_damaged(data)
        return settings

    def _keep_damaged(self, data: bytes) -> tuple[str, ...]:
        """Copy what is about to be replaced: shortcuts are worth mending by hand."""
        kept = self._path.with_name(f"{self._path.stem}-damaged{self._path.suffix}")
        try:
            write_atomically(kept, data)
        except NotSaved:
            return ()
        return (f"The settings file as it was is kept as {kept}.",)
