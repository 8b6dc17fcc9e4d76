"""The command line: open the window, or one of the commands (argparse).

Exit status: 0 done, 1 nothing usable was found or an input was refused as a
whole, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from radviewer import __version__
from radviewer.errors import RadviewerError
from radviewer.progress import Progress

DONE, NOTHING, WRONG_USAGE = 0, 1, 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if argv and argv[0] in COMMANDS:
            return COMMANDS[argv[0]](argv[1:])
        return _window(argv)
    except RadviewerError as error:
        print(f"radviewer: {error}", file=sys.stderr)
        return NOTHING
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away (`| head`): nothing is wrong, but stdout must not be flushed again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _window(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="radviewer",
        description="A radiologist's desktop viewer with an AI second opinion. For research use only.",
        epilog="Commands: " + ", ".join(f"radviewer {name}" for name in COMMANDS) + " (each has its own --help).",
    )
    parser.add_argument("folder", nargs="?", type=Path, help="a folder, a DICOMDIR, a .zip or a single file to open")
    parser.add_argument("--demo", action="store_true", help="open the demo study")
    parser.add_argument("--version", action="version", version=f"radviewer {__version__}")
    chosen = parser.parse_args(argv)
    if chosen.demo and chosen.folder is not None:
        parser.error("open a folder or the demo study, not both")
    from radviewer.ui.main import run  # Qt is imported only when there is a window to open

    return run(chosen.folder, chosen.demo)


def _scan(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="radviewer scan", description="List the studies in a folder.")
    parser.add_argument("folder", type=Path, help="a folder, a DICOMDIR, a .zip or a single file")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    chosen = parser.parse_args(argv)
    from radviewer.dicom.listing import listing, summary
    from radviewer.dicom.scan import scan
    from radviewer.domain.study import ScanResult

    problem = ""
    try:
        result = scan(chosen.folder, _terminal_progress())
    except RadviewerError as error:
        result, problem = ScanResult(chosen.folder, (), (), ()), str(error)
    if not problem and not result.studies:
        problem = f"No image was found in {chosen.folder}."
    _write(json.dumps(listing(result), ensure_ascii=False, indent=1) if chosen.json else summary(result))
    if problem:
        print(f"radviewer: {problem}", file=sys.stderr)
    return NOTHING if problem else DONE


def _write(text: str) -> None:
    """Print as UTF-8 whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def _terminal_progress() -> Progress:
    """Progress on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        return Progress()

    def report(done: int, total: int, text: str) -> None:
        if done % 100 == 0 or done == total:
            end = "\r" if done != total else "\n"
            print(f"{text} {done:,}" + (f" of {total:,}" if total else ""), end=end, file=sys.stderr, flush=True)

    return Progress(report)


COMMANDS: dict[str, Callable[[list[str]], int]] = {"scan": _scan}

if __name__ == "__main__":
    sys.exit(main())
