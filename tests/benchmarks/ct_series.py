"""A CT-like series for speed measurements: anatomy-sized structures under scanner-like noise.

Noise decides how well a codec compresses, and so how long it takes: the body carries correlated
noise of about 15 HU, the air around it less, as a soft-tissue kernel leaves them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.phantoms import AXIAL, encapsulated, image, make_uid, save

SIDE = 512
OFFSET = 1024
"""Compressed series hold HU + 1024 unsigned, as most scanners write them."""

Encoder = Callable[[NDArray[Any]], bytes]


@dataclass(frozen=True)
class Coding:
    """One way to write the series."""

    name: str
    transfer_syntax: str
    encode: Encoder | None  # None: uncompressed int16 HU


def _rle(pixels: NDArray[Any]) -> bytes:
    """Upper bytes, then lower bytes (PS3.5 G.3.1), each row packed on its own."""
    planes = (pixels >> 8).astype(np.uint8), pixels.astype(np.uint8)
    segments = [b"".join(bytes(imagecodecs.packbits_encode(row.tobytes())) for row in plane) for plane in planes]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    return struct.pack("<16I", 2, 64, 64 + len(segments[0]), *[0] * 13) + b"".join(segments)


CODINGS = (
    Coding("uncompressed", ExplicitVRLittleEndian, None),
    Coding(
        "JPEG 2000",
        JPEG2000Lossless,
        lambda pixels: bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, bitspersample=16)),
    ),
    Coding("JPEG-LS", JPEGLSLossless, lambda pixels: bytes(imagecodecs.jpegls_encode(pixels))),
    Coding("RLE", RLELossless, _rle),
)


def slices(count: int, seed: int = 0) -> NDArray[np.int16]:
    """HU values, shape (count, 512, 512)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    volume = np.empty((count, SIDE, SIDE), np.int16)
    for index in range(count):
        z = 2 * index / max(count - 1, 1) - 1
        values = np.full((SIDE, SIDE), -1000.0)
        body = (x / 0.85) ** 2 + (y / 0.62) ** 2 < 1
        values[body] = 40
        values[((x / 0.82) ** 2 + (y / 0.59) ** 2 > 1) & body] = -90  # fat
        for side in (-1, 1):
            lung = ((x - side * 0.4) / 0.3) ** 2 + ((y + 0.05) / 0.42) ** 2 + 0.4 * z * z < 1
            values[lung] = -850
        values[x**2 + (y - 0.42) ** 2 < 0.012] = 450  # vertebra
        values[(x + 0.08) ** 2 + (y + 0.05 * z) ** 2 < 0.02] = 180  # contrast-filled vessel
        noise = cv2.GaussianBlur(rng.normal(0, 1, values.shape), (0, 0), 0.7)
        values += noise * np.where(body, 15, 5) / noise.std()
        volume[index] = np.clip(np.rint(values), -1024, 3071)
    return volume


def write_series(folder: Path, volume: NDArray[np.int16], coding: Coding, seed: int = 1) -> None:
    """Write one file per slice, under names whose order says nothing about their position."""
    names = np.random.default_rng(seed).permutation(len(volume))
    for index, hounsfield in enumerate(volume):
        own: dict[str, Any] = {
            "series": coding.name,
            "instance": index + 1,
            "FrameOfReferenceUID": make_uid("frame of reference"),
            "PixelSpacing": [0.7, 0.7],
            "SliceThickness": 1.0,
            "ImageOrientationPatient": list(AXIAL),
            "ImagePositionPatient": [-180.0, -180.0, float(index)],
            "RescaleSlope": 1,
            "RescaleIntercept": 0 if coding.encode is None else -OFFSET,
            "WindowCenter": 40,
            "WindowWidth": 400,
        }
        path = folder / f"{names[index]:05d}.dcm"
        if coding.encode is None:
            save(image(hounsfield, **own), path)
        else:
            unsigned = (hounsfield + OFFSET).astype(np.uint16)
            encapsulated(path, [coding.encode(unsigned)], coding.transfer_syntax, pixels=unsigned, **own)
