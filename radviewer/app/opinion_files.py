"""Opinions as files: texts as JSON, masks packed to bits, heatmaps, which are smooth, in half precision."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.app.mask_files import DAMAGED, read_exactly, read_json, shape_of, unpacked
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Finding, Opinion, Outcome, Seconds, Structure

_VERSION = 1
_TEXTS = "opinions.json"
_LONGEST = 16 << 20  # bytes of the texts
_MOST_BYTES = 8 << 30  # of all masks and heatmaps of a file, once unpacked


def packed_opinions(opinions: tuple[Opinion, ...], instances: Mapping[str, str]) -> bytes:
    """What models said about a stack, as a file; `instances`: SHA-256 of each SOP instance that they saw."""
    arrays: dict[str, NDArray[Any]] = {}
    told = [_told(opinion, arrays) for opinion in opinions]
    texts = {"version": _VERSION, "instances": dict(instances), "opinions": told}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(_TEXTS, json.dumps(texts, allow_nan=False))
        for name, array in arrays.items():
            archive.writestr(name, array.tobytes())
    return packed.getvalue()


def read_opinions(path: Path) -> tuple[Opinion, ...]:
    """What `packed_opinions` made; nothing for anything else."""
    try:
        with zipfile.ZipFile(path) as archive:
            texts = read_json(archive, _TEXTS, _LONGEST)
            if texts["version"] != _VERSION:
                return ()
            arrays = _Arrays(archive)
            return tuple(_opinion(values, arrays) for values in texts["opinions"])
    except DAMAGED:
        return ()


def read_instances(path: Path) -> dict[str, str]:
    """SHA-256 of each SOP instance that the models saw; nothing where that is not known."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = read_json(archive, _TEXTS, _LONGEST)["instances"]
            return {str(name): str(sha256) for name, sha256 in found.items()}
    except (*DAMAGED, AttributeError):
        return {}


class _Arrays:
    """The arrays of a file.  A small file could ask for one large array again and again: each is given once."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._given: set[str] = set()
        self._left = _MOST_BYTES

    def mask(self, place: dict[str, Any]) -> NDArray[np.bool_]:
        name, shape, count = self._take(place, "mask", 1)
        return unpacked(read_exactly(self._archive, name, -(-count // 8)), shape)

    def heat(self, place: dict[str, Any]) -> NDArray[np.float32]:
        name, shape, count = self._take(place, "heat", 4)
        half = np.frombuffer(read_exactly(self._archive, name, 2 * count), "<f2").reshape(shape)
        return np.clip(np.nan_to_num(half.astype(np.float32)), 0, 1)

    def _take(self, place: dict[str, Any], kind: str, size: int) -> tuple[str, tuple[int, int, int], int]:
        name, shape = str(place["name"]), shape_of(place["shape"])
        count = math.prod(shape)
        self._left -= count * size
        if place["kind"] != kind or name in self._given or self._left < 0:
            raise ValueError("not an array of this file")
        self._given.add(name)
        return name, shape, count


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
        "slice_probabilities": [None if p is None else float(p) for p in finding.slice_probabilities],
        "likeliest": finding.likeliest,
    }


def _quantities(measurements: tuple[Quantity, ...]) -> list[list[object]]:
    """Measurements; what has no value (the mean of nothing) as null, as JSON knows no other."""
    return [[q.name, q.value if math.isfinite(q.value) else None, q.unit] for q in measurements]


def _put(array: NDArray[Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Add an array to the file; what is written in its place."""
    name = f"array{len(arrays)}"
    is_mask = array.dtype == np.bool_
    arrays[name] = np.packbits(array) if is_mask else array.astype("<f2")
    return {"name": name, "shape": list(array.shape), "kind": "mask" if is_mask else "heat"}


def _opinion(values: dict[str, Any], arrays: _Arrays) -> Opinion:
    load, inference, explanation = (float(v) for v in values["seconds"])
    return Opinion(
        str(values["model"]),
        str(values["version"]),
        Outcome(values["outcome"]),
        tuple((str(file), str(sha256)) for file, sha256 in values["weights"]),
        _text(values["reason"]),
        Seconds(load, inference, explanation),
        tuple(_finding_of(finding, arrays) for finding in values["findings"]),
        tuple(
            Structure(str(part["label"]), arrays.mask(part["mask"]), tuple(_measured(part)))
            for part in values["anatomy"]
        ),
        overridden=_text(values["overridden"]),
    )


def _finding_of(values: dict[str, Any], arrays: _Arrays) -> Finding:
    mask, heat = values["mask"], values["heatmap"]
    return Finding(
        str(values["label"]),
        Outcome(values["outcome"]),
        _number(values["probability"]),
        _number(values["threshold"]),
        _text(values["reason"]),
        None if mask is None else arrays.mask(mask),
        None if heat is None else arrays.heat(heat),
        tuple(_measured(values)),
        str(values["evidence"]),
        tuple(_probabilities(values.get("slice_probabilities", []))),  # earlier versions wrote none
        likeliest=_likeliest(values.get("likeliest"), values.get("slice_probabilities", [])),
    )


def _likeliest(value: Any, judged: Any) -> int | None:
    if value is None:
        return None
    if not 0 <= int(value) < len(judged):
        raise ValueError("not a slice")
    return int(value)


def _probabilities(values: Any) -> Iterator[float | None]:
    for value in values:
        if value is not None and not 0 <= float(value) <= 1:  # true for NaN, too
            raise ValueError("not a probability")
        yield None if value is None else float(value)


def _measured(values: dict[str, Any]) -> Iterator[Quantity]:
    for name, value, unit in values["measurements"]:
        yield Quantity(str(name), math.nan if value is None else float(value), str(unit))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
