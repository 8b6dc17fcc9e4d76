"""The demo study: real images from packages on PyPI, written at first use.

Films, an ultrasound cine and single slices are copied as they are from `pydicom-data`.
The brain is the MNI152 T1 template (an average of 152 volunteers, no patient) that
`nilearn` carries as NIfTI; it is written as DICOM twice, on one frame of reference:
axial as classic MR images, sagittal as one enhanced multi-frame object.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import time
from pathlib import Path

from radviewer import paths
from radviewer.errors import NothingToRead, NotSaved
from radviewer.progress import Progress

_EDITION = "demo-study-1"  # a new name whenever the contents change: an older copy is never mixed with them

_COPIES = {
    "chest-film/chest.dcm": "RG1_UNCR.dcm",
    "leg-film/tibia.dcm": "RG3_J2KR.dcm",
    "heart-ultrasound/cine.dcm": "color3d_jpeg_baseline.dcm",
    "abdomen-ct/pancreas.dcm": "explicit_VR-UN.dcm",
    "liver-mr/marked-lesion.dcm": "MR-SIEMENS-DICOM-WithOverlays.dcm",
    "shoulder-mr/shoulder.dcm": "MR2_J2KR.dcm",
    "bone-scan/whole-body.dcm": "JPEG-LL.dcm",
    "liver-segmentation/liver.dcm": "liver.dcm",
}
"""Path in the demo study → file of pydicom-data."""

_TEMPLATE = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def write_demo_study(progress: Progress | None = None) -> Path:
    """Return the folder of the demo study, after writing it if it is not there yet.

    The folder appears complete or not at all; programs that start at the same time
    do not disturb one another.

    Raises
    ------
    NothingToRead
        If the packages that carry the images are not installed.
    NotSaved
        If the folder cannot be written (disk full, no permission).
    Cancelled
        If `progress` was cancelled; nothing is left behind.

    """
    folder = paths.demo_study()
    target = folder / _EDITION
    if target.is_dir():
        return target
    samples = _inside("data_store", "data")
    template = _inside("nilearn", _TEMPLATE)
    _inside("nibabel")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_left_overs(folder)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
            study = Path(temporary, "study")
            _write(study, samples, template, progress or Progress())
            _publish(study, target)
    except OSError as error:
        raise NotSaved(
            f"The demo study could not be written to {folder}: {error.strerror or error}. "
            "Free some space or check the folder's permissions."
        ) from error
    return target


def _inside(package: str, path: str = "") -> Path:
    """Find a file of an installed package without importing it: nilearn alone would take seconds."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (found := Path(folder, path)).exists():
            return found
    raise NothingToRead(
        "The demo study is made from images of the packages pydicom-data, nilearn and nibabel, which are not "
        "all installed. Install them with: pip install 'radviewer[demo]'"
    )


def _remove_left_overs(folder: Path) -> None:
    """Remove what a program that was killed while writing left, and nothing that is being written now."""
    for old in folder.glob(".writing-*"):
        if time.time() - old.stat().st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)


def _publish(study: Path, target: Path) -> None:
    try:
        study.rename(target)
    except OSError:
        if not target.is_dir():  # otherwise another program was faster, with the same contents
            raise


def _write(study: Path, samples: Path, template: Path, progress: Progress) -> None:
    from radviewer.dicom.demo_brain import write_brain  # pydicom and nibabel: only when they are needed

    for done, (name, source) in enumerate(_COPIES.items()):
        progress.report(done, len(_COPIES), "Copying the demo images")
        copy = study / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(samples / source, copy)
    write_brain(template, study / "brain-mr", progress)
