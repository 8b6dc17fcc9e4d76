"""Where a camera looks while the planes it sees are turned."""

from __future__ import annotations

from dataclasses import replace

from radviewer.domain.geometry import Vector
from radviewer.domain.planes import PlaneGrid
from radviewer.render.view import Camera


def carried(camera: Camera, before: PlaneGrid, after: PlaneGrid, about: Vector) -> Camera:
    """Camera that shows a point of the patient where it was on the screen, and a millimetre as large.

    Each turn of planes has a grid of its own, which covers the volume: looked at through the same camera the picture
    would slide and shrink under the reader's hand.

    Parameters
    ----------
    camera : Camera
        What `before` was seen through.
    before, after : PlaneGrid
        Of planes of one orientation of one volume, pixels being square.
    about : Vector
        LPS mm; as far along their normal as may be.

    """
    if before == after:
        return camera
    finer = before.plane.row_spacing / after.plane.row_spacing
    here, there = before.plane.to_pixel(about), after.plane.to_pixel(about)
    rows, columns = before.shape
    row, column = camera.centre or ((rows - 1) / 2, (columns - 1) / 2)
    height, width = camera.extent or before.shape
    return replace(
        camera,
        zoom=None if camera.zoom is None else camera.zoom / finer,
        centre=(there[0] + (row - here[0]) * finer, there[1] + (column - here[1]) * finer),
        extent=(height * finer, width * finer),
    )


def found_again(camera: Camera, before: PlaneGrid | None, after: PlaneGrid | None) -> Camera:
    """Camera for planes that were left and are shown again, on a grid of their own since.

    Where they lie as they lay it looks at the same; where they were turned, at all of them.
    """
    if before is None or after is None or before == after:
        return camera
    old, new = before.plane, after.plane
    if (old.row_direction, old.column_direction) == (new.row_direction, new.column_direction):
        return camera if camera.zoom is None and camera.extent is None else carried(camera, before, after, new.position)
    return camera.fit()


def revealing(camera: Camera, grid: PlaneGrid, point: Vector) -> Camera:
    """Camera with an LPS point in sight: in the middle where the picture is magnified, else with the whole picture."""
    row, column, _ = grid.plane.to_pixel(point)
    return camera.fit() if camera.zoom is None else replace(camera, centre=(row, column))
