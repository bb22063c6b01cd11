"""The probe settles what every variant of the simulator does, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import get_args, get_type_hints

import pytest

from connector.domain.diagnosis.probing import QUESTIONS, Clarity, settings_of
from connector.errors import ConnectorError, InvalidRequestError
from connector.services.doctor.probe import ESTIMATE
from connector.settings import Behaviour
from simulator.faults import Fault
from simulator.variants import Variants
from tests.connector import ManualClock, connected
from tests.simulated import simulated
from tests.visitors import ROOT

_SMALL = {"admin_take_maximum": [20, 250], "stale_reads": [0, 3], "refresh_days": [30]}
"""Of variants that are numbers: enough to meet both sides."""


def _values(name):
    hint = get_type_hints(Variants)[name]
    if hint is bool:
        return [True, False]
    return list(get_args(hint)) or _SMALL.get(name, [getattr(Variants(), name)])


EVERY_VARIANT = [(item.name, value) for item in fields(Variants) for value in _values(item.name)]


@pytest.fixture(scope="module")
def connector(tmp_path_factory):
    clock = ManualClock()
    path = tmp_path_factory.mktemp("probe") / "connector.db"
    running = connected(path, world=simulated(50, now=clock.now), clock=clock)
    yield running
    running.close()


@pytest.fixture(autouse=True)
def _as_it_was(connector):
    yield
    connector.world.faults.clear()
    connector.world.state.variants = Variants()
    connector.services.probe.clean_up(ROOT)


@pytest.fixture
def _before_midnight(connector):
    """Leave the last minutes of a day, in which a date cannot be told from a time."""
    now = connector.clock.now()
    if (now + timedelta(minutes=30)).date() != now.date():
        connector.clock.advance(3600)


def run(connector, **options):
    account_id = connector.world.account.account_id
    return connector.services.probe.run(
        ROOT, account_id=account_id, domain="example.com", **options
    )


def found(connector, **variants):
    connector.world.set_variants(**variants)
    return {answer.question.code: answer for answer in run(connector)}


def left_over(connector):
    """Return what a probe has left open, as DocuSign has it."""
    state = connector.world.state
    users = [u.email for u in state.users.values() if u.email.startswith("iga-probe") and u.is_open]
    names = [g.name for a in state.accounts.values() for g in a.groups.values()]
    return users + [name for name in names if name.startswith("IGA probe")]


def others(connector):
    """Return everybody who is no probe's, with everything that a probe could touch."""
    return {
        user.user_id: (
            user.user_name,
            [(m.status, m.profile_id, m.group_ids) for m in user.memberships.values()],
        )
        for user in connector.world.state.users.values()
        if not user.email.startswith("iga-probe")
    }


@pytest.mark.parametrize(("name", "value"), EVERY_VARIANT)
def test_every_variant_is_probed_and_nothing_is_left(connector, name, value):
    before = others(connector)
    answers = found(connector, **{name: value})
    assert list(answers) == [question.code for question in QUESTIONS]
    assert left_over(connector) == []
    assert others(connector) == before
    assert connector.services.probe.left_over() is None
    assert set(settings_of(list(answers.values()))) <= {item.name for item in fields(Behaviour)}


@pytest.mark.parametrize(
    ("variants", "code", "value"),
    [
        ({}, "reactivation", "resend_activation"),
        ({"reopen_by_resend": False}, "reactivation", "user_status"),
        (
            {"reopen_by_resend": False, "reopen_by_status": False},
            "reactivation",
            "admin_profiles",
        ),
        ({"list_groups": True}, "groups_in_lists", "yes"),
        ({"list_groups": False}, "groups_in_lists", "no"),
        ({"list_profile_ids": "right"}, "profile_ids_in_lists", "trust"),
        ({"list_profile_ids": "wrong"}, "profile_ids_in_lists", "by_name"),
        ({"list_profile_ids": "absent"}, "profile_ids_in_lists", "by_name"),
        ({"rename_by": "both"}, "rename_by", "parts"),
        ({"rename_by": "parts"}, "rename_by", "parts"),
        ({"rename_by": "full"}, "rename_by", "full"),
        ({"admin_take_maximum": 20}, "page_size", 20),
        ({"modified_since": "date"}, "modified_since", "date"),
        ({}, "modified_since", "time"),
    ],
)
@pytest.mark.usefixtures("_before_midnight")
def test_a_setting_follows_from_what_was_seen(connector, variants, code, value):
    answer = found(connector, **variants)[code]
    assert (answer.clarity, answer.value) == (Clarity.SETTLED, value)


@pytest.mark.parametrize(
    ("variants", "code", "words"),
    [
        ({"created_status": "Active"}, "created_status", "active"),
        ({"created_status": "ActivationRequired"}, "created_status", "activation_required"),
        ({"put_pending": "done"}, "pending_changes", "Yes"),
        ({"put_pending": "ignored"}, "pending_changes", "ignored"),
        ({"put_pending": "refused"}, "pending_changes", "refused"),
        ({"created_status": "Active"}, "pending_changes", "nobody to try"),
        ({"put_pending": "refused"}, "rename_by", "cannot be changed here"),
        ({"put_group_list": "ignored"}, "group_list_in_updates", "ignored"),
        ({"put_group_list": "replaced"}, "group_list_in_updates", "replaces"),
        ({"put_group_list": "added"}, "group_list_in_updates", "adds"),
        ({"add_existing_group_member": "refused"}, "member_twice", "refused"),
        ({"exists_error_has_user_id": True}, "exists_tells_id", "Yes"),
        ({"exists_error_has_user_id": False}, "exists_tells_id", "No"),
        ({"close_closed": "refused"}, "close_twice", "refused"),
        ({"close_closed": "done"}, "close_twice", "as done"),
        ({"recreate_closed": "new_user"}, "recreation", "second user"),
        ({"recreate_closed": "reopens"}, "recreation", "same user"),
        ({"admin_take_maximum": 5000}, "page_size", "one page"),
        ({"people_modified_within_days": 3650}, "profiles_of_all", "shown"),
        ({}, "admin_flag", "says yes"),
    ],
)
def test_what_is_handled_either_way_is_told(connector, variants, code, words):
    assert words in found(connector, **variants)[code].found


def test_what_no_way_opens_again_is_said(connector):
    ways = {"reopen_by_resend": False, "reopen_by_status": False, "reopen_by_admin_profiles": False}
    answer = found(connector, **ways)["reactivation"]
    assert answer.value is None
    assert "none of the known ways" in answer.found


def test_a_slow_account_is_given_more_time(connector):
    answers = found(connector, stale_reads=3)
    assert answers["read_after_write"].value >= 2.0


def test_it_costs_no_more_calls_than_it_says(connector, monkeypatch):
    gate = connector.application.connection._gate
    calls, learn = [], gate.learn

    def counted(*given):
        calls.append(given)
        learn(*given)

    monkeypatch.setattr(gate, "learn", counted)
    run(connector)
    assert 20 < len(calls) <= ESTIMATE


@pytest.mark.parametrize("nth", [3, 8, 15, 25, 40])
def test_a_probe_that_is_broken_off_is_cleaned_up_by_the_next(connector, nth):
    connector.world.faults.add(Fault("error", path="/restapi/", nth=nth, times=None, status=503))
    with pytest.raises(ConnectorError):
        run(connector)
    connector.world.faults.clear()
    run(connector)
    assert left_over(connector) == []
    assert connector.services.probe.left_over() is None


def test_production_is_refused_unless_it_is_meant(connector, monkeypatch):
    prober = connector.services.probe._prober
    monkeypatch.setattr(prober, "_environment", "production")
    with pytest.raises(InvalidRequestError, match="This is production"):
        run(connector)
    assert run(connector, force=True)
