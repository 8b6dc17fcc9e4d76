"""The second opinion as a state: policies, runs, late results, failures, restoring."""

from __future__ import annotations

import pytest

from radviewer.app.opinion_state import Decided, Idle, Proposed, Running, State
from radviewer.app.shown import Shown
from radviewer.domain.decision import Circumstances, Decision, Impression, Policy, Presence, Reveal, Verdict, stack_id
from radviewer.errors import RadviewerError
from tests.app import opinions
from tests.app.hand_made import heard
from tests.app.opinions import ANATOMY, FINDINGS, film
from tests.app.rooms import WAIT
from tests.app.sites import Opener


def _said(state: State) -> list[str]:
    return [] if isinstance(state, Idle) else [o.model for o in state.opinions]


def test_concurrent_runs_all_models_at_once_when_a_film_is_loaded(site: Opener) -> None:
    one, shown = site(opinions.anatomy(), opinions.findings()), film()
    one.loaded(shown)
    assert one.opinion.state(shown) == Idle()  # the cards are not known yet
    one.prepared()
    assert one.worker.up
    state = one.wait(shown, Proposed)
    assert one.worker.asked == [(None, False)]
    assert _said(state) == [ANATOMY, FINDINGS]
    assert one.opinion.labels_for(shown) == ("tuberculosis", "pneumonia")


def test_on_request_outlines_anatomy_and_waits_with_findings(site: Opener) -> None:
    one, shown = site(opinions.anatomy(), opinions.findings(), policy=Policy.ON_REQUEST), film()
    one.prepared()
    one.loaded(shown)
    assert _said(one.wait(shown, Proposed)) == [ANATOMY]
    one.opinion.run(shown, (FINDINGS,))
    assert _said(one.wait(shown, Proposed)) == [ANATOMY, FINDINGS]
    assert one.worker.asked == [(ANATOMY, False), (FINDINGS, False)]


def _impression(shown: Shown) -> Impression:
    circumstances = Circumstances("Dr. Who", "2026-01-01T00:00:00+00:00", Policy.READ_FIRST)
    return Impression(
        shown.study.study_uid,
        shown.series.series_uid,
        stack_id(shown.stack),
        (("tuberculosis", Presence.ABSENT),),
        "clear",
        circumstances,
    )


def test_read_first_shows_nothing_before_the_impression(site: Opener) -> None:
    one, shown = site(opinions.anatomy(), opinions.findings(), policy=Policy.READ_FIRST), film()
    one.prepared()
    one.loaded(shown)
    state = one.opinion.state(shown)
    assert isinstance(state, Idle)
    assert state.awaits_impression
    assert one.worker.asked == []
    one.book.lock(_impression(shown))
    one.opinion.ask_again(shown)
    assert _said(one.wait(shown, Proposed)) == [ANATOMY, FINDINGS]


def test_a_ct_has_no_bundled_model(site: Opener) -> None:
    one, shown = site(opinions.anatomy()), film("ct", "CT")
    one.prepared()
    one.loaded(shown)
    assert one.opinion.state(shown) == Idle()
    one.opinion.run(shown)
    assert one.worker.asked == []


def test_progress_says_how_long_it_takes(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    one.worker.hold = True
    one.prepared()
    one.loaded(shown)
    one.qtbot.waitUntil(lambda: getattr(one.opinion.state(shown), "total", 0) == 2, timeout=WAIT)
    state = one.opinion.state(shown)
    assert isinstance(state, Running)
    assert (state.done, state.text) == (1, "half way")
    assert state.seconds_left is not None
    one.worker.go_on.set()
    one.wait(shown, Proposed)


@pytest.mark.parametrize("heeds", [True, False])
def test_a_late_result_of_a_cancelled_run_is_never_shown(site: Opener, heeds: bool) -> None:
    one, shown = site(opinions.findings()), film()
    one.worker.hold, one.worker.heeds = True, heeds
    one.prepared()
    one.loaded(shown)
    one.qtbot.waitUntil(one.worker.started.is_set, timeout=WAIT)
    one.opinion.cancel(shown)
    one.worker.go_on.set()
    state = one.wait(shown, Idle)
    assert isinstance(state, Idle)
    assert state.note == "Cancelled."
    assert one.opinion.opinions(shown) == ()


def test_a_superseded_run_is_never_shown(site: Opener) -> None:
    one, shown = site(opinions.findings(0.2)), film()
    one.worker.hold, one.worker.heeds = True, False
    one.prepared()
    one.loaded(shown)
    one.qtbot.waitUntil(one.worker.started.is_set, timeout=WAIT)
    states = []
    one.opinion.changed.connect(lambda _key: states.append(one.opinion.opinions(shown)))
    one.opinion.run(shown)
    one.worker.opinions = {FINDINGS: opinions.findings(0.7)}
    one.worker.go_on.set()
    one.wait(shown, Proposed)
    seen = {o.findings[0].probability for said in states for o in said}
    assert seen == {0.7}


@pytest.mark.parametrize("ending", ["close the study", "quit"])
def test_nothing_comes_after_the_study_was_closed_while_running(site: Opener, ending: str) -> None:
    one, shown = site(opinions.findings()), film()
    one.worker.hold, one.worker.heeds = True, False
    one.prepared()
    one.loaded(shown)
    one.qtbot.waitUntil(one.worker.started.is_set, timeout=WAIT)
    if ending == "quit":
        one.opinion.close()
        assert one.worker.closed
    else:
        one.opinion.close_study()
    told = heard(one.opinion.changed)
    one.worker.go_on.set()
    one.qtbot.waitUntil(lambda: not one.queue.busy, timeout=WAIT)
    assert told == []
    assert one.opinion.opinions(shown) == ()


def test_a_failure_is_said_and_what_was_said_before_stays(site: Opener) -> None:
    one, shown = site(opinions.anatomy(), policy=Policy.ON_REQUEST), film()
    one.prepared()
    one.loaded(shown)
    one.wait(shown, Proposed)
    one.worker.problem = RadviewerError("The model crashed; run it again.")
    one.opinion.run(shown, (FINDINGS,))
    state = one.wait(shown, Proposed)
    assert isinstance(state, Proposed)
    assert "crashed" in state.note
    assert _said(state) == [ANATOMY]
    one.worker.problem = None
    one.worker.opinions[FINDINGS] = opinions.findings()
    one.opinion.run(shown)
    state = one.wait(shown, Proposed)
    assert isinstance(state, Proposed)
    assert state.note == ""


def test_an_override_is_logged_and_runs_all_the_same(site: Opener) -> None:
    one, shown = site(opinions.refused()), film()
    one.prepared()
    one.loaded(shown)
    one.wait(shown, Proposed)
    (said,) = one.opinion.opinions(shown)
    one.worker.opinions = {FINDINGS: opinions.findings()}
    one.opinion.override(shown, said)
    one.wait(shown, Proposed)
    assert one.worker.asked[-1] == (FINDINGS, True)


def test_all_flagged_findings_decided_is_a_state_of_its_own(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    one.prepared()
    one.loaded(shown)
    one.wait(shown, Proposed)
    (said,) = one.opinion.opinions(shown)
    circumstances = Circumstances("Dr. Who", "2026-01-01T00:00:00+00:00", Policy.CONCURRENT)
    key = one.opinion.key_of(shown, said, "tuberculosis")
    one.book.decide(Decision(key, Verdict.ACCEPTED, circumstances), "Accept tuberculosis")
    assert isinstance(one.opinion.state(shown), Decided)


def test_what_was_revealed_is_there_again_without_running(site: Opener) -> None:
    shown = film()
    before = site(opinions.anatomy(), opinions.findings())
    before.prepared()
    before.loaded(shown)
    before.wait(shown, Proposed)
    before.opinion.reveal(shown)
    after = site()
    after.prepared()
    after.loaded(shown)
    state = after.wait(shown, Proposed)
    assert _said(state) == [ANATOMY, FINDINGS]
    assert after.worker.asked == []


def test_an_opinion_of_another_version_is_not_restored(site: Opener) -> None:
    shown = film()
    before = site(opinions.anatomy("0.0.1"))
    before.prepared()
    before.loaded(shown)
    before.wait(shown, Proposed)
    before.opinion.reveal(shown)
    after = site(opinions.anatomy("9.9.9"))
    after.prepared()
    after.loaded(shown)
    after.wait(shown, Proposed)
    assert [o.version for o in after.opinion.opinions(shown)] == ["9.9.9"]


def test_a_reveal_is_logged_once(site: Opener) -> None:
    one, shown = site(opinions.findings()), film()
    one.prepared()
    one.loaded(shown)
    one.opinion.reveal(shown)  # nothing to be seen yet
    assert one.book.revealed(stack_id(shown.stack)) is None
    one.wait(shown, Proposed)
    one.opinion.reveal(shown)
    first = one.book.revealed(stack_id(shown.stack))
    assert first is not None
    one.book.reveal(Reveal(*_ids(shown), "Dr. No", "2099-01-01T00:00:00+00:00", Policy.CONCURRENT))
    assert one.book.revealed(stack_id(shown.stack)) == first


def _ids(shown: Shown) -> tuple[str, str, str]:
    return shown.study.study_uid, shown.series.series_uid, stack_id(shown.stack)


def test_a_result_of_one_series_never_shows_on_another(site: Opener) -> None:
    one, first, second = site(opinions.findings(0.9)), film("first"), film("second")
    one.worker.hold = True
    one.prepared()
    one.loaded(first)
    one.qtbot.waitUntil(one.worker.started.is_set, timeout=WAIT)
    one.policy = Policy.READ_FIRST
    one.loaded(second)  # the reader has gone on
    one.worker.go_on.set()
    one.wait(first, Proposed)
    assert one.opinion.opinions(second) == ()


def test_a_policy_that_becomes_stricter_asks_for_the_impression(site: Opener) -> None:
    one, shown = site(opinions.findings(), policy=Policy.ON_REQUEST), film()
    one.prepared()
    one.loaded(shown)
    one.wait(shown, Idle, Proposed)
    other = film("other")
    one.policy = Policy.READ_FIRST
    one.loaded(other)
    one.opinion.follow_policy()
    state = one.opinion.state(other)
    assert isinstance(state, Idle)
    assert state.awaits_impression
    one.opinion.run(other)
    assert one.worker.asked in ([], [(ANATOMY, False)])
