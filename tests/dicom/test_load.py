"""Stacks into volumes: order, isolation of bad slices, cancelling, memory, archives."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid

from radviewer.dicom import load as load_module
from radviewer.dicom import pixel_source
from radviewer.dicom.load import load, read_slice
from radviewer.dicom.outward import Outward
from radviewer.dicom.scan import scan
from radviewer.domain.study import FileLocation, Stack
from radviewer.domain.volume import SliceImage
from radviewer.errors import TooLarge, UnreadableImage
from radviewer.progress import Cancelled, Progress
from tests import phantoms
from tests.dicom.pixel_files import PYDICOM_DATA, stack_of


def only_stack(target: Path) -> Stack:
    (study,) = scan(target).studies
    (series,) = study.series
    (stack,) = series.stacks
    return stack


@pytest.fixture(params=[1, 4], ids=["one thread", "four threads"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(load_module, "_workers", lambda: request.param)
    return int(request.param)


@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian]
)
@pytest.mark.usefixtures("threads")
def test_a_volume_in_slice_order(tmp_path: Path, syntax: str) -> None:
    phantoms.volume(tmp_path, 9, syntax=syntax)
    stack = only_stack(tmp_path)
    volume = load(stack)
    np.testing.assert_array_equal(volume.stored, phantoms.ramp(9))
    assert volume.stored.dtype == np.int16
    assert volume.geometry is stack.geometry
    assert volume.problems == {}
    for index, picture in enumerate(volume.slices):
        assert picture is not None
        np.testing.assert_array_equal(picture.stored, volume.stored[index])
        assert np.shares_memory(picture.stored, volume.stored)
        assert picture.plane is stack.frames[index].plane
        assert picture.intercept == -1024


def test_one_slice_equals_the_volumes(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 5)
    stack = only_stack(tmp_path)
    for index in range(5):
        np.testing.assert_array_equal(read_slice(stack, index).stored, phantoms.ramp(5)[index])


def test_nothing_loaded_can_be_written_to(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3)
    handed_out: list[SliceImage] = []
    volume = load(only_stack(tmp_path), on_slice=lambda _, picture: handed_out.append(picture))
    for array in (volume.stored, *(picture.stored for picture in handed_out)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


# --- order ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-3, 45), min_size=1, max_size=40), st.integers(1, 40))
def test_outward_takes_the_nearest_free_slice(focuses: list[int], count: int) -> None:
    looked_at = iter(focuses * 60)
    current = 0

    def focus() -> int:
        nonlocal current
        current = next(looked_at)
        return current

    order, free = Outward(count, focus), set(range(count))
    while (taken := order.take()) is not None:
        centre = min(max(current, 0), count - 1)
        assert taken in free
        assert abs(taken - centre) == min(abs(index - centre) for index in free)
        free.remove(taken)
    assert not free


def test_outward_is_fast_for_long_stacks_with_a_restless_reader() -> None:
    asked = 0

    def focus() -> int:
        nonlocal asked
        asked += 1
        return asked * 7919 % 20_000

    order = Outward(20_000, focus)
    assert sorted(iter(order.take, None)) == list(range(20_000))


@pytest.mark.usefixtures("threads")
def test_loading_starts_where_the_reader_is(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 21)
    stack = only_stack(tmp_path)
    order: list[int] = []
    load(stack, focus=lambda: 15, on_slice=lambda index, _: order.append(index))
    assert sorted(order) == list(range(21))
    assert all(abs(index - 15) <= 5 for index in order[:5])
    order.clear()
    load(stack, on_slice=lambda index, _: order.append(index))
    assert all(abs(index - stack.first_shown) <= 5 for index in order[:5])


def test_loading_follows_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "_workers", lambda: 1)
    phantoms.volume(tmp_path, 30)
    order: list[int] = []
    load(only_stack(tmp_path), focus=lambda: 3 if len(order) < 4 else 25, on_slice=lambda index, _: order.append(index))
    assert order[:4] == [3, 4, 2, 5]
    assert order[4:8] == [25, 26, 24, 27]


# --- progress and cancelling ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads")
def test_progress_counts_every_slice(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 12)
    told: list[tuple[int, int]] = []
    load(only_stack(tmp_path), Progress(lambda done, total, _: told.append((done, total))))
    assert sorted(told) == [(done, 12) for done in range(1, 13)]


@pytest.mark.usefixtures("threads")
def test_cancelling_stops_before_the_next_slice(tmp_path: Path, threads: int) -> None:
    phantoms.volume(tmp_path, 40)
    progress, seen = Progress(), []

    def cancel_at_third(index: int, _: SliceImage) -> None:
        seen.append(index)
        if len(seen) == 3:
            progress.cancel()

    with pytest.raises(Cancelled):
        load(only_stack(tmp_path), progress, on_slice=cancel_at_third)
    assert len(seen) < 3 + threads + 1


@pytest.mark.usefixtures("threads")
def test_an_error_in_a_callback_ends_the_load_and_is_raised(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 40)
    seen = []

    def fail(index: int, _: SliceImage) -> None:
        seen.append(index)
        raise KeyError("of the caller")

    with pytest.raises(KeyError, match="of the caller"):
        load(only_stack(tmp_path), on_slice=fail)
    assert len(seen) <= 8


# --- bad slices ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads")
def test_bad_slices_are_isolated_and_named(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 6, names=[f"{n}.dcm" for n in range(6)])
    (tmp_path / "1.dcm").write_bytes((tmp_path / "1.dcm").read_bytes()[:-50])
    stack = only_stack(tmp_path)
    (tmp_path / "4.dcm").unlink()
    volume = load(stack)
    assert [picture is None for picture in volume.slices] == [False, True, False, False, True, False]
    assert list(volume.problems) == [1, 4]
    assert volume.problems[1] == "1.dcm cannot be shown: its pixel data are cut off: 160 bytes expected, 110 found."
    assert volume.problems[4].startswith("4.dcm cannot be shown: it cannot be opened")
    good = [0, 2, 3, 5]
    np.testing.assert_array_equal(volume.stored[good], phantoms.ramp(6)[good])
    assert not volume.stored[[1, 4]].any()


def test_a_frame_of_another_size_is_a_problem_of_its_own(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3)
    stack = only_stack(tmp_path)
    odd = stack.frames[1]
    odd = replace(odd, file=replace(odd.file, format=replace(odd.file.format, columns=4)))
    volume = load(Stack(stack.kind, (stack.frames[0], odd, stack.frames[2])))
    assert list(volume.problems) == [1]
    assert "size and depth of its stack" in volume.problems[1]


@pytest.mark.usefixtures("threads")
def test_one_stack_in_several_encodings(tmp_path: Path) -> None:
    pixels = phantoms.ramp(6).astype(np.uint16)
    encode: list[tuple[str, Callable[[Any], bytes] | None]] = [
        (uid.ExplicitVRLittleEndian, None),
        (uid.ExplicitVRBigEndian, None),
        (uid.ImplicitVRLittleEndian, None),
        (uid.JPEG2000Lossless, lambda p: bytes(imagecodecs.jpeg2k_encode(p, codecformat="j2k", reversible=True))),
        (uid.JPEGLSLossless, lambda p: bytes(imagecodecs.jpegls_encode(p))),
        (uid.JPEGLosslessSV1, lambda p: bytes(imagecodecs.jpeg8_encode(p, lossless=True, bitspersample=16))),
    ]
    places = phantoms.positions(6)
    for index, (syntax, codec) in enumerate(encode):
        own: dict[str, Any] = {
            "instance": index + 1,
            "ImagePositionPatient": [float(v) for v in places[index]],
            "ImageOrientationPatient": list(phantoms.AXIAL),
            "PixelSpacing": [1, 1],
        }
        path = tmp_path / f"{index}.dcm"
        if codec is None:
            phantoms.save(phantoms.image(pixels[index], **own), path, syntax)
        else:
            phantoms.encapsulated(path, [codec(pixels[index])], syntax, pixels=pixels[index], **own)
    stack = only_stack(tmp_path)
    assert len({frame.file.format.transfer_syntax_uid for frame in stack.frames}) == 6
    np.testing.assert_array_equal(load(stack).stored, pixels)


# --- multi-frame files and archives --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["emri_small.dcm", "emri_small_RLE.dcm", "emri_small_jpeg_2k_lossless.dcm", "SC_rgb_2frame.dcm", "liver.dcm"],
)
@pytest.mark.usefixtures("threads")
def test_multi_frame_files(name: str) -> None:
    stack = stack_of(PYDICOM_DATA / name)
    volume = load(stack)
    for index in range(len(stack.frames)):
        np.testing.assert_array_equal(volume.stored[index], read_slice(stack, index).stored)


def test_a_multi_frame_file_is_unpacked_and_its_table_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked: list[FileLocation] = []
    unpack = pixel_source.unpack

    def counted(location: FileLocation, check: Callable[[], None]) -> object:
        unpacked.append(location)
        return unpack(location, check)

    monkeypatch.setattr("radviewer.dicom.pixels.unpack", counted)
    name = "emri_small_jpeg_2k_lossless.dcm"
    phantoms.archive(tmp_path / "study.zip", {name: (PYDICOM_DATA / name).read_bytes()})
    stack = only_stack(tmp_path / "study.zip")
    np.testing.assert_array_equal(load(stack).stored, load(stack_of(PYDICOM_DATA / name)).stored)
    assert len(unpacked) == 1


@pytest.mark.parametrize("in_memory", [1 << 20, 100])
def test_members_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    """Small members are unpacked into memory, large ones into a nameless file."""
    monkeypatch.setattr(pixel_source, "_IN_MEMORY", in_memory)
    files = phantoms.volume(tmp_path / "files", 5)
    phantoms.archive(tmp_path / "study.zip", {path.name: path.read_bytes() for path in files})
    np.testing.assert_array_equal(load(only_stack(tmp_path / "study.zip")).stored, phantoms.ramp(5))


def test_unpacking_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_source, "_IN_MEMORY", 100)
    monkeypatch.setattr(pixel_source, "_STEP", 1000)
    files = phantoms.volume(tmp_path / "files", 1, shape=(100, 100))
    phantoms.archive(tmp_path / "study.zip", {"a.dcm": files[0].read_bytes()})
    stack = only_stack(tmp_path / "study.zip")
    progress = Progress()
    asked: list[bool] = []

    def cancel_at_third(_: Progress) -> None:
        asked.append(True)
        if len(asked) == 3:
            progress.cancel()
        if progress.cancelled:
            raise Cancelled

    monkeypatch.setattr(Progress, "check", cancel_at_third)
    with pytest.raises(Cancelled):
        load(stack, progress)
    assert len(asked) == 3


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    files = phantoms.volume(tmp_path / "files", 3, names=["a", "b", "c"])
    packed = phantoms.archive(tmp_path / "study.zip", {path.name: path.read_bytes() for path in files})
    stack = only_stack(packed)
    data = bytearray(packed.read_bytes())
    at = data.index(b"b", data.index(b"PK\x03\x04", 10)) + 400
    data[at : at + 20] = bytes(20)
    status = packed.stat()
    rotten = tmp_path / "rotten"  # of another inode, for radviewer to open it again, but with the same time
    rotten.write_bytes(data)
    os.utime(rotten, ns=(status.st_atime_ns, status.st_mtime_ns))
    rotten.replace(packed)
    volume = load(stack)
    assert list(volume.problems) == [1]
    assert volume.problems[1].startswith("study.zip/b cannot be shown: it cannot be unpacked: ")


# --- memory --------------------------------------------------------------------------------------------------------


def test_a_stack_beyond_the_limit_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 4)
    stack = only_stack(tmp_path)
    needed = 4 * 8 * 10 * 2
    assert load(stack, memory_limit=needed).problems == {}
    with pytest.raises(TooLarge, match=r"8 × 10 pixels in 4 images"):
        load(stack, memory_limit=needed - 1)


def test_absurd_sizes_are_refused_by_their_product(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 2)
    stack = only_stack(tmp_path)
    frame = stack.frames[0]
    form = replace(frame.file.format, rows=65535, columns=65535)
    huge = Stack(stack.kind, (replace(frame, file=replace(frame.file, format=form)),) * 60_000)
    with pytest.raises(TooLarge, match=r"65,535 × 65,535 pixels in 60,000 images, which needs 515,38\d\.\d GB"):
        load(huge)


def test_memory_that_runs_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may refuse what seemed to be free."""
    phantoms.volume(tmp_path, 3)
    stack = only_stack(tmp_path)

    def refuse(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("radviewer.dicom.pixels.read_words", refuse)
        with pytest.raises(TooLarge, match="needs more memory than there is"):
            read_slice(stack, 0)
        assert list(load(stack).problems) == [0, 1, 2]
    with monkeypatch.context() as patch:
        patch.setattr(np, "zeros", refuse)
        with pytest.raises(TooLarge, match="need more memory than there is"):
            load(stack)


def test_two_loads_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 20)
    stack = only_stack(tmp_path)
    results = []
    runners = [threading.Thread(target=lambda: results.append(load(stack).stored)) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert len(results) == 3
    for stored in results:
        np.testing.assert_array_equal(stored, phantoms.ramp(20))


CHANGED = "it changed since it was scanned; open the folder again"


def test_another_file_in_the_place_of_a_scanned_one_is_not_shown(tmp_path: Path) -> None:
    """Media are swapped, folders are filled anew: names repeat, patients do not."""
    paths = phantoms.volume(tmp_path, 3)
    (stack,) = (k for s in scan(tmp_path).studies for e in s.series for k in e.stacks)
    other = stack.frames[1].file.location
    status = other.path.stat()
    other.path.write_bytes(paths[0].read_bytes() if other.path != paths[0] else paths[1].read_bytes())
    os.utime(other.path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    assert load(stack).problems == {1: f"{other.name} cannot be shown: {CHANGED}."}
    with pytest.raises(UnreadableImage, match=CHANGED):
        read_slice(stack, 1)


def test_another_archive_in_the_place_of_a_scanned_one_is_not_shown(tmp_path: Path) -> None:
    paths = phantoms.volume(tmp_path / "source", 2)
    members = {path.name: path.read_bytes() for path in paths}
    path = phantoms.archive(tmp_path / "z.zip", members)
    (stack,) = (k for s in scan(path).studies for e in s.series for k in e.stacks)
    status = path.stat()
    phantoms.archive(path, dict.fromkeys(members, members[paths[0].name]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    assert set(load(stack).problems) == {0, 1}
    with pytest.raises(UnreadableImage, match=CHANGED):
        read_slice(stack, 0)
