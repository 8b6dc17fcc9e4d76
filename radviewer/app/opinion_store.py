"""What models said and what readers drew, on disk: shown again after a restart without running anything.

Files are named by hashes and hold no name, date or number of a patient.  Masks are packed to bits; heatmaps, which
are smooth, are kept in half precision.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.app.mask_files import (
    DAMAGED,
    LARGEST,
    mask_name,
    packed_mask,
    read_exactly,
    read_mask,
    shape_of,
    unpacked,
)
from radviewer.domain.decision import FindingKey
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Finding, Mask, Opinion, Outcome, Seconds, Structure
from radviewer.export.own_files import write_whole

_VERSION = 1
_BUDGET = 2 << 30  # bytes of all opinions; the oldest go first
_TEXTS = "opinions.json"


class OpinionStore:
    """Opinions by stack, and masks by their own hash.

    Parameters
    ----------
    folder : Path
        Made when first written to.
    budget : int
        Bytes of all opinions together; masks the reader drew are never removed.

    """

    def __init__(self, folder: Path, budget: int = _BUDGET) -> None:
        self._folder, self._budget = folder, budget

    def save(self, stack: str, opinions: tuple[Opinion, ...]) -> None:
        """Keep what is known about a stack, in place of what was.

        Raises
        ------
        NotSaved

        """
        arrays: dict[str, NDArray[Any]] = {}
        texts = {"version": _VERSION, "opinions": [_told(opinion, arrays) for opinion in opinions]}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(_TEXTS, json.dumps(texts, allow_nan=False))
            for name, array in arrays.items():
                archive.writestr(name, array.tobytes())
        write_whole(self._path(stack), packed.getvalue())
        self._trim(self._path(stack))

    def load(self, stack: str) -> tuple[Opinion, ...]:
        """What was kept about a stack; nothing when there is none, or it is damaged."""
        try:
            with zipfile.ZipFile(self._path(stack)) as archive:
                if archive.getinfo(_TEXTS).file_size > LARGEST:
                    return ()
                texts = json.loads(archive.read(_TEXTS))
                if texts["version"] != _VERSION:
                    return ()
                return tuple(_opinion(values, archive) for values in texts["opinions"])
        except DAMAGED:
            return ()

    def forget(self) -> None:
        """Remove all opinions; masks the reader drew stay."""
        for path in self._opinions():
            with suppress(OSError):
                path.unlink()

    def save_mask(self, mask: Mask) -> str:
        """Keep a mask ``(slices, rows, columns)`` and return its hash.

        Raises
        ------
        NotSaved

        """
        name = mask_name(mask)
        path = self._folder / "masks" / f"{name}.zip"
        if not path.is_file():
            write_whole(path, packed_mask(mask))
        return name

    def load_mask(self, name: str) -> Mask | None:
        """A mask by its hash; None when it is not there or not what its hash says."""
        if len(name) != 64 or not name.isalnum():
            return None
        mask = read_mask(self._folder / "masks" / f"{name}.zip")
        return mask if mask is not None and mask_name(mask) == name else None

    def save_draft(self, finding: FindingKey, mask: Mask) -> None:
        """Keep an outline that is being edited; there is one draft of a finding.

        Raises
        ------
        NotSaved

        """
        write_whole(self._draft(finding), packed_mask(mask))

    def load_draft(self, finding: FindingKey) -> Mask | None:
        """An outline whose editing was not brought to an end."""
        return read_mask(self._draft(finding))

    def drop_draft(self, finding: FindingKey) -> None:
        """Forget it: the outline was kept, or given up."""
        with suppress(OSError):
            self._draft(finding).unlink(missing_ok=True)

    def _draft(self, finding: FindingKey) -> Path:
        name = hashlib.sha256(json.dumps(astuple(finding)).encode()).hexdigest()
        return self._folder / "drafts" / f"{name}.zip"

    def _path(self, stack: str) -> Path:
        return self._folder / f"{stack}.zip"

    def _opinions(self) -> list[Path]:
        return sorted(self._folder.glob("*.zip"))

    def _trim(self, keep: Path) -> None:
        """Remove what was written longest ago until the rest fits."""
        with suppress(OSError):
            aged = sorted(self._opinions(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            held = 0
            for path in aged:
                held += path.stat().st_size
                if held > self._budget and path != keep:
                    path.unlink()


def _told(opinion: Opinion, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {
        "model": opinion.model,
        "version": opinion.version,
        "outcome": opinion.outcome.value,
        "weights": opinion.weights_sha256,
        "reason": opinion.reason,
        "overridden": opinion.overridden,
        "seconds": [opinion.seconds.load, opinion.seconds.inference, opinion.seconds.explanation],
        "findings": [_finding(finding, arrays) for finding in opinion.findings],
        "anatomy": [
            {"label": part.label, "mask": _put(part.mask, arrays), "measurements": _quantities(part.measurements)}
            for part in opinion.anatomy
        ],
    }


def _finding(finding: Finding, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {
        "label": finding.label,
        "outcome": finding.outcome.value,
        "probability": finding.probability,
        "threshold": finding.threshold,
        "reason": finding.reason,
        "mask": None if finding.mask is None else _put(finding.mask, arrays),
        "heatmap": None if finding.heatmap is None else _put(finding.heatmap, arrays),
        "measurements": _quantities(finding.measurements),
        "evidence": finding.evidence,
    }


def _quantities(measurements: tuple[Quantity, ...]) -> list[list[object]]:
    return [[q.name, q.value, q.unit] for q in measurements]


def _put(array: NDArray[Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Add an array to the file; what is written in its place."""
    name = f"array{len(arrays)}"
    is_mask = array.dtype == np.bool_
    arrays[name] = np.packbits(array) if is_mask else array.astype("<f2")
    return {"name": name, "shape": list(array.shape), "kind": "mask" if is_mask else "heat"}


def _taken(place: dict[str, Any], archive: zipfile.ZipFile, kind: str) -> NDArray[Any]:
    shape = shape_of(place["shape"])
    if place["kind"] != kind:
        raise ValueError("another kind of array")
    count = int(np.prod(shape))
    if kind == "mask":
        return unpacked(read_exactly(archive, str(place["name"]), -(-count // 8)), shape)
    heat = np.frombuffer(read_exactly(archive, str(place["name"]), 2 * count), "<f2").reshape(shape).astype(np.float32)
    return np.clip(np.nan_to_num(heat), 0, 1)


def _opinion(values: dict[str, Any], archive: zipfile.ZipFile) -> Opinion:
    load, inference, explanation = (float(v) for v in values["seconds"])
    return Opinion(
        str(values["model"]),
        str(values["version"]),
        Outcome(values["outcome"]),
        tuple((str(file), str(sha256)) for file, sha256 in values["weights"]),
        _text(values["reason"]),
        Seconds(load, inference, explanation),
        tuple(_finding_of(finding, archive) for finding in values["findings"]),
        tuple(
            Structure(str(part["label"]), _taken(part["mask"], archive, "mask"), tuple(_measured(part)))
            for part in values["anatomy"]
        ),
        overridden=_text(values["overridden"]),
    )


def _finding_of(values: dict[str, Any], archive: zipfile.ZipFile) -> Finding:
    mask, heat = values["mask"], values["heatmap"]
    return Finding(
        str(values["label"]),
        Outcome(values["outcome"]),
        _number(values["probability"]),
        _number(values["threshold"]),
        _text(values["reason"]),
        None if mask is None else _taken(mask, archive, "mask"),
        None if heat is None else _taken(heat, archive, "heat"),
        tuple(_measured(values)),
        str(values["evidence"]),
    )


def _measured(values: dict[str, Any]) -> Iterator[Quantity]:
    for name, value, unit in values["measurements"]:
        yield Quantity(str(name), float(value), str(unit))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
