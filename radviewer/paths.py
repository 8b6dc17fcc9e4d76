"""Where things lie: the only module that knows.

``resources/`` and ``models/`` sit beside the package in a source tree and
inside it (``radviewer/_data/``) once installed from a wheel.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent


def _bundled(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def resources() -> Path:
    """Folder of icons, theme, presets and other tables."""
    return _bundled("resources")


def models() -> Path:
    """Folder with one sub-folder per bundled model."""
    return _bundled("models")


def user_data() -> Path:
    """Folder for the reader's work (created on first use).

    ``RADVIEWER_HOME`` overrides the platform's choice (tests, portable installs).
    """
    override = os.environ.get("RADVIEWER_HOME")
    folder = Path(override) if override else Path(platformdirs.user_data_dir("radviewer"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def user_cache() -> Path:
    """Folder for what can be made again (not created); under ``RADVIEWER_HOME`` where that is set."""
    override = os.environ.get("RADVIEWER_HOME")
    return Path(override) / "cache" if override else Path(platformdirs.user_cache_dir("radviewer"))


def demo_study() -> Path:
    """Folder in which the demo study is written at first use."""
    return user_data() / "demo"
