"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path


def available(source: Path = Path("/proc/meminfo")) -> int:
    """Bytes that can be had without swapping; half of all there is where the system does not say."""
    try:
        lines = source.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
