"""The table of errors."""

from __future__ import annotations

import pytest

from connector.errors import (
    ConflictingWriteError,
    GuardError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    PreconditionError,
    TemporaryError,
    UniquenessError,
    UnknownOutcomeError,
)
from connector.scim_handlers.errors import to_scim_error, translated
from scim.errors import ScimError


@pytest.mark.parametrize(
    ("error", "status", "scim_type"),
    [
        (NotFoundError("x"), 404, None),
        (UniquenessError("x"), 409, "uniqueness"),
        (PreconditionError("x"), 412, None),
        (InvalidRequestError("x"), 400, "invalidValue"),
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
