"""A volume on planes that are not its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry, ImagePlane, Vector
from radviewer.domain.volume import SliceImage, Volume
from radviewer.volumes.alike import Alike, displaced

SHAPE = (6, 10, 12)
AFFINE = np.array([[0, 0, 1.5, -5], [0, 2, 0, 7], [3, 0, 0, 11], [0, 0, 0, 1]], dtype=np.float64)


def _volume(slope: float = 1.0) -> Volume:
    """Stored value: x − 5 + 10·(y − 7) + 100·(z − 11) over mm, so that linear interpolation is exact."""
    s, r, c = np.indices(SHAPE)
    stored = (1.5 * c + 20 * r + 300 * s).astype(np.float32)
    slices = tuple(SliceImage(plane, slope=slope) for plane in stored)
    return Volume(stored, slices, Geometry(SHAPE, AFFINE), {})


def _image(z: float, shape: tuple[int, int] = (6, 7)) -> SliceImage:
    plane = ImagePlane((-3.0, 9.0, z), (1, 0, 0), (0, 1, 0), 1.0, 1.0)
    return SliceImage(np.zeros(shape, np.int16), plane=plane)


def _expected(image: SliceImage, shift: Vector = (0, 0, 0)) -> NDArray[np.float64]:
    assert image.plane is not None
    rows, columns = np.indices(image.stored.shape)
    x, y, z = np.add(image.plane.position, shift)
    values: NDArray[np.float64] = (x + columns + 5) + 10 * (y + rows - 7) + 100 * (z - 11)
    return values


def test_values_lie_where_they_belong() -> None:
    image = _image(15.0)
    found = Alike(_volume()).on(image, np.eye(4))
    assert found is not None
    there, inside = found
    assert inside.all()
    assert there.plane is image.plane
    assert np.allclose(there.stored, _expected(image), atol=1e-2)


def test_the_displacement_leads_to_the_moving_volume() -> None:
    matrix = np.eye(4)
    matrix[:3, 3] = (1.0, 2.0, 4.0)
    image = _image(13.0)
    found = Alike(_volume()).on(image, matrix)
    assert found is not None
    assert np.allclose(found[0].stored, _expected(image, (1, 2, 4)), atol=1e-2)


def test_beyond_the_volume_nothing_is_inside() -> None:
    found = Alike(_volume()).on(_image(500.0), np.eye(4))
    assert found is not None
    assert not found[1].any()


def test_a_slope_of_each_slice_is_applied() -> None:
    volume = _volume(slope=2.0)
    first = volume.slices[0]
    assert first is not None
    mixed = replace(volume, slices=(replace(first, slope=5.0), *volume.slices[1:]))
    image = _image(17.0)
    for one in (volume, mixed):
        found = Alike(one).on(image, np.eye(4))
        assert found is not None
        assert np.allclose(found[0].modality_values(), 2 * _expected(image), atol=2e-2)


def test_an_image_without_a_place_shows_nothing() -> None:
    assert Alike(_volume()).on(replace(_image(15.0), plane=None), np.eye(4)) is None


def test_colour_and_irregular_volumes_are_refused() -> None:
    colour = Volume(np.zeros((1, 2, 2, 3), np.uint8), (SliceImage(np.zeros((2, 2, 3), np.uint8)),), None, {})
    for volume in (colour, replace(_volume(), geometry=None), replace(_volume(), slices=(None,) * 6)):
        with pytest.raises(ValueError, match="grey, regular"):
            Alike(volume)


def test_directions_turn_with_the_plane() -> None:
    matrix = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 5], [0, 0, 0, 1]], dtype=np.float64)
    plane = displaced(ImagePlane((1, 2, 3), (1, 0, 0), (0, 1, 0), 0.5, 0.7), matrix)
    assert plane == ImagePlane((-2, 1, 8), (0, 1, 0), (-1, 0, 0), 0.5, 0.7)
