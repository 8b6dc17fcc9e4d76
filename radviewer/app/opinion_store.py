"""What models said and what readers drew, on disk: shown again after a restart without running anything.

Files are named by hashes and hold no name, date or number of a patient.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

from radviewer.app.mask_files import mask_name, packed_mask, read_mask
from radviewer.app.opinion_files import packed_opinions, read_instances, read_opinions
from radviewer.app.settings import write_atomically  # synced: the log must not name a mask that a power cut takes
from radviewer.domain.decision import FindingKey
from radviewer.domain.opinion import Mask, Opinion

_BUDGET = 2 << 30  # bytes of all opinions; the oldest go first


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

    def save(self, stack: str, opinions: tuple[Opinion, ...], instances: Mapping[str, str]) -> None:
        """Keep what is known about a stack, and the SHA-256 of each instance of it, in place of what was.

        Raises
        ------
        NotSaved

        """
        write_atomically(self._path(stack), packed_opinions(opinions, instances))
        self._trim(self._path(stack))

    def load(self, stack: str) -> tuple[Opinion, ...]:
        """What was kept about a stack; nothing when there is none, or it is damaged."""
        return read_opinions(self._path(stack))

    def instances(self, stack: str) -> dict[str, str]:
        """SHA-256 of each SOP instance when the models saw it; nothing where that is not known."""
        return read_instances(self._path(stack))

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
        if self.load_mask(name) is None:  # never written, or damaged since
            write_atomically(self._folder / "masks" / f"{name}.zip", packed_mask(mask))
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
        write_atomically(self._draft(finding), packed_mask(mask))

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
