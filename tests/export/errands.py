"""What worker processes do in tests: the name of the file says how they behave."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from radviewer.errors import NotSaved
from radviewer.export.batch_worker import Errand
from radviewer.export.own_files import OwnFolder, writer
from radviewer.export.result_files import Options
from radviewer.progress import Progress


def behave(models: Path, _options: Options, errand: Errand, _progress: Progress) -> None:
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
            if (models / "hanging").is_fifo():
                with (models / "hanging").open("w") as pipe:
                    print(os.getpid(), file=pipe, flush=True)
                    threading.Event().wait()
            threading.Event().wait()
        case "half.dcm":
            with OwnFolder(errand.folder).batch() as batch:
                batch.add("model/lung.seg.dcm", writer(b"Mustermann^Max"))
                os.kill(os.getpid(), signal.SIGKILL)
    errand.folder.mkdir(parents=True)
    (errand.folder / "process").write_text(str(os.getpid()))
