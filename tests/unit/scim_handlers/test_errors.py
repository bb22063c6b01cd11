"""The table of errors."""

from __future__ import annotations

import pytest

from connector.errors import (
    ConflictingWriteError,
    GuardError,
    InvalidFilterError,
    InvalidOrderError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    PreconditionError,
    TemporaryError,
    UniquenessError,
    UnknownOutcomeError,
)
from connector.scim_handlers.errors import called_back, to_scim_error, translated
from scim.errors import NoTarget, NotFound, PreconditionFailed, ScimError, Unavailable


@pytest.mark.parametrize(
    ("error", "status", "scim_type"),
    [
        (NotFoundError("x"), 404, None),
        (UniquenessError("x"), 409, "uniqueness"),
        (PreconditionError("x"), 412, None),
        (InvalidRequestError("x"), 400, "invalidValue"),
        (InvalidFilterError("x"), 400, "invalidFilter"),
        (InvalidOrderError("x"), 400, "invalidPath"),
        (GuardError("x", guard="size"), 403, None),
        (PermanentError("x"), 502, None),
        (TemporaryError("x"), 503, None),
        (ConflictingWriteError("x"), 503, None),
        (UnknownOutcomeError("x"), 503, None),
    ],
)
def test_each_error_has_its_status(error, status, scim_type):
    with pytest.raises(ScimError) as caught, translated():
        raise error

    assert (caught.value.status, caught.value.scim_type) == (status, scim_type)
    assert "x" in caught.value.detail


def test_a_service_knows_what_scim_refuses_in_what_it_calls_back_as_a_request_that_cannot_be():
    with pytest.raises(InvalidRequestError, match="no such role"), called_back():
        raise NoTarget("no such role")


def test_what_a_service_was_told_comes_back_to_the_client_as_it_was():
    refusal = NoTarget("no such role", headers=[("X-Why", "because")])

    with pytest.raises(NoTarget) as caught, translated(), called_back():
        raise refusal

    assert caught.value.to_json() == refusal.to_json()
    assert caught.value.headers == refusal.headers


@pytest.mark.parametrize(
    ("refusal", "known_as"),
    [(NotFound("gone"), NotFoundError), (PreconditionFailed("old"), PreconditionError)],
)
def test_a_service_knows_that_what_is_meant_is_gone_or_has_changed(refusal, known_as):
    with pytest.raises(known_as, match=refusal.detail), called_back():
        raise refusal
    with pytest.raises(type(refusal)) as caught, translated(), called_back():
        raise refusal
    assert caught.value.to_json() == refusal.to_json()


def test_what_is_no_fault_of_the_request_passes_a_service_as_it_is():
    with pytest.raises(Unavailable), called_back():
        raise Unavailable


def test_what_passes_says_so_in_the_words_that_clients_look_for():
    error = to_scim_error(TemporaryError("DocuSign is slow.", retry_after_s=12.2))

    assert "temporarily unavailable" in error.detail
    assert ("Retry-After", "13") in error.headers


def test_a_guard_names_the_setting_that_widens_it():
    error = to_scim_error(GuardError("No.", guard="size", setting="guards.max_affected_pct"))

    assert "guards.max_affected_pct" in error.detail


def test_defects_are_left_to_crash():
    with pytest.raises(KeyError), translated():
        raise KeyError("bug")
