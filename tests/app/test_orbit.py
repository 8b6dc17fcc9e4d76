from __future__ import annotations

import numpy as np
import pytest

from radviewer.app.orbit import VIEWS, Orbit

LEFT, POSTERIOR, SUPERIOR = (1, 0, 0), (0, 1, 0), (0, 0, 1)


@pytest.mark.parametrize(
    ("view", "right", "up"),
    [
        ("A", LEFT, SUPERIOR),  # face to face: the patient's left is at the reader's right
        ("P", (-1, 0, 0), SUPERIOR),
        ("L", POSTERIOR, SUPERIOR),
        ("R", (0, -1, 0), SUPERIOR),
        ("S", (-1, 0, 0), (0, -1, 0)),  # from the head: left at the left, anterior up
        ("I", LEFT, (0, -1, 0)),  # from the feet, as axial images are read
    ],
)
def test_sides_of_the_patient(view: str, right: tuple[float, ...], up: tuple[float, ...]) -> None:
    orbit = Orbit().seen_from(view)
    assert orbit.right == right
    assert orbit.up == up


def test_what_is_fitted_lies_inside() -> None:
    low, high = np.array((-200.0, -100, 0)), np.array((200.0, 150, 90))
    for view in VIEWS:
        for size in ((400, 300), (300, 700), (500, 500)):
            orbit = Orbit().seen_from(view).fitted(low, high, size)
            corners = [(x, y, z) for x in (-200, 200) for y in (-100, 150) for z in (0, 90)]
            places = np.array([orbit.place(corner, size)[:2] for corner in corners])
            assert (places >= 0).all()
            assert (places <= size).all()
            fill = np.ptp(places, axis=0) / size
            assert fill.max() > 0.9


def test_the_front_follows_the_pointer() -> None:
    orbit = Orbit(focus=(1, 2, 3)).seen_from("A")
    front = (1.0, -50.0, 3.0)  # towards the reader
    middle = orbit.place(front, (100, 100))
    right, down = orbit.turned(0.05, 0), orbit.turned(0, 0.05)
    assert right.place(front, (100, 100))[0] > middle[0] + 1
    assert right.place(front, (100, 100))[1] == pytest.approx(middle[1])
    assert down.place(front, (100, 100))[1] > middle[1] + 1


def test_turning_for_long_stays_at_right_angles() -> None:
    orbit = Orbit()
    for i in range(2000):
        orbit = orbit.turned(0.013 * (i % 3 - 0.7), 0.017)
    assert np.linalg.norm(orbit.direction) == pytest.approx(1, abs=1e-9)
    assert np.linalg.norm(orbit.up) == pytest.approx(1, abs=1e-9)
    assert np.dot(orbit.direction, orbit.up) == pytest.approx(0, abs=1e-9)
    assert Orbit().turned(0, 0) == Orbit()


def test_moving_and_zooming() -> None:
    orbit = Orbit(span=100)
    point = (10.0, 0.0, -5.0)
    x, y, _ = orbit.place(point, (200, 100))
    moved = orbit.panned(0.2, 0.1).place(point, (200, 100))
    assert moved[:2] == pytest.approx((x + 20, y + 10))
    assert orbit.zoomed(2).span == 50
    assert orbit.zoomed(1e9).span > 0
