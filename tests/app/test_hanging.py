"""Which images go where: hanging protocols matched against studies."""

from __future__ import annotations

import subprocess
import sys

import pytest

from radviewer.app.hanging import Case, Plan, Protocol, Wanted, case_of, plans
from radviewer.app.hanging_facts import breast_camera, kind_of, orientation_of, side_of, view_of
from radviewer.app.hanging_table import bundled_table, read_table
from radviewer.app.layouts import Layout
from radviewer.app.shown import Shown
from radviewer.domain.study import Series, Stack, Study
from radviewer.render.view import Camera, ViewTransform
from tests.app.hand_made import plane, stack
from tests.app.hung import ct, everything, film, films, mr, series, study

BUNDLED = read_table(bundled_table(), "")


def case(*studies: Study) -> Case:
    made = case_of(everything(*studies))
    assert made is not None
    return made


def planned(*studies: Study, planes: bool = False) -> Plan | None:
    found = plans(BUNDLED, case(*studies), planes=planes)
    return found[0] if found else None


def hung(plan: Plan | None) -> list[str]:
    """Layout, then what each cell shows: description or label, with date."""
    assert plan is not None
    words = [plan.layout.value]
    for cell in plan.cells:
        shown = cell.shown
        what = "" if shown is None else shown.series.description or shown.stack.frames[0].label
        old = " 2020" if shown is not None and (shown.study.date or "").startswith("2020") else ""
        words.append(f"{what}{old}" if not cell.plane else cell.plane)
    return words


class TestChest:
    def test_frontal_beside_lateral(self) -> None:
        assert hung(planned(study(films("LL", "PA")))) == ["1x2", "PA", "LL"]

    def test_the_prior_beside_the_current_study(self) -> None:
        now, before = study(films("LL", "PA")), study(films("PA", "LAT", name="before"), "20200101")
        assert hung(planned(before, now)) == ["2x2", "PA", "PA 2020", "LL", "LAT 2020"]

    def test_a_prior_without_a_lateral_film(self) -> None:
        now, before = study(films("PA", "LL")), study(films("AP", name="before"), "20200101")
        assert hung(planned(before, now)) == ["1x3", "PA", "LL", "AP 2020"]

    def test_one_view_with_the_prior(self) -> None:
        now, before = study(films("AP")), study(films("PA", "LL", name="before"), "20200101")
        assert hung(planned(before, now)) == ["1x2", "AP", "PA 2020"]

    def test_the_latest_prior_that_is_a_chest_film_counts(self) -> None:
        oldest, older = study(films("PA", name="oldest"), "20200101"), study(films("PA", name="older"), "20210101")
        other = study([ct(20)], "20220101")
        plan = planned(oldest, older, other, study(films("PA")))
        assert plan is not None
        assert [cell.shown.study.date for cell in plan.cells if cell.shown] == ["20240229", "20210101"]

    def test_two_films_of_one_series_are_told_apart(self) -> None:
        both = series("DX", film("LL"), film("PA"), body_part="CHEST")
        assert hung(planned(study([both]))) == ["1x2", "PA", "LL"]

    def test_the_description_tells_the_body_part_where_the_header_does_not(self) -> None:
        unsaid = [series("CR", film(v), description=f"Thorax {v}", number=i) for i, v in enumerate(("PA", "LL"))]
        assert hung(planned(study(unsaid))) == ["1x2", "Thorax PA", "Thorax LL"]

    @pytest.mark.parametrize("body_part", ["HAND", None])
    def test_films_of_other_parts_are_not_chest_films(self, body_part: str | None) -> None:
        assert planned(study(films("PA", "LL", body_part=body_part))) is None

    def test_one_film_alone_is_left_as_it_is(self) -> None:
        assert planned(study(films("PA"))) is None


class TestPriors:
    def films_of(self, **other: str | None) -> Plan | None:
        before = study(films("PA", name="before"), "20200101", **{"patient": "P1", "name": "Test^P1", **other})
        return planned(study(films("PA"), birth="19800101"), before)

    def test_of_the_same_patient(self) -> None:
        assert hung(self.films_of()) == ["1x2", "PA", "PA 2020"]
        assert hung(self.films_of(name="TEST^p1", birth="19800101")) == ["1x2", "PA", "PA 2020"]
        assert hung(self.films_of(name=None)) == ["1x2", "PA", "PA 2020"]

    @pytest.mark.parametrize(
        "other", [{"patient": "P2"}, {"patient": None}, {"name": "Other^P1"}, {"birth": "19810101"}], ids=str
    )
    def test_never_of_another_patient(self, other: dict[str, str | None]) -> None:
        assert self.films_of(**other) is None

    def test_without_an_identity_nobody_is_the_same(self) -> None:
        now, before = study(films("PA"), patient=None), study(films("PA", name="b"), "20200101", patient=None)
        assert planned(before, now) is None

    def test_of_one_day_by_time(self) -> None:
        morning, evening = study(films("AP", name="m"), time="0815"), study(films("PA"), time="200000.25")
        assert case(morning, evening).current is evening
        assert case(morning, evening).priors == (morning,)

    def test_of_one_day_without_a_time_is_none(self) -> None:
        assert case(study(films("AP", name="m"), time=None), study(films("PA"))).priors == ()

    def test_without_a_date_is_none(self) -> None:
        undated = study(films("AP", name="m"), None)
        dated = study(films("PA"))
        assert case(dated, undated).priors == ()
        assert case(undated, dated).current is undated  # the browser's first, and nothing says it is older
        assert case(undated, dated).priors == ()

    def test_the_patient_is_the_one_whose_images_come_first(self) -> None:
        first, other = study(films("PA"), "20200101"), study(films("PA", name="o"), patient="P2", name="Test^P2")
        assert case(first, other).current is first

    def test_nothing_open(self) -> None:
        assert case_of([]) is None


class TestMammography:
    FOUR = ("L MLO", "R CC", "L CC", "R MLO")

    def views(self, *labels: str) -> Study:
        return study(films(*labels, modality="MG", body_part="BREAST"))

    def test_right_breast_at_the_left(self) -> None:
        assert hung(planned(self.views(*self.FOUR))) == ["2x2", "R CC", "L CC", "R MLO", "L MLO"]

    def test_all_views_in_one_series(self) -> None:
        one = series("MG", *(film(label) for label in self.FOUR))
        assert hung(planned(study([one]))) == ["2x2", "R CC", "L CC", "R MLO", "L MLO"]

    def test_a_missing_view_leaves_its_place_empty(self) -> None:
        assert hung(planned(self.views("L MLO", "R CC", "R MLO"))) == ["2x2", "R CC", "", "R MLO", "L MLO"]

    def test_one_breast(self) -> None:
        assert hung(planned(self.views("L MLO", "L CC"))) == ["1x2", "L CC", "L MLO"]

    def test_chest_walls_are_back_to_back(self) -> None:
        plan = planned(self.views(*self.FOUR))
        assert plan is not None
        assert [cell.camera and cell.camera.against for cell in plan.cells] == ["right", "left", "right", "left"]


def corners(camera: Camera) -> tuple[str, str]:
    """Where row 0 and column 0 of an image lie on the screen: edges."""
    view = ViewTransform(camera, (100, 60), (300, 200))
    (row_x, row_y), (column_x, column_y) = view.to_view(0, 29.5), view.to_view(49.5, 0)
    middle_x, middle_y = view.to_view(49.5, 29.5)

    def edge(x: float, y: float) -> str:
        if abs(x - middle_x) > abs(y - middle_y):
            return "left" if x < middle_x else "right"
        return "top" if y < middle_y else "bottom"

    return edge(row_x, row_y), edge(column_x, column_y)


@pytest.mark.parametrize(
    ("orientation", "view", "side", "first"),
    [
        (("P", "L"), "CC", "R", ("top", "left")),  # as stored: back at the right, lateral (right) at the top
        (("A", "L"), "CC", "R", ("top", "right")),  # mirrored
        (("P", "R"), "CC", "R", ("bottom", "left")),  # lateral at the bottom
        (("A", "R"), "CC", "R", ("bottom", "right")),  # turned by 180 degrees
        (("P", "IL"), "MLO", "R", ("top", "left")),
        (("P", "SR"), "MLO", "R", ("bottom", "left")),
        (("L", "P"), "CC", "R", ("left", "top")),  # lies on its side: back at the bottom
        (("L", "A"), "CC", "R", ("right", "top")),
        (None, "CC", "R", ("top", "left")),
        (("L", "I"), "CC", "R", ("top", "left")),  # no breast looks so: left alone
    ],
)
def test_a_chest_wall_comes_to_the_right_edge(
    orientation: tuple[str, str] | None, view: str, side: str, first: tuple[str, str]
) -> None:
    camera = breast_camera(orientation, view, side, "right")
    assert corners(camera) == first
    assert ViewTransform(camera, (100, 60), (300, 200)).image_rectangle()[2] == 300


@pytest.mark.parametrize(
    ("orientation", "first"), [(("A", "R"), ("top", "left")), (("P", "R"), ("top", "right"))], ids=str
)
def test_and_that_of_a_left_breast_to_the_left_edge(orientation: tuple[str, str], first: tuple[str, str]) -> None:
    camera = breast_camera(orientation, "CC", "L", "left")
    assert corners(camera) == first
    assert ViewTransform(camera, (100, 60), (300, 200)).image_rectangle()[0] == 0


class TestMr:
    def test_tiled_by_kind(self) -> None:
        parts = [mr("T2_reg", number=4), mr("FLAIR_reg", number=3), mr("T1post", number=1), mr("T1pre_reg", number=2)]
        assert hung(planned(study(parts))) == ["2x2", "T1pre_reg", "T1post", "T2_reg", "FLAIR_reg"]

    @pytest.mark.parametrize(("count", "layout"), [(2, "1x2"), (3, "1x3"), (4, "2x2"), (5, "2x3"), (6, "2x3")])
    def test_the_layout_holds_the_kinds_there_are(self, count: int, layout: str) -> None:
        names = ("T1 tra", "T1 tra + KM", "T2 tra", "FLAIR tra", "ep2d_diff b1000", "ADC map")[:count]
        plan = planned(study([mr(name, number=i) for i, name in enumerate(names)]))
        assert hung(plan) == [layout, *names]

    def test_one_kind_is_left_as_it_is(self) -> None:
        assert planned(study([mr("T2 tra"), mr("T2 sag")])) is None

    def test_the_axial_and_longest_series_of_a_kind(self) -> None:
        along = [plane((float(x), 0, 0), (0, 1, 0), (0, 0, -1)) for x in range(90)]
        sagittal = series("MR", stack("s", planes=list(along)), description="T1 sag", number=1)
        parts = [sagittal, mr("T1 tra short", 5, number=2), mr("T1 tra", 25, number=3), mr("T2 tra", number=4)]
        assert hung(planned(study(parts)))[1] == "T1 tra"

    def test_reformatted_series_come_last(self) -> None:
        parts = [mr("T1 MPR", 200), mr("T1 tra", 25, number=2), mr("T2 tra", number=3)]
        assert hung(planned(study(parts)))[1] == "T1 tra"

    def test_with_a_prior_it_is_offered_beside_it(self) -> None:
        parts = ("FLAIR", "T1 post")
        now = study([mr(part, number=i) for i, part in enumerate(parts)])
        before = study([mr(f"{part} before", number=i) for i, part in enumerate(parts)], "20200101")
        offered = plans(BUNDLED, case(before, now), planes=False)
        assert offered[0].protocol.name == "MR: by kind of series"
        last = offered[-1]
        assert hung(last) == ["2x2", "FLAIR", "FLAIR before 2020", "T1 post", "T1 post before 2020"]

    def test_a_prior_of_another_body_part_is_none(self) -> None:
        now = study([mr("FLAIR"), mr("T1 post", number=2)])
        knee = study([mr("FLAIR x", body_part="KNEE"), mr("T1 post x", number=2, body_part="KNEE")], "20200101")
        assert all(not plan.protocol.priors for plan in plans(BUNDLED, case(knee, now), planes=False))


@pytest.mark.parametrize(
    ("description", "agent", "kind"),
    [
        ("T1post", True, "T1 post contrast"), ("T1pre_reg", False, "T1"), ("T1 pre", True, "T1"),
        ("AX T1 +C", False, "T1 post contrast"), ("t1_tse_tra_KM", False, "T1 post contrast"),
        ("T1 GD", False, "T1 post contrast"), ("T1 SE", True, "T1 post contrast"), ("T1 w/o contrast", True, "T1"),
        ("T1 posterior fossa", False, "T1"), ("T1 tra nativ", True, "T1"), ("T1CE", False, "T1 post contrast"),
        ("T2 FLAIR post", True, "FLAIR"), ("T2 tra", False, "T2"), ("PD fs", False, "PD"), ("STIR sag", False, "STIR"),
        ("DWI b1000", False, "DWI"), ("ADC", False, "ADC"), ("ep2d_diff_FA", False, ""), ("SWI", False, "SWI"),
        ("TOF 3D", False, "MRA"), ("localizer", False, ""), ("RCBV", False, "perfusion"),
    ],
)  # fmt: skip
def test_the_kind_of_an_mr_series(description: str, agent: bool, kind: str) -> None:
    assert kind_of(mr(description, agent=agent)) == kind


def test_of_several_b_values_the_highest_is_shown() -> None:
    stacks = [stack(f"b{b}", [0.0, 1.0]) for b in (0, 1000, 500)]
    labelled = [Stack(s.kind, s.frames, label=f"b {b}") for s, b in zip(stacks, (0, 1000, 500), strict=True)]
    plan = planned(study([series("MR", *labelled, description="ep2d_diff"), mr("T2 tra", number=2)]))
    assert plan is not None
    assert [cell.shown.stack.label for cell in plan.cells if cell.shown] == ["", "b 1000"]


class TestCt:
    def test_planes_of_the_longest_stack(self) -> None:
        one = study([ct(50), ct(120, number=2), ct(60, number=3)])
        plan = planned(one, planes=True)
        assert hung(plan) == ["2x2", "axial", "coronal", "sagittal", "3d"]
        assert plan is not None
        assert {cell.shown.stack.key for cell in plan.cells if cell.shown} == {one.series[1].stacks[0].key}

    def test_without_planes_it_stays_as_it_is(self) -> None:
        assert planned(study([ct(120)])) is None

    @pytest.mark.parametrize(("slices", "regular"), [(15, True), (47, True), (120, False)])
    def test_few_slices_or_an_irregular_grid_stay_as_they_are(self, slices: int, regular: bool) -> None:
        assert planned(study([ct(slices, regular=regular)]), planes=True) is None

    @pytest.mark.parametrize("slices", [15, 16])
    def test_a_table_cannot_ask_for_planes_of_less_than_16_slices(self, slices: int) -> None:
        mine = Protocol("mine", ("CT",), Layout.ONE, (Wanted(plane="coronal"),))
        assert bool(plans([mine], case(study([ct(slices)])), planes=True)) == (slices == 16)

    def test_beside_the_prior(self) -> None:
        now, before = study([ct(20)]), study([ct(20, name="before")], "20200101")
        plan = planned(before, now)
        assert plan is not None
        assert [cell.shown.study.date for cell in plan.cells if cell.shown] == ["20240229", "20200101"]


def test_other_studies_stay_as_they_are() -> None:
    assert planned(study([series("US", film("")), series("US", film("", name="2"), number=2)])) is None
    assert planned(study([series("PT", stack("pet"))]), planes=True) is None


class TestProtocols:
    def test_an_image_is_shown_once(self) -> None:
        protocol = Protocol("mine", ("DX",), Layout.TWO, (Wanted(), Wanted()))
        (plan,) = plans([protocol], case(study(films("PA", "LL"))), planes=False)
        assert hung(plan) == ["1x2", "PA", "LL"]
        assert plans([protocol], case(study(films("PA"))), planes=False) == ()

    def test_the_view_of_a_protocol_must_be_there(self) -> None:
        protocol = Protocol("mine", ("DX",), Layout.ONE, (Wanted(),), view=("LL",))
        assert plans([protocol], case(study(films("PA", "LL"))), planes=False)
        assert not plans([protocol], case(study(films("PA"))), planes=False)

    def test_the_priors_of_a_protocol_must_be_there(self) -> None:
        protocol = Protocol("mine", ("DX",), Layout.ONE, (Wanted(),), priors=1)
        before = study(films("PA", name="b"), "20200101")
        assert plans([protocol], case(before, study(films("PA"))), planes=False)
        assert not plans([protocol], case(study(films("PA"))), planes=False)

    def test_the_second_prior(self) -> None:
        protocol = Protocol("mine", ("DX",), Layout.TWO, (Wanted(), Wanted(prior=2)), priors=2)
        dates = ("20200101", "20210101", "20240229")
        (plan,) = plans([protocol], case(*(study(films("PA", name=d), d) for d in dates)), planes=False)
        assert [cell.shown.study.date for cell in plan.cells if cell.shown] == ["20240229", "20200101"]

    def test_a_cell_of_another_modality_and_direction(self) -> None:
        along = [plane((float(x), 0, 0), (0, 1, 0), (0, 0, -1)) for x in range(5)]
        sagittal = series("CT", stack("sagittal", planes=list(along)), description="sagittal", number=2)
        both = study([ct(20), sagittal, series("PT", stack("pet"), description="pet", number=3)])
        cells = (Wanted(orientation="sagittal"), Wanted(modality=("PT",)))
        (plan,) = plans([Protocol("mine", ("CT",), Layout.TWO, cells)], case(both), planes=False)
        assert hung(plan) == ["1x2", "sagittal", "pet"]


def test_facts_of_films() -> None:
    def facts(part: Series) -> tuple[str, str]:
        shown = Shown(study([]), part, part.stacks[0])
        return view_of(shown), side_of(shown)

    assert facts(series("MG", film("R CC"))) == ("CC", "R")
    assert facts(series("DX", film("PA"))) == ("PA", "")
    assert facts(series("DX", film(""))) == ("", "")
    assert orientation_of(film("PA")) == ""
    oblique = [plane((0, 0, float(z)), (0.7071, 0.7071, 0), (0, 0, -1)) for z in range(3)]
    assert orientation_of(stack("o", planes=list(oblique))) == ""


def test_matching_needs_no_qt() -> None:
    code = "import sys, radviewer.app.hanging; print([n for n in sys.modules if n.startswith(('PySide6', 'torch'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
