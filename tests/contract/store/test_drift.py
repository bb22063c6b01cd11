"""What is expected, and what was found, on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import ExpectedMembership, KnownEntitlement, Origin
from connector.domain.drift.findings import FindingFilter, FindingState
from connector.errors import NotFoundError, UniquenessError
from connector.store import SqlStore
from tests.contract.store import people, records
from tests.contract.store.people import ACCOUNT, NOW


def test_an_expectation_comes_back_as_it_was(store: SqlStore) -> None:
    expected = records.expected(roles=frozenset({"organization-admin"}), managed_by_scim=True)
    with store.write("one") as unit:
        unit.drift.put_expected([expected])
        assert unit.drift.expected(["user-00001", "nobody"]) == {"user-00001": expected}
        adopted = records.expected(origin=Origin.ADOPTED)
        unit.drift.put_expected([adopted])
        assert unit.drift.expected(["user-00001"]) == {"user-00001": adopted}
        unit.drift.remove_expected("user-00001")
        assert unit.drift.expected(["user-00001"]) == {}


def test_whom_the_mirror_lacks_is_found(store: SqlStore) -> None:
    with store.write("one") as unit:
        unit.mirror.put_users([people.user(1)], NOW)
        unit.drift.put_expected([records.expected(name) for name in ("user-00001", "x", "y")])
        assert unit.drift.expected_but_unknown() == ["x", "y"]
        assert unit.drift.expected_but_unknown("x") == ["y"]


def test_who_is_expected_in_a_group_is_found(store: SqlStore) -> None:
    def place(*groups: str) -> dict[str, ExpectedMembership]:
        return {ACCOUNT: ExpectedMembership(True, "7", frozenset(groups))}

    with store.write("one") as unit:
        named = {"in": place("7"), "profile": place(), "other": place("77", "17")}
        unit.drift.put_expected(
            [replace(records.expected(name), memberships=held) for name, held in named.items()]
        )
        assert unit.drift.expected_in_group(ACCOUNT, "7") == ["in"]
        assert unit.drift.expected_in_group("another", "7") == []


def test_profiles_and_groups_are_known_until_they_are_not(store: SqlStore) -> None:
    known = KnownEntitlement(f"{ACCOUNT}.1", "P", is_admin=True)
    with store.write("one") as unit:
        unit.drift.put_known([known])
        assert unit.drift.known_entitlements() == {known.scim_id: known}
        unit.drift.remove_known([known.scim_id])
        assert unit.drift.known_entitlements() == {}


def test_one_finding_of_a_key_is_open_at_a_time(store: SqlStore) -> None:
    with store.write("one") as unit:
        unit.drift.add([records.finding(state=FindingState.GONE), records.finding("finding-2")])
        unit.commit()
    with store.write("one") as unit, pytest.raises(UniquenessError):
        unit.drift.add([records.finding("finding-3")])


def test_findings_come_newest_first_page_by_page(store: SqlStore) -> None:
    made = [
        records.finding(f"f-{n}", drift_key=str(n), first_seen_at=NOW + timedelta(hours=n % 2))
        for n in range(4)
    ]
    with store.write("one") as unit:
        unit.drift.add(made)
        first = unit.drift.search(FindingFilter(), limit=3)
        assert [item.finding_id for item in first] == ["f-3", "f-1", "f-2"]
        rest = unit.drift.search(FindingFilter(), after=first[-1].finding_id, limit=3)
        assert [item.finding_id for item in rest] == ["f-0"]
        assert unit.drift.get("f-3") == made[3]
        with pytest.raises(NotFoundError):
            unit.drift.get("f-")


def test_findings_are_searched_by_all_that_is_given(store: SqlStore) -> None:
    with store.write("one") as unit:
        unit.drift.add(
            [
                records.finding("a"),
                records.finding("b", drift_key="b", kind=DriftKind.LOST_GRANT),
                records.finding("c", drift_key="c", state=FindingState.GONE),
                records.finding("d", drift_key="d", account_id="other", subject_id="user-2"),
            ]
        )
        for wanted, found in (
            (FindingFilter(kinds=(DriftKind.LOST_GRANT,)), {"b"}),
            (FindingFilter(states=(FindingState.GONE,)), {"c"}),
            (FindingFilter(subject_ids=("user-2",)), {"d"}),
            (FindingFilter(account_ids=("other",)), {"d"}),
            (FindingFilter((FindingState.OPEN,), entitlements=(f"{ACCOUNT}.2",)), {"a", "b", "d"}),
        ):
            assert {item.finding_id for item in unit.drift.search(wanted)} == found
            assert unit.drift.count(wanted) == len(found)
        named = unit.drift.named(["d", "gone", "a"])
        assert [item.finding_id for item in named] == ["d", "a"]
        counts = unit.drift.counts()
        assert counts[DriftKind.NATIVE_GRANT, FindingState.OPEN] == 2
        assert counts[DriftKind.NATIVE_GRANT, FindingState.GONE] == 1


def test_what_stands_is_open_or_accepted_while_it_lasts(store: SqlStore) -> None:
    dormant = {"kind": DriftKind.DORMANT_USER, "state": FindingState.ACCEPTED}
    with store.write("one") as unit:
        unit.drift.add(
            [
                records.finding("open"),
                records.finding("reverting", drift_key="r", state=FindingState.REVERTING),
                records.finding("accepted", state=FindingState.ACCEPTED),
                records.finding("lasting", **dormant),
                records.finding("ended", **dormant, closed_at=NOW),
                records.finding("group", drift_key="g", subject_kind="Group", subject_id="g"),
            ]
        )
        found = unit.drift.standing(["user-00001"])
        assert {item.finding_id for item in found} == {"open", "reverting", "lasting"}
        (group,) = unit.drift.standing_elsewhere(["Group"])
        assert group.finding_id == "group"


def test_who_is_forgotten_leaves_nothing(store: SqlStore) -> None:
    with store.write("one") as unit:
        unit.drift.put_expected([records.expected()])
        unit.drift.add([records.finding()])
        unit.drift.forget_subject("user-00001")
        assert unit.drift.search(FindingFilter()) == []
        assert unit.drift.expected(["user-00001"]) == {}


def test_findings_are_chosen_by_however_many_entitlements(store: SqlStore) -> None:
    """More than a statement takes parameters, on either database."""
    named = tuple(f"{ACCOUNT}.g{number}" for number in range(300_000))
    others = [
        records.finding("f-2", drift_key="2", entitlement=named[-1]),
        records.finding("f-3", drift_key="3", entitlement=f"{ACCOUNT}.another"),
    ]
    with store.write("one") as unit:
        unit.drift.add([records.finding("f-1", entitlement=named[7]), *others])
        found = unit.drift.search(FindingFilter(entitlements=named))
        assert {item.finding_id for item in found} == {"f-1", "f-2"}
