"""Where a camera looks while the planes it sees are turned."""

from __future__ import annotations

from dataclasses import replace

from radviewer.domain.geometry import Vector
from radviewer.domain.reformat import Reformat
from radviewer.render.view import Camera


def carried(camera: Camera, before: Reformat, after: Reformat, about: Vector) -> Camera:
    """Camera that shows a point of the patient where it was on the screen, and a millimetre as large.

    Each turn of planes has a grid of its own, which covers the volume: looked at through the same camera the picture
    would slide and shrink under the reader's hand.

    Parameters
    ----------
    camera : Camera
        What `before` was seen through.
    before, after : Reformat
        Planes of one volume.
    about : Vector
        LPS mm; on both.

    """
    old, new = before.planes.first, after.planes.first
    if old == new:
        return camera
    finer = old.plane.row_spacing / new.plane.row_spacing  # pixels of planes are square
    here, there = old.plane.to_pixel(about), new.plane.to_pixel(about)
    rows, columns = old.shape
    row, column = camera.centre or ((rows - 1) / 2, (columns - 1) / 2)
    height, width = camera.extent or old.shape
    return replace(
        camera,
        zoom=None if camera.zoom is None else camera.zoom / finer,
        centre=(there[0] + (row - here[0]) * finer, there[1] + (column - here[1]) * finer),
        extent=(height * finer, width * finer),
    )
