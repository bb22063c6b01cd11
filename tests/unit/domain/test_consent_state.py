"""What the token endpoint's answers tell of consent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.consent.links import ADMIN_SCOPES, ESIGN_SCOPES, REDACTION_SCOPES
from connector.domain.consent.state import ConsentState, TokenOutcome, is_worse, learned
from connector.domain.diagnosis.trouble import Trouble

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GRANTED, PARTIAL, MISSING, REFUSED, UNKNOWN = ConsentState


def given(scopes, granted=None, minutes=0):
    granted = scopes if granted is None else granted
    return TokenOutcome("u", scopes, NOW + timedelta(minutes=minutes), granted)


def refused(scopes, trouble=Trouble.CONSENT_REQUIRED, minutes=0):
    return TokenOutcome("u", scopes, NOW + timedelta(minutes=minutes), trouble=trouble, said="why")


def after(*outcomes):
    record = None
    for outcome in outcomes:
        record = learned(record, outcome)
    return record


def test_a_token_is_consent():
    record = after(given(ADMIN_SCOPES))
    assert (record.state, record.cause, record.granted) == (GRANTED, "", ADMIN_SCOPES)


def test_a_scope_that_was_added_is_told_from_a_consent_that_is_gone():
    partial = after(given(ESIGN_SCOPES), refused(ADMIN_SCOPES))
    assert (partial.state, partial.missing) == (PARTIAL, ADMIN_SCOPES - ESIGN_SCOPES)
    gone = after(given(ADMIN_SCOPES), refused(ADMIN_SCOPES))
    assert (gone.state, gone.missing) == (MISSING, ADMIN_SCOPES)
    assert gone.granted == frozenset()


def test_the_first_refusal_of_many_scopes_is_missing_until_the_least_is_given():
    assert after(refused(ADMIN_SCOPES)).state is MISSING
    record = after(refused(ADMIN_SCOPES), given(ESIGN_SCOPES))
    assert (record.state, record.missing) == (PARTIAL, ADMIN_SCOPES - ESIGN_SCOPES)


def test_it_heals_once_everything_is_granted():
    record = after(given(ADMIN_SCOPES), refused(ESIGN_SCOPES), given(ADMIN_SCOPES, minutes=5))
    assert (record.state, record.missing, record.said) == (GRANTED, frozenset(), "")
    assert record.since == NOW + timedelta(minutes=5)


def test_a_scope_that_was_refused_once_stays_missing_until_it_is_given():
    record = after(given(ADMIN_SCOPES), refused(REDACTION_SCOPES), given(ADMIN_SCOPES))
    assert (record.state, record.missing) == (PARTIAL, {"user_data_redact"})
    assert after(given(ADMIN_SCOPES), refused(REDACTION_SCOPES), given(REDACTION_SCOPES)).state is (
        GRANTED
    )


def test_a_token_with_fewer_scopes_is_partial():
    record = after(given(ADMIN_SCOPES, ESIGN_SCOPES))
    assert (record.state, record.missing) == (PARTIAL, ADMIN_SCOPES - ESIGN_SCOPES)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble.KEY_REJECTED,
        Trouble.ISSUER_UNKNOWN,
        Trouble.SUBJECT_UNKNOWN,
        Trouble.CLOCK_SKEW,
        Trouble.GRANT_EXPIRED,
    ],
)
def test_every_other_refusal_keeps_its_cause(trouble):
    record = after(given(ADMIN_SCOPES), refused(ESIGN_SCOPES, trouble))
    assert (record.state, record.cause, record.said) == (REFUSED, trouble, "why")
    assert after(
        given(ADMIN_SCOPES), refused(ESIGN_SCOPES, trouble), given(ADMIN_SCOPES)
    ).state is (GRANTED)


@pytest.mark.parametrize("trouble", [Trouble.UNAVAILABLE, Trouble.RATE_LIMITED, Trouble.BAD_ANSWER])
def test_docusign_being_away_says_nothing(trouble):
    known = after(given(ADMIN_SCOPES))
    assert learned(known, refused(ADMIN_SCOPES, trouble)) is known
    assert learned(None, refused(ADMIN_SCOPES, trouble)) is None


def test_since_stays_while_the_state_does():
    record = after(refused(ESIGN_SCOPES), refused(ESIGN_SCOPES, minutes=9))
    assert (record.since, record.checked_at) == (NOW, NOW + timedelta(minutes=9))


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        (GRANTED, MISSING, True),
        (GRANTED, PARTIAL, True),
        (PARTIAL, MISSING, True),
        (UNKNOWN, MISSING, True),
        (MISSING, PARTIAL, False),
        (MISSING, GRANTED, False),
        (MISSING, MISSING, False),
    ],
)
def test_people_hear_of_what_works_no_longer(before, now, worse):
    assert is_worse(before, now) is worse
