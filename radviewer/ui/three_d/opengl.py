"""OpenGL off the screen: whether there is any, a window to render into, and where VTK's messages go."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import radviewer
from radviewer.progress import Progress

_LOG = logging.getLogger(__name__)
_PATIENCE = 60.0  # seconds; a cold disk reads VTK's libraries for some
_GLANCE = 0.1  # seconds between looks whether a trial is still wanted
_LONGEST = 300  # characters of a message
_ADDRESS = re.compile(r" \(0x[0-9a-f]+\)")

MISSING = (
    "3D needs OpenGL, which does not work on this computer. Images in planes are not affected. Install the graphics "
    "driver or Mesa's software renderer (package libgl1-mesa-dri) and open the view again."
)


@cache
def redirect_messages() -> None:
    """Send what VTK has to say to Python's log, not to stderr.

    Its messages name classes and files of VTK, never data.
    """
    from vtkmodules.vtkCommonCore import vtkCommand, vtkLogger, vtkOutputWindow

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    output = vtkOutputWindow.GetInstance()
    output.SetDisplayModeToNever()
    for event, level in ((vtkCommand.ErrorEvent, logging.ERROR), (vtkCommand.WarningEvent, logging.WARNING)):
        output.AddObserver(event, _Writer(level))


class _Writer:
    """Writes VTK's messages of one level into the log."""

    CallDataType = "string0"  # by this VTK hands the text over

    def __init__(self, level: int) -> None:
        self._level = level

    def __call__(self, _output: object, _event: str, text: str) -> None:
        _LOG.log(self._level, "VTK: %s", _ADDRESS.sub("", " ".join(text.split()))[:_LONGEST])


def render_window() -> Any:
    """A window that is never on the screen; on Linux without a display, of EGL (it needs none)."""
    redirect_messages()
    from vtkmodules import vtkRenderingOpenGL2, vtkRenderingVolumeOpenGL2
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    assert vtkRenderingVolumeOpenGL2  # imported for what it registers
    egl = getattr(vtkRenderingOpenGL2, "vtkEGLRenderWindow", None)
    window = egl() if egl is not None and not os.environ.get("DISPLAY") else vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    return window


def problem(progress: Progress, environment: Mapping[str, str] | None = None) -> str | None:
    """Why nothing can be rendered, a sentence for the reader; None when all is well.

    A broken OpenGL ends the process that first uses it, so another process tries; it ends when `progress` is
    cancelled.

    Raises
    ------
    Cancelled

    """
    package = Path(radviewer.__file__).resolve().parent.parent
    variables = {**(os.environ if environment is None else environment), "PYTHONPATH": str(package)}
    script = "from radviewer.ui.three_d.opengl import _try; _try()"
    nothing = subprocess.DEVNULL
    try:
        with subprocess.Popen(
            [sys.executable, "-P", "-c", script], env=variables, stdin=nothing, stdout=nothing, stderr=nothing
        ) as trial:
            status = _ended(trial, progress)
    except (OSError, subprocess.TimeoutExpired) as error:
        _LOG.info("OpenGL could not be tried: %s", type(error).__name__)
        return MISSING
    if status:
        _LOG.info("OpenGL does not work: a trial ended with %d", status)
    return MISSING if status else None


def _ended(trial: subprocess.Popen[bytes], progress: Progress) -> int:
    """Exit status of a trial; it is killed when it takes too long or is no longer wanted."""
    try:
        for _ in range(round(_PATIENCE / _GLANCE)):
            progress.check()
            with suppress(subprocess.TimeoutExpired):
                return trial.wait(_GLANCE)
        raise subprocess.TimeoutExpired(trial.args, _PATIENCE)
    finally:
        trial.kill()


_known: list[str | None] = []


def known_problem(progress: Progress) -> str | None:
    """`problem` of this process's environment, found once."""
    if not _known:
        _known.append(problem(progress))
    return _known[0]


def _try() -> None:
    """Render one bright picture and look at it; anything but exit status 0 means that it did not work."""
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
    from vtkmodules.vtkRenderingCore import vtkRenderer

    window = render_window()
    renderer = vtkRenderer()
    renderer.SetBackground(1, 1, 1)
    window.AddRenderer(renderer)
    window.SetSize(8, 8)
    window.Render()
    seen = vtkUnsignedCharArray()
    window.GetRGBACharPixelData(0, 0, 7, 7, 0, seen)
    bright = seen.GetNumberOfValues() == 256 and seen.GetValue(0) == 255
    window.Finalize()
    sys.exit(0 if bright else 1)
