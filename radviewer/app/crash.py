"""What happens to a fault nobody foresaw: a report without patient data, and a sentence.

A report holds the kind of the error and the lines of code it passed through, but
not its message: messages of libraries may quote names, paths or values of a file.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from radviewer import __version__, paths

_KEPT = 20  # reports; older ones are removed


def describe(error: BaseException) -> str:
    """Kind and stack of an error, and of what caused it, without any message."""
    lines: list[str] = []
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            break
        lines.append(type(current).__qualname__)
        for entry in traceback.extract_tb(current.__traceback__):
            lines.append(f"  {Path(entry.filename).name}:{entry.lineno} in {entry.name}")
        current = current.__cause__ or current.__context__
    return "\n".join(lines)


def write_report(error: BaseException) -> Path | None:
    """Write a report; None when the disk does not take it."""
    try:
        folder = paths.user_data() / "crash-reports"
        folder.mkdir(exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        target = folder / f"{stamp}-{os.getpid()}.txt"
        target.write_text(f"radviewer {__version__}, Python {sys.version}\n{describe(error)}\n", encoding="utf-8")
        for old in sorted(folder.glob("*.txt"))[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return target


def sentence(error: BaseException, doing: str) -> str:
    """What the reader is told of an unforeseen fault while `doing` something."""
    if isinstance(error, MemoryError):
        return f"There is not enough memory for {doing}. Close other series or programs and try again."
    report = write_report(error)
    where = f" A report without patient data is in {report}." if report else ""
    return f"radviewer met an internal fault ({type(error).__name__}) while {doing}. Reading can go on.{where}"


def install(show: Callable[[str], None]) -> None:
    """Report faults of the GUI thread and of other threads, and `show` a sentence.

    `show` is called in the thread that failed; the window passes a signal's `emit`.
    """

    def on_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        print(describe(error), file=sys.stderr)
        show(sentence(error, "working"))

    def on_thread_fault(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            on_fault(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = on_fault
    threading.excepthook = on_thread_fault
