"""Consent as both databases keep it: links are used once, grants follow each other."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

from connector.domain.consent.code_grants import CodeGrant
from connector.domain.consent.links import Way
from connector.domain.consent.state import ConsentLink, ConsentRecord, ConsentState
from connector.store import SqlStore
from tests.contract.store.people import NOW

LINK = ConsentLink("l1", Way.EXTERNAL, "u1", NOW, frozenset({"signature"}), made_by="ann")
GRANT = CodeGrant("u1", "r1", "a1", NOW, frozenset({"signature"}), NOW, "ann", NOW, NOW)
RECORD = ConsentRecord(
    "u1",
    ConsentState.PARTIAL,
    NOW,
    NOW,
    "consent_required",
    "said",
    frozenset({"signature"}),
    frozenset({"domain_read"}),
    in_claimed_domain=True,
)


def test_a_record_comes_back_as_it_was(store: SqlStore) -> None:
    with store.write("t") as unit:
        unit.consents.put(RECORD, replace(RECORD, user_id="u2", in_claimed_domain=None))
        unit.commit()
    with store.read("t") as unit:
        assert unit.consents.of_users(["u1", "nobody"]) == {"u1": RECORD}
        assert unit.consents.of_users(["u2"])["u2"].in_claimed_domain is None
        assert unit.consents.counts() == {ConsentState.PARTIAL: 2}
        assert unit.consents.connection() is None


def test_the_connection_is_that_of_the_service_user_seen_last(store: SqlStore) -> None:
    before = replace(RECORD, is_connection=True)
    after = replace(before, user_id="u2", checked_at=NOW + timedelta(hours=1))
    with store.write("t") as unit:
        unit.consents.put(after, before)
        unit.commit()
    with store.read("t") as unit:
        assert unit.consents.connection() == after


def test_the_oldest_answers_come_first(store: SqlStore) -> None:
    with store.write("t") as unit:
        for number in (3, 1, 2):
            at = NOW + timedelta(hours=number)
            unit.consents.put(replace(RECORD, user_id=f"u{number}", checked_at=at))
        unit.commit()
    with store.read("t") as unit:
        found = unit.consents.checked_before(NOW + timedelta(hours=3), 5)
        assert [item.user_id for item in found] == ["u1", "u2"]


def test_of_many_who_bring_one_answer_one_uses_the_link(store: SqlStore) -> None:
    with store.write("t") as unit:
        unit.consents.add_link(LINK)
        unit.commit()
    used, barrier = [], threading.Barrier(6)

    def bring() -> None:
        barrier.wait()
        with store.write("t") as unit:
            used.append(unit.consents.use_link("l1", NOW))
            unit.commit()

    threads = [threading.Thread(target=bring) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(used) == [False] * 5 + [True]
    with store.read("t") as unit:
        assert unit.consents.find_link("l1") == replace(LINK, used_at=NOW)


def test_old_links_are_forgotten(store: SqlStore) -> None:
    with store.write("t") as unit:
        unit.consents.add_link(LINK)
        assert unit.consents.purge_links(NOW) == 0
        assert unit.consents.purge_links(NOW + timedelta(seconds=1)) == 1
        assert unit.consents.find_link("l1") is None


def test_a_grant_is_followed_only_by_whoever_knew_the_last(store: SqlStore) -> None:
    second = replace(GRANT, refresh_token="r2", generation=2, account_id="acc")
    with store.write("t") as unit:
        assert unit.consents.put_grant(GRANT, 0)
        assert unit.consents.put_grant(second, 1)
        assert not unit.consents.put_grant(replace(GRANT, refresh_token="late"), 1)
        unit.commit()
    with store.read("t") as unit:
        assert unit.consents.grant() == replace(second, accounts=[])
    with store.write("t") as unit:
        unit.consents.remove_grant()
        assert unit.consents.grant() is None
