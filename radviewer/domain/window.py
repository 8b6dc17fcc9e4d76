"""VOI: from modality values to what is shown (PS3.3 C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class VoiFunction(Enum):
    """VOILUTFunction; the value is the DICOM term."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """WindowCenter and WindowWidth in modality units (HU for CT).

    `width` is always > 0; LINEAR with a width below 1 is a hard step (C.11.2.1.2.1).
    """

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR
    explanation: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.center) and np.isfinite(self.width) and self.width > 0):
            raise ValueError(f"not a window: centre {self.center}, width {self.width}")


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """LUTDescriptor + LUTData: of a Modality LUT or a VOI LUT (PS3.3 C.11.1, C.11.2).

    Attributes
    ----------
    first : int
        Input value mapped to ``table[0]``; lower and higher inputs take the end entries.
    table : ndarray, 1-D, uint16 (or uint8)
    bits : int
        Bits per entry as described: the output range is ``0 … 2**bits - 1``.

    """

    first: int
    table: NDArray[np.unsignedinteger]
    bits: int
    explanation: str = ""

    def apply(self, values: NDArray[Any]) -> NDArray[np.unsignedinteger]:
        """Look `values` up, clamped to the table's ends; same shape."""
        index = np.clip(np.asarray(values).astype(np.int64) - self.first, 0, len(self.table) - 1)
        found: NDArray[np.unsignedinteger] = self.table[index]
        return found


Voi = Window | LookupTable
"""One way to show an image; an image may offer several to choose from."""
