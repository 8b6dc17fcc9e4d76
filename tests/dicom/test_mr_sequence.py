"""What the scan keeps of how an MR series was acquired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.data import get_testdata_file

from radviewer.dicom.scan import scan
from radviewer.domain.mr_sequence import MrSequence
from tests import phantoms
from tests.phantoms import item

SYNTAXES = [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian]


def sequence_of(folder: Path) -> MrSequence | None:
    ((series,),) = [study.series for study in scan(folder).studies]
    return series.sequence


def test_every_attribute_is_read(tmp_path: Path) -> None:
    phantoms.volume(
        tmp_path,
        modality="MR",
        RepetitionTime=9000,
        EchoTime="127.764",
        InversionTime=2250,
        FlipAngle=111,
        ScanningSequence=("SE", "IR"),
        SequenceVariant=("SK", "SP"),
        SequenceName="*tir2d1_21",
        SpecificCharacterSet="ISO_IR 192",
        ProtocolName="Schädel FLAIR",
        ContrastBolusAgent="9 ml",
        ImageType=("ORIGINAL", "PRIMARY", "M", "nd"),
    )
    assert sequence_of(tmp_path) == MrSequence(
        repetition_time_ms=9000,
        echo_time_ms=127.764,
        inversion_time_ms=2250,
        flip_angle=111,
        scanning_sequence=("SE", "IR"),
        sequence_variant=("SK", "SP"),
        sequence_name="*tir2d1_21",
        protocol_name="Schädel FLAIR",
        image_type=("ORIGINAL", "PRIMARY", "M", "ND"),
        contrast_agent=True,
    )


def test_nothing_said_is_nothing_known(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, modality="MR", ImageType=None)
    assert sequence_of(tmp_path) == MrSequence()


def test_only_mr_has_a_sequence(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, modality="CT", ProtocolName="FLAIR")
    assert sequence_of(tmp_path) is None


@pytest.mark.parametrize(
    "raw", [b"", b"nan", b"inf", b"-5", b"0", b"1e300", b"9" * 4000, b"abc", b"\xff\xfe\x00", b"\\\\3", b"1_0"]
)
def test_a_nonsensical_number_is_unknown(tmp_path: Path, raw: bytes) -> None:
    times: dict[str, Any] = dict.fromkeys(("RepetitionTime", "EchoTime", "InversionTime", "FlipAngle"), raw)
    phantoms.volume(tmp_path, 1, modality="MR", **times)
    found = sequence_of(tmp_path)
    assert found is not None
    assert {found.repetition_time_ms, found.echo_time_ms, found.inversion_time_ms, found.flip_angle} == {None}


def test_endless_words_are_cut(tmp_path: Path) -> None:
    own: dict[str, Any] = {
        "ProtocolName": b"x" * 60_000,
        "ScanningSequence": b"SE\\" * 9000,
        "ContrastBolusAgent": "none",
    }
    phantoms.volume(tmp_path, 1, modality="MR", **own)
    found = sequence_of(tmp_path)
    assert found is not None
    assert len(found.protocol_name or "") <= 512
    assert found.scanning_sequence == ("SE",) * 16
    assert not found.contrast_agent


def test_the_first_image_speaks_for_the_series(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3, modality="MR", names=["a", "b", "c"], RepetitionTime=[1000, 2000, 3000])
    found = sequence_of(tmp_path)
    assert found is not None
    assert found.repetition_time_ms == 1000


GROUPS: dict[str, Any] = {
    "MRTimingAndRelatedParametersSequence": item(RepetitionTime=9000.0, FlipAngle=90.0),
    "MREchoSequence": item(EffectiveEchoTime=120.0),
    "MRModifierSequence": item(InversionRecovery="YES", InversionTimes=[2500.0, 300.0]),
    "MRImageFrameTypeSequence": item(AcquisitionContrast="FLUID_ATTENUATED"),
}
ENHANCED = MrSequence(
    repetition_time_ms=9000,
    echo_time_ms=120,
    inversion_time_ms=2500,
    flip_angle=90,
    sequence_name="FLAIR3D",
    acquisition_contrast="FLUID_ATTENUATED",
    contrast_agent=True,
)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("shared", [True, False])
def test_functional_groups_are_read(tmp_path: Path, syntax: str, shared: bool) -> None:
    where: dict[str, Any] = {"shared": GROUPS} if shared else {"groups": [GROUPS] * 4}
    own: dict[str, Any] = {
        "PulseSequenceName": "FLAIR3D",
        "ContrastBolusAgentSequence": (item(ContrastBolusAgent="Gd"),),
    }
    path = phantoms.enhanced(tmp_path / "e.dcm", **where, **own)
    phantoms.save(pydicom.dcmread(path), path, syntax)
    assert sequence_of(tmp_path) == ENHANCED


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0, 1e300])
def test_nonsense_in_functional_groups_is_unknown(tmp_path: Path, value: float) -> None:
    shared = {"MREchoSequence": item(EffectiveEchoTime=value), "MRModifierSequence": item(InversionTimes=[value])}
    phantoms.enhanced(tmp_path / "e.dcm", shared=shared)
    assert sequence_of(tmp_path) == MrSequence()


def test_the_first_frame_overrides_what_is_shared(tmp_path: Path) -> None:
    echoes = [{"MREchoSequence": item(EffectiveEchoTime=80.0 + k)} for k in range(4)]
    phantoms.enhanced(tmp_path / "e.dcm", shared=GROUPS, groups=echoes)
    ((series,),) = [study.series for study in scan(tmp_path).studies]
    assert series.sequence is not None
    assert (series.sequence.echo_time_ms, series.sequence.repetition_time_ms) == (80, 9000)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "MR_small.dcm",
            MrSequence(
                repetition_time_ms=4000,
                echo_time_ms=240,
                flip_angle=90,
                scanning_sequence=("SE",),
                sequence_variant=("NONE",),
                image_type=("DERIVED", "SECONDARY", "OTHER"),
            ),
        ),
        (
            "emri_small.dcm",
            MrSequence(
                image_type=("ORIGINAL", "PRIMARY", "T1", "NONE"), sequence_name="T1TFE", acquisition_contrast="T1"
            ),
        ),
    ],
)
def test_real_files(tmp_path: Path, name: str, expected: MrSequence) -> None:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    (tmp_path / name).write_bytes(Path(path).read_bytes())
    assert sequence_of(tmp_path) == expected
