"""Which MR series is the FLAIR."""

from __future__ import annotations

from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from radviewer.ai.context import context_of
from radviewer.ai.mr_sequences import Kind, flair_of, is_brain, weighting
from radviewer.dicom.scan import scan
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.study import Study
from tests import phantoms

FLAIR_TIMES: dict[str, Any] = {"repetition_time_ms": 9000.0, "echo_time_ms": 120.0, "inversion_time_ms": 2500.0}
CUBE_TIMES = {"repetition_time_ms": 4800.0, "echo_time_ms": 395.0, "inversion_time_ms": 1650.0}
T1_FLAIR_TIMES: dict[str, Any] = {"repetition_time_ms": 2000.0, "echo_time_ms": 20.0, "inversion_time_ms": 860.0}
LATE_ECHO: dict[str, Any] = {"repetition_time_ms": 4000.0, "echo_time_ms": 90.0, "scanning_sequence": ("SE",)}
EARLY_ECHO = LATE_ECHO | {"echo_time_ms": 15.0}

DESCRIPTIONS = {
    Kind.FLAIR: [
        "AX FLAIR", "Ax T2 FLAIR", "FLAIRreg", "FLAIR_reg", "FLAIR longTR", "sT2W_FLAIR", "t2_tirm_tra_dark-fluid",
        "t2_space_dark-fluid_sag_p2_iso", "t2_spc_da-fl_sag", "CUBE T2 FLAIR", "Sag CUBE FLAIR FS", "VISTA FLAIR",
        "3D_Brain_VIEW_FLAIR_SHC", "AXFLAIR+C", "eFLAIR_longTR SENSE", "T2 fluid attenuated IR", "Ax FLAIR PROPELLER",
        "FLAIR_to_T1", "FLAIR2T1", "sub-01_FLAIR", "Т2 FLAIR tra", "FLAIR axial después de contraste",
        "OAx T2 FLAIR FS", "AX FLAIR PROJECT 12", "SCREENING FLAIR", "FLAIR MPR", "FLAIR PERFORMED LAST",
        "FLAIR SUB-ACUTE", "AX FLAIR POST CHEMO", "T2 FLAIR HEADCOIL", "AX FLAIR 1mm sub-mm", "FLAIR diffuse glioma",
        "3D FLAIR stealth localization", "FLAIR broadcast",
    ],
    Kind.T1: [
        "AX T1", "T1post", "T1prereg", "T1pre_reg", "AXT1", "sT1W_3D_TFE", "3DT1", "Sag T1 FLAIR", "T1 FLAIR tra",
        "t1_tirm_tra_dark-fluid", "t1_mprage_sag_p2_iso", "Ax 3D BRAVO +C", "FSPGR 3D", "T1W +GD", "WAX T1 GRE",
        "AX T1 C- FLAIR", "T1 pondéré", "Т1 tra", "T1_FFE", "AX T1 PC",
    ],
    Kind.T2: ["AX T2", "T2reg", "T2_reg", "t2_tse_tra", "T2W_TSE", "AxT2 FRFSE", "HASTE cor", "t2_space_sag"],
    Kind.PROTON_DENSITY: ["AX PD", "sPDW_TSE", "pd_tse_fs", "Proton density", "DP axial"],
    Kind.DIFFUSION: [
        "AX DWI b1000", "ep2d_diff_3scan_trace_p2_ADC", "ADC", "eADC", "DTI 64 dir", "FA", "colFA", "Difusión axial",
        "TRACEW", "DWI FLAIR", "Apparent Diffusion Coefficient (mm2/s)", "ep_b1000t", "resolve_4scan", "b=1000",
        "dADC Map", "AX diffuse weighted", "DWIADC", "ep2d_3scanADC", "AvgADC", "AX DIFFUSE",
    ],
    Kind.SUSCEPTIBILITY: ["SWI_Images", "SWAN", "AX T2*", "T2 star", "T2W_FFE", "t2_fl2d_tra_hemo", "AX GRE"],
    Kind.ANGIOGRAPHY: ["TOF_3D_multi-slab", "3D TOF MRA", "MRV", "Angio ARM", "3DTOF", "MRA COW"],
    Kind.LOCALIZER: ["localizer", "3 Plane Loc", "AAHead_Scout", "Survey", "SmartBrain survey", "T/S/C RF FAST PILOT",
                     "Localisateur", "Repérage", "Übersicht", "FLAIR localizer", "Localisation",
                     "IRM Localisation", "AX LOCALIZATION FLAIR"],
    Kind.PERFUSION: ["AX PERFUSION", "relCBV", "ep2d_perf", "pCASL", "3D ASL", "DSC", "rCBF", "Perfusión"],
    Kind.OTHER: [
        "COR STIR", "3D DIR", "PSIR", "CISS", "FIESTA-C", "T1 map", "T2 Mapping", "B0 map", "fMRI", "FLAIR MIP",
        "T1 SUB", "T1 subtraction", "FLAIR difference", "FLAIR_mask", "Sustracción T1", "FLAIR tumor segmentation",
        "T2 minIP",
    ],
    Kind.UNKNOWN: ["", "AX", "Series 4", "test1", "T10 level", "T1/T2", "PD/T2", "POST GAD", "MPR"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), [(text, kind) for kind, texts in DESCRIPTIONS.items() for text in texts])
def test_a_description_names_the_weighting(text: str, kind: Kind) -> None:
    verdict = weighting(text, None)
    assert verdict.kind is kind
    assert verdict.why.startswith("neither" if not verdict.why.count('"') else 'the description says "')


@pytest.mark.parametrize(
    ("sequence", "kind", "why"),
    [
        (FLAIR_TIMES, Kind.FLAIR, "InversionTime 2500 ms with EchoTime 120 ms"),
        (CUBE_TIMES, Kind.FLAIR, "InversionTime 1650 ms with EchoTime 395 ms"),
        (FLAIR_TIMES | {"echo_time_ms": 10.0}, Kind.UNKNOWN, "neither"),
        (FLAIR_TIMES | {"repetition_time_ms": None}, Kind.UNKNOWN, "neither"),
        (FLAIR_TIMES | {"inversion_time_ms": 160.0}, Kind.OTHER, "STIR"),
        (T1_FLAIR_TIMES, Kind.T1, "InversionTime 860"),
        ({"repetition_time_ms": 2300.0, "echo_time_ms": 2.9, "inversion_time_ms": 900.0}, Kind.T1, ""),
        (EARLY_ECHO | {"repetition_time_ms": 500.0}, Kind.T1, "RepetitionTime 500"),
        (LATE_ECHO, Kind.T2, "EchoTime 90"),
        (EARLY_ECHO, Kind.PROTON_DENSITY, ""),
        (LATE_ECHO | {"scanning_sequence": ("SE", "EP")}, Kind.UNKNOWN, ""),
        (LATE_ECHO | {"scanning_sequence": ("SE", "IR")}, Kind.UNKNOWN, ""),
        ({"repetition_time_ms": 20.0, "echo_time_ms": 4.0, "scanning_sequence": ("GR",)}, Kind.UNKNOWN, ""),
        ({"repetition_time_ms": 9000.0, "inversion_time_ms": 2500.0}, Kind.UNKNOWN, ""),
        ({"acquisition_contrast": "FLUID_ATTENUATED"}, Kind.FLAIR, "AcquisitionContrast is FLUID_ATTENUATED"),
        ({"acquisition_contrast": "T2_STAR"}, Kind.SUSCEPTIBILITY, ""),
        ({"acquisition_contrast": "MIXED"}, Kind.UNKNOWN, ""),
        ({"protocol_name": "AX FLAIR"}, Kind.FLAIR, 'the protocol says "FLAIR"'),
        ({"sequence_name": "*ep_b1000"}, Kind.DIFFUSION, 'the sequence name says "b1000"'),
        ({"sequence_name": "*tir2d1_21", "inversion_time_ms": 2500.0}, Kind.FLAIR, 'the sequence says "'),
        ({"sequence_name": "*tir2d1_21", "inversion_time_ms": 160.0}, Kind.UNKNOWN, ""),
        ({"image_type": ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")}, Kind.DIFFUSION, "ImageType is DIFFUSION"),
    ],
)  # fmt: skip
def test_without_a_description(sequence: dict[str, Any], kind: Kind, why: str) -> None:
    verdict = weighting(None, MrSequence(**sequence))
    assert verdict.kind is kind
    assert why in verdict.why


@pytest.mark.parametrize(
    ("text", "sequence", "kind", "why"),
    [
        ("AX FLAIR", FLAIR_TIMES, Kind.FLAIR, 'the description says "FLAIR"'),
        ("FLAIR", LATE_ECHO, Kind.FLAIR, ""),
        ("FLAIR", {"acquisition_contrast": "T2"}, Kind.FLAIR, ""),
        ("FLAIR", FLAIR_TIMES | {"protocol_name": "Brain - RCBV"}, Kind.FLAIR, ""),
        ("FLAIR", FLAIR_TIMES | {"inversion_time_ms": 400.0}, Kind.UNKNOWN, "but InversionTime 400 ms does not"),
        ("FLAIR", FLAIR_TIMES | {"inversion_time_ms": 160.0}, Kind.UNKNOWN, "InversionTime 160 ms"),
        ("FLAIR", FLAIR_TIMES | {"echo_time_ms": 9.0}, Kind.UNKNOWN, "EchoTime 9 ms is too short"),
        ("FLAIR", {"repetition_time_ms": 600.0}, Kind.UNKNOWN, "RepetitionTime 600 ms is too short"),
        ("FLAIR", {"acquisition_contrast": "DIFFUSION"}, Kind.UNKNOWN, "but AcquisitionContrast is DIFFUSION"),
        ("FLAIR", T1_FLAIR_TIMES, Kind.T1, "is a T1 FLAIR's"),
        ("FLAIR", {"image_type": ("DERIVED", "SECONDARY", "MIP")}, Kind.OTHER, "ImageType is MIP"),
        ("FLAIR", {"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, Kind.LOCALIZER, ""),
        ("FLAIR", {"image_type": ("DERIVED", "SECONDARY", "OTHER")}, Kind.FLAIR, ""),
        ("T1 FLAIR", FLAIR_TIMES, Kind.UNKNOWN, "is a FLAIR's"),
        ("AX T1", FLAIR_TIMES, Kind.UNKNOWN, 'the description says "T1", but InversionTime 2500 ms'),
        ("AX T2", FLAIR_TIMES, Kind.UNKNOWN, "is a FLAIR's"),
        ("DWI", FLAIR_TIMES, Kind.UNKNOWN, "is a FLAIR's"),
        ("AX T2", FLAIR_TIMES | {"protocol_name": "AX FLAIR"}, Kind.FLAIR, 'the protocol says "FLAIR", Inversion'),
        ("AX T2", {"acquisition_contrast": "FLUID_ATTENUATED"}, Kind.FLAIR, "AcquisitionContrast"),
        ("AX T2", {"protocol_name": "BRAIN WITH FLAIR"}, Kind.T2, ""),
        ("t2_tirm_tra", FLAIR_TIMES, Kind.FLAIR, 'the description says "tirm", InversionTime is 2500 ms'),
        ("t2_tirm_cor", FLAIR_TIMES | {"inversion_time_ms": 160.0}, Kind.OTHER, "as in STIR"),
        ("AX T1", LATE_ECHO, Kind.UNKNOWN, "T2's"),
        ("PD/T2", LATE_ECHO, Kind.T2, ""),
        ("PD/T2", EARLY_ECHO, Kind.PROTON_DENSITY, ""),
        ("PD/T2", FLAIR_TIMES, Kind.UNKNOWN, ""),
    ],
)  # fmt: skip
def test_words_first_then_times(text: str, sequence: dict[str, Any], kind: Kind, why: str) -> None:
    verdict = weighting(text, MrSequence(**sequence))
    assert verdict.kind is kind
    assert why in verdict.why


@pytest.mark.parametrize(
    "text", ["\0" * 4096, "FLAIR" * 100_000, "ß" * 999, "\ud800ﬁ¨İ FLAIR", "t" * 9999 + "1", "=" * 9999]
)
def test_hostile_words_are_borne(text: str) -> None:
    verdict = weighting(text, MrSequence(protocol_name=text, image_type=(text,), acquisition_contrast=text))
    assert len(verdict.why) < 200
    is_brain(text, text)


@pytest.mark.parametrize(
    ("part", "description", "expected"),
    [
        ("BRAIN", "AX FLAIR", True),
        ("HEAD", None, True),
        (None, "t2_tse_tra_Kopf", True),
        (None, "Cráneo FLAIR", True),
        ("SCHÄDEL", None, True),
        ("KNEE", "T2", False),
        ("CSPINE", None, False),
        ("PELVIS", "", False),
        ("BRAIN", "SAG T2 C-SPINE", False),
        ("LSPINE", "BRAIN FLAIR", True),
        ("HEADNECK", None, None),
        (None, "HIPPOCAMPUS FLAIR", None),
        ("", "", None),
        (None, None, None),
        ("UNKNOWN", "AX FLAIR", None),
    ],
)
def test_is_brain(part: str | None, description: str | None, expected: bool | None) -> None:
    assert is_brain(part, description) is expected


def study_of(folder: Path, *series: tuple[int | None, str, dict[str, Any]]) -> Study:
    for place, (number, description, own) in enumerate(series):
        elements = {"modality": "MR", "series": f"s{place}", "SeriesNumber": number, "SeriesDescription": description}
        phantoms.volume(folder / str(place), **({"slices": 3} | elements | own))
    (study,) = scan(folder).studies
    return study


def test_the_flair_of_a_study_and_its_reason(tmp_path: Path) -> None:
    study = study_of(
        tmp_path, (3, "AX T1", {}), (5, "AX FLAIR", {"BodyPartExamined": "BRAIN"}), (6, "FLAIR", {"modality": "CT"})
    )
    pick = flair_of(study)
    assert pick is not None
    assert (pick.series.number, pick.why) == (5, 'the description says "FLAIR"')
    contexts = [context_of(study, series, series.stacks[0]) for series in study.series]
    assert {c.flair for c in contexts} == {'series 5 "AX FLAIR" (the description says "FLAIR")'}
    assert [(c.series_number, c.sequence is None) for c in contexts] == [(3, False), (5, False), (6, True)]
    here, there = Pipe()  # as they reach the network's process
    with here, there:
        here.send(contexts)
        assert there.recv() == contexts


@pytest.mark.parametrize(
    ("series", "number", "why"),
    [
        (
            [(1, "SAG FLAIR", {"orientation": phantoms.SAGITTAL, "slices": 9}), (2, "AX FLAIR", {})],
            2,
            "; of 2 FLAIR series the axial one",
        ),
        ([(1, "FLAIR", {}), (2, "FLAIR", {"slices": 4}), (3, "FLAIR", {"slices": 4})], 2, "the longest, first one"),
        ([(8, "FLAIR", {}), (4, "FLAIR", {}), (None, "FLAIR", {})], 4, "of 3 FLAIR series the first one"),
        ([(1, "AX FLAIR MPR", {"slices": 9}), (2, "COR FLAIR", {"orientation": phantoms.CORONAL})], 2, 'says "FLAIR"'),
        ([(1, "FLAIR", {"ImageType": ("DERIVED", "SECONDARY", "MPR")}), (2, "FLAIR", {})], 2, 'says "FLAIR"'),
        ([(1, "C-SPINE FLAIR", {"slices": 9}), (2, "FLAIR", {})], 2, 'says "FLAIR"'),
        ([(None, "", {"RepetitionTime": 9000, "EchoTime": 120, "InversionTime": 2500})], None, "InversionTime 2500"),
    ],
)
def test_of_several_one_is_chosen(tmp_path: Path, series: list[Any], number: int | None, why: str) -> None:
    study = study_of(tmp_path, *series)
    pick = flair_of(study)
    assert pick is not None
    assert pick.series.number == number
    assert pick.why.endswith(why) or why in pick.why
    named = context_of(study, study.series[0], study.series[0].stacks[0]).flair
    assert named is not None
    assert named.startswith("series without a number (" if number is None else f"series {number} ")


@pytest.mark.parametrize("description", ["AX T1", "FLAIR MIP", "FLAIR localizer", "KNEE FLAIR", "FLAIR MPR", "AX"])
def test_a_study_without_a_flair(tmp_path: Path, description: str) -> None:
    study = study_of(tmp_path, (1, description, {}))
    assert flair_of(study) is None
    assert context_of(study, study.series[0], study.series[0].stacks[0]).flair is None
