"""What is seen of a run before it ends, and that nothing of it is seen afterwards, however it ends."""

from __future__ import annotations

import pytest

from radviewer.app.glimpses import Reading
from radviewer.app.opinion_state import Idle, Proposed
from radviewer.app.shown import Shown
from radviewer.domain.decision import Policy, stack_id
from radviewer.errors import RadviewerError
from tests.app import opinions
from tests.app.hand_made import heard
from tests.app.opinions import ANATOMY, FINDINGS, film, glimpse
from tests.app.rooms import WAIT
from tests.app.sites import Opener, Site


def streaming(one: Site, shown: Shown) -> None:
    """Run until something was glimpsed; the run goes on."""
    one.worker.hold = True
    one.worker.glimpses = {None: (glimpse(0),), FINDINGS: (glimpse(0),), "late": (glimpse(0, label="late"),)}
    one.prepared()
    one.loaded(shown)
    one.qtbot.waitUntil(lambda: one.opinion.reading(shown) is not None, timeout=WAIT)


def seen(one: Site, shown: Shown) -> list[str]:
    return [g.label for g in one.opinion.glimpses.on(shown.stack.key, 0)]


def test_glimpses_are_seen_while_the_model_runs_and_replaced_by_its_opinion(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    streaming(one, shown)
    assert one.opinion.reading(shown) == Reading(FINDINGS, 1, 1)
    assert seen(one, shown) == ["tuberculosis"]
    assert one.opinion.opinions(shown) == ()
    assert one.store.load(stack_id(shown.stack)) == ()
    one.worker.go_on.set()
    one.wait(shown, Proposed)
    assert seen(one, shown) == []
    assert one.opinion.reading(shown) is None


def test_models_begin_where_the_reader_looks_when_it_is_asked(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    one.looked_at[shown.stack.key] = 34
    one.prepared()
    one.loaded(shown)
    one.looked_at[shown.stack.key] = 50
    one.wait(shown, Proposed)
    assert one.worker.first == [34]


@pytest.mark.parametrize("heeds", [True, False])
def test_glimpses_vanish_with_a_cancelled_run(site: Opener, heeds: bool) -> None:
    one, shown = site(opinions.findings()), film()
    one.worker.heeds = heeds
    streaming(one, shown)
    told = heard(one.opinion.glimpses.changed)
    one.opinion.cancel(shown)
    assert seen(one, shown) == []
    one.worker.go_on.set()
    one.wait(shown, Idle)
    assert seen(one, shown) == []
    assert told == []


def test_glimpses_vanish_with_a_failure(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    one.worker.problem = RadviewerError("The model crashed; run it again.")
    streaming(one, shown)
    one.worker.go_on.set()
    one.wait(shown, Idle)
    assert seen(one, shown) == []


@pytest.mark.parametrize("ending", ["close the study", "quit"])
def test_no_glimpse_comes_after_the_study_was_closed(site: Opener, ending: str) -> None:
    one, shown = site(opinions.findings()), film()
    one.worker.heeds = False
    streaming(one, shown)
    told = heard(one.opinion.glimpses.changed)
    one.opinion.close() if ending == "quit" else one.opinion.close_study()
    one.worker.go_on.set()
    one.qtbot.waitUntil(lambda: not one.queue.busy, timeout=WAIT)
    assert told == []
    assert seen(one, shown) == []


def test_a_superseded_run_shows_nothing_more(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    one.worker.heeds = False
    streaming(one, shown)
    labels: list[str] = []
    one.opinion.glimpses.changed.connect(lambda _key: labels.extend(seen(one, shown)))
    one.opinion.run(shown)
    assert seen(one, shown) == []
    one.worker.glimpses = {None: (glimpse(0, label="second"),), "late": (glimpse(0, label="late"),)}
    one.worker.go_on.set()  # the first run goes on and shows something late
    one.wait(shown, Proposed)
    assert set(labels) <= {"second", "late"}
    assert labels[0] == "second"


def test_two_models_in_turn_are_told_apart(site: Opener) -> None:
    one, shown = site(opinions.anatomy(), opinions.findings(), policy=Policy.ON_REQUEST), film()
    one.prepared()
    one.loaded(shown)
    one.wait(shown, Proposed)
    readings: list[Reading | None] = []
    one.opinion.glimpses.changed.connect(lambda _key: readings.append(one.opinion.reading(shown)))
    one.worker.glimpses = {ANATOMY: (glimpse(0, ANATOMY, "heart"),), FINDINGS: (glimpse(0),)}
    one.opinion.run(shown, (FINDINGS, ANATOMY))
    one.wait(shown, Proposed)
    assert readings == [Reading(FINDINGS, 1, 1), Reading(ANATOMY, 1, 1)]


def test_what_was_glimpsed_was_seen(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    streaming(one, shown)
    one.opinion.reveal(shown)
    assert one.book.revealed(stack_id(shown.stack)) is not None
    assert one.book.in_force(stack_id(shown.stack)) == {}
    one.worker.go_on.set()
    one.wait(shown, Proposed)


def test_a_stricter_policy_hides_what_was_glimpsed(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    streaming(one, shown)
    one.policy = Policy.READ_FIRST
    assert one.opinion.reading(shown) is None
    one.opinion.reveal(shown)
    assert one.book.revealed(stack_id(shown.stack)) is None
    one.worker.go_on.set()
    one.wait(shown, Proposed)
