"""``radviewer deidentify``, as it is typed."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from radviewer.dicom.scan import scan
from radviewer.errors import RadviewerError
from radviewer.export.deidentify import DeidentifyOptions, Doubt, deidentify, refuse
from radviewer.export.deidentify_pixels import Writing
from radviewer.export.deidentify_profile import Profile
from radviewer.export.deidentify_report import DeidentifyReport
from radviewer.progress import Progress


def deidentify_command(argv: Sequence[str], progress: Progress) -> tuple[str, str]:
    """Copy a folder without the patients' identity; what to print, and a sentence why nothing was copied or ""."""
    chosen = _parser().parse_args(argv)
    profile = Profile(chosen.shift_dates, chosen.clean_descriptors, chosen.retain_safe_private)
    keep = (lambda _doubt: True) if chosen.keep_burned_in else Asking() if _is_attended() else refuse
    series = frozenset(chosen.series) if chosen.series else None
    report, problem = DeidentifyReport({}), ""
    try:
        with _quiet_pydicom():
            options = DeidentifyOptions(profile, keep, series)
            report = deidentify(scan(chosen.folder, progress), chosen.out, options, progress)
        if not report.instances:
            problem = f"Nothing in {chosen.folder} could be copied; the report says why."
    except RadviewerError as error:
        problem = str(error)
    if chosen.json:
        return json.dumps(report.as_json(with_names=True), ensure_ascii=False, indent=1), problem
    return "" if problem and not report.left_out else report.text(with_names=True).rstrip("\n"), problem


def _is_attended() -> bool:
    """Whether somebody is there to be asked."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


class Asking:
    """Asks on the terminal about images that may have writing in their pixels, once for each reason."""

    def __init__(self) -> None:
        self._answers: dict[Writing, bool] = {}

    def __call__(self, doubt: Doubt) -> bool:
        """Whether an image is copied all the same."""
        if doubt.writing not in self._answers:
            text = f"{doubt.location.name}: {doubt.writing.value}. Look at it; copy it and others like it? [y/N] "
            print(f"\n{text}", end="", file=sys.stderr, flush=True)
            self._answers[doubt.writing] = sys.stdin.readline().strip().lower() in ("y", "yes")
        return self._answers[doubt.writing]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="radviewer deidentify", description="Copy a study without the patient's identity (DICOM PS3.15 Annex E)."
    )
    parser.add_argument("folder", type=Path, help="a folder, a DICOMDIR, a .zip or a single file")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder for the copies")
    parser.add_argument("--shift-dates", action="store_true", help="keep dates, moved by the same days per patient")
    parser.add_argument("--clean-descriptors", action="store_true", help="keep the safe words of descriptions")
    parser.add_argument("--retain-safe-private", action="store_true", help="keep private elements known to be safe")
    parser.add_argument(
        "--keep-burned-in", action="store_true", help="copy images that may have the patient's name in their pixels"
    )
    parser.add_argument("--series", nargs="+", metavar="UID", help="copy only these series")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


@contextmanager
def _quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's remarks on odd headers off the terminal: what cannot be copied is in the report."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
