"""Fixtures of the stories of people."""

from __future__ import annotations

import pytest

from tests.acceptance.scim.people import ADDRESS


@pytest.fixture
def ann(connector):
    """Somebody who has just joined with the baseline profile."""
    return connector.create(ADDRESS, name={"givenName": "Ann", "familyName": "Lee"})
