"""In which grids viewports are shown."""

from __future__ import annotations

from enum import Enum

MOST_VIEWPORTS = 6


class Layout(Enum):
    """Rows × columns of viewports; the value is what settings and tables store."""

    ONE = "1x1"
    TWO = "1x2"
    TWO_ROWS = "2x1"
    THREE = "1x3"
    FOUR = "2x2"
    SIX = "2x3"

    @property
    def grid(self) -> tuple[int, int]:
        """``(rows, columns)``."""
        rows, columns = self.value.split("x")
        return (int(rows), int(columns))

    @property
    def count(self) -> int:
        """How many viewports are seen."""
        rows, columns = self.grid
        return rows * columns

    @classmethod
    def holding(cls, count: int) -> Layout:
        """Smallest layout for so many images, side by side before one above the other.

        Raises
        ------
        ValueError
            If none holds them.

        """
        fitting = [layout for layout in cls if layout.count >= count and layout is not cls.TWO_ROWS]
        return min(fitting, key=lambda layout: layout.count)
