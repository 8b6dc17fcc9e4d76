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
from typing import TYPE_CHECKING

from radviewer import __version__, paths
from radviewer.errors import NothingToRead, NotSaved, RadviewerError
from radviewer.progress import Progress

if TYPE_CHECKING:
    from radviewer.domain.study import ScanResult
    from radviewer.export.read_folder import Reading

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
        _complain(str(error))
        return NOTHING
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away (`| head`): nothing is wrong, but stdout must not be flushed again
        _give_up_stdout()
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
    if not _has_display():
        return _without_display(chosen.folder, chosen.demo)
    from radviewer.ui.main import run  # Qt is imported only when there is a window to open

    return run(chosen.folder, chosen.demo)


def _has_display() -> bool:
    """Whether Qt can open a window."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(os.environ.get(name) for name in names)


def _without_display(folder: Path | None, demo: bool) -> int:
    """Read what would have been opened, run the models on it, and say in which files the results lie."""
    if demo:
        from radviewer.dicom.demo import write_demo_study

        folder = write_demo_study(_terminal_progress())
    if folder is None:
        raise NothingToRead("There is no display to open a window on. Name a folder to have it read all the same.")
    from radviewer.export.own_files import write_whole

    result, problem = _read(folder)
    target = paths.user_data() / "without-display" / "scan.json"
    write_whole(target, _encode(_to_json(result)))
    said = f"There is no display, so no window was opened. What {folder} holds was written to {target}"
    if problem:
        _print(said)
        return _outcome(problem)
    reading = _opinions(folder, target.parent / "read")
    _print(f"{said}, and what the models say of it to {target.parent / 'read' / 'opinions.json'}")
    return _outcome(reading.problem)


def _opinions(folder: Path, out: Path) -> Reading:
    """Run every model that applies."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: waiting threads leave the cores
    from radviewer.ai.catalogue import Catalogue
    from radviewer.export.read_folder import read_folder
    from radviewer.export.result_files import Options

    return read_folder(folder, out, Catalogue(), Options(), _terminal_progress())


def _scan(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="radviewer scan", description="List the studies in a folder.")
    parser.add_argument("folder", type=Path, help="a folder, a DICOMDIR, a .zip or a single file")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    chosen = parser.parse_args(argv)
    from radviewer.dicom.listing import summary

    result, problem = _read(chosen.folder)
    _print(_to_json(result) if chosen.json else summary(result))
    return _outcome(problem)


def _read(folder: Path) -> tuple[ScanResult, str]:
    """Return what `folder` holds, and a sentence why that is of no use, or ""."""
    from radviewer.dicom.scan import scan
    from radviewer.domain.study import ScanResult

    try:
        result = scan(folder, _terminal_progress())
    except RadviewerError as error:
        return ScanResult(folder, (), (), ()), str(error)
    from radviewer.dicom.listing import nothing_found

    return result, "" if result.studies else nothing_found(result, folder)


def _outcome(problem: str) -> int:
    if problem:
        _complain(problem)
    return NOTHING if problem else DONE


def _to_json(result: ScanResult) -> str:
    from radviewer.dicom.listing import listing

    return json.dumps(listing(result), ensure_ascii=False, allow_nan=False, indent=1)


def _complain(sentence: str) -> None:
    if sys.stderr is not None:  # print would take stdout instead, among the JSON
        print(f"radviewer: {sentence}", file=sys.stderr)


def _print(text: str) -> None:
    if sys.stdout is None:  # a desktop or a scheduler may start a program without one
        raise NotSaved("There is no output to print the result on.")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(_encode(text))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _give_up_stdout()
        raise NotSaved(f"The result could not be printed: {(error.strerror or str(error)).lower()}.") from error


def _give_up_stdout() -> None:
    """Keep Python from flushing at exit what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _encode(text: str) -> bytes:
    """Encode as UTF-8 whatever the locale; bytes of a file name that are not become escapes, valid in JSON."""
    return f"{text}\n".encode("utf-8", "backslashreplace")


def _terminal_progress() -> Progress:
    """Progress on stderr, only on a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return Progress()

    def report(done: int, total: int, text: str) -> None:
        if done % 100 == 0 or done == total or 0 < total <= 100:
            end = "\r" if done != total else "\n"
            print(f"{text} {done:,}" + (f" of {total:,}" if total else ""), end=end, file=sys.stderr, flush=True)

    return Progress(report)


def _models(argv: list[str]) -> int:
    from radviewer.evaluation.commands import list_models

    _print(list_models(argv))
    return DONE


def _evaluate(argv: list[str]) -> int:
    from radviewer.evaluation.commands import evaluate_model

    try:
        report, problem = evaluate_model(argv, _terminal_progress()), ""
    except RadviewerError as error:
        problem = str(error)
        report = json.dumps({"figures": {}, "problem": problem}, ensure_ascii=False, indent=1)
    _print(report)
    return _outcome(problem)


def _read_opinions(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="radviewer read", description="Run every model that applies on a folder.")
    parser.add_argument("folder", type=Path, help="a folder, a DICOMDIR, a .zip or a single file")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for opinions.json and its files")
    parser.add_argument("--model", metavar="NAME", help="run only this model")
    parser.add_argument("--nifti", action="store_true", help="write masks and heatmaps as NIfTI")
    parser.add_argument("--no-dicom", action="store_true", help="write no DICOM Segmentation")
    parser.add_argument("--json", action="store_true", help="print opinions.json")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes side by side")
    chosen = parser.parse_args(argv)
    if chosen.workers < 1:
        parser.error("there is at least one worker")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: waiting threads leave the cores
    from radviewer.ai.catalogue import Catalogue
    from radviewer.export.opinions import document, encoded, summary
    from radviewer.export.read_folder import Reading, read_folder
    from radviewer.export.result_files import Options

    catalogue = Catalogue()
    names = [entry.name for entry in catalogue.entries()]
    if chosen.model is not None and chosen.model not in names:
        parser.error(f"there is no model named {chosen.model}; there are: {', '.join(names) or 'none'}")
    options = Options(chosen.model, chosen.nifti, not chosen.no_dicom)
    try:
        progress = _terminal_progress()
        reading = read_folder(chosen.folder, chosen.out, catalogue, options, progress, chosen.workers)
    except RadviewerError as error:
        reading = Reading(document([]), str(error))  # valid JSON even then
    text = encoded(reading.found).decode().rstrip("\n") if chosen.json else summary(reading.found)
    if text:
        _print(text)
    return _outcome(reading.problem)


def _deidentify(argv: list[str]) -> int:
    from radviewer.export.deidentify_command import deidentify_command

    text, problem = deidentify_command(argv, _terminal_progress())
    if text:
        _print(text)
    return _outcome(problem)


def _verify_log(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="radviewer verify-log", description="Check that the decision log is as it was written."
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a sentence")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the site's key, where the log is signed")
    chosen = parser.parse_args(argv)
    from radviewer.app.log_check import as_json, check_log, in_words

    found = check_log(chosen.key)
    _print(as_json(found) if chosen.json else in_words(found))
    return _outcome(found.problem)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "scan": _scan,
    "read": _read_opinions,
    "models": _models,
    "evaluate": _evaluate,
    "deidentify": _deidentify,
    "verify-log": _verify_log,
}

if __name__ == "__main__":
    sys.exit(main())
