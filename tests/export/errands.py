"""What worker processes do in tests: the name of the file says how they behave."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from radviewer.errors import NotSaved
from radviewer.export.lanes import Errand
from radviewer.export.result_files import Options


def behave(models: Path, _options: Options, errand: Errand) -> None:
    """Write the process's id, or misbehave."""
    match errand.stack.frames[0].file.location.name:
        case "killed.dcm":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exits.dcm":
            os._exit(3)
        case "raises.dcm":
            raise KeyError("Mustermann^Max")
        case "explains.dcm":
            raise NotSaved("The disk is full.")
        case "memory.dcm":
            raise MemoryError
        case "hangs.dcm":
            (models / "hangs").touch()
            threading.Event().wait()
    errand.folder.mkdir(parents=True)
    (errand.folder / "process").write_text(str(os.getpid()))
