"""Tokens: shown once, several at once, ending on time, and never believed for long after."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.authentication.api_clients import Scope
from connector.errors import InvalidRequestError, NotFoundError, UniquenessError
from connector.services.authentication.api_clients import (
    ApiClientService,
    InvalidTokenError,
)
from connector.services.authentication.credentials import hash_token

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    def __init__(self):
        self.time = START

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def service(sqlite_store, clock):
    return ApiClientService(sqlite_store, clock)


def test_a_token_is_recognised(service):
    added, token = service.add("default", "iiq")
    assert service.authenticate("default", token) == added
    assert added.scopes == {Scope.READ, Scope.WRITE}


def test_a_token_has_256_random_bits_behind_a_prefix(service):
    tokens = {service.add("default", f"c{place}")[1] for place in range(5)}
    assert len(tokens) == 5
    assert all(token.startswith("dsiga_") and len(token) == 6 + 43 for token in tokens)


def test_only_the_hash_is_kept(service):
    _, token = service.add("default", "iiq")
    [(_, [kept])] = service.list("default")
    assert kept.token_hash == hash_token(token)
    assert token not in repr(service.list("default"))


def test_a_token_is_good_for_one_tenant(service):
    _, token = service.add("default", "iiq")
    with pytest.raises(InvalidTokenError):
        service.authenticate("other", token)


def test_a_name_is_taken_once(service):
    service.add("default", "iiq")
    with pytest.raises(UniquenessError):
        service.add("default", "iiq")


@pytest.mark.parametrize("name", ["", "Big Client", "-x", "x" * 64, "a\n"])
def test_a_name_has_few_characters(service, name):
    with pytest.raises(InvalidRequestError):
        service.add("default", name)


def test_a_token_expires_in_spite_of_the_cache(service, clock):
    _, token = service.add("default", "iiq", expires_in=timedelta(seconds=2))
    service.authenticate("default", token)
    clock.sleep(2)
    with pytest.raises(InvalidTokenError, match="expired"):
        service.authenticate("default", token)


def test_after_a_rotation_the_old_token_has_a_time_of_grace(service, clock):
    _, old = service.add("default", "iiq")
    _, new = service.rotate("default", "iiq", grace=DAY)
    assert service.authenticate("default", old).client_id == "iiq"
    assert service.authenticate("default", new).client_id == "iiq"
    clock.time += DAY
    with pytest.raises(InvalidTokenError):
        service.authenticate("default", old)
    assert service.authenticate("default", new).client_id == "iiq"


def test_without_grace_the_old_token_ends_at_once(service):
    _, old = service.add("default", "iiq")
    service.authenticate("default", old)
    service.rotate("default", "iiq")
    with pytest.raises(InvalidTokenError, match="revoked"):
        service.authenticate("default", old)


def test_a_rotation_never_prolongs_the_old_token(service, clock):
    _, old = service.add("default", "iiq", expires_in=timedelta(hours=1))
    service.rotate("default", "iiq", grace=DAY)
    clock.time += timedelta(hours=1)
    with pytest.raises(InvalidTokenError):
        service.authenticate("default", old)


def test_revoking_ends_the_client(service):
    _, token = service.add("default", "iiq")
    service.authenticate("default", token)
    service.revoke("default", "iiq")
    with pytest.raises(InvalidTokenError):
        service.authenticate("default", token)
    with pytest.raises(InvalidRequestError):
        service.rotate("default", "iiq")


def test_another_process_follows_within_seconds(service, sqlite_store, clock):
    _, token = service.add("default", "iiq")
    other = ApiClientService(sqlite_store, clock)
    other.authenticate("default", token)
    service.revoke("default", "iiq")
    clock.sleep(5.1)
    with pytest.raises(InvalidTokenError):
        other.authenticate("default", token)


def test_unknown_clients_are_told(service):
    for act in (service.rotate, service.revoke):
        with pytest.raises(NotFoundError):
            act("default", "nobody")


def test_a_successor_takes_over_the_external_ids(service):
    service.add("default", "old")
    added, _ = service.add("default", "new", replaces="old")
    assert added.external_id_scope == "old"


def test_a_flood_of_wrong_tokens_is_remembered_in_bounds(service):
    _, token = service.add("default", "iiq")
    service.authenticate("default", token)
    for place in range(1500):
        with pytest.raises(InvalidTokenError):
            service.authenticate("default", f"wrong{place}")
    assert len(service._unknown) <= 1024
    assert service.authenticate("default", token).client_id == "iiq"
