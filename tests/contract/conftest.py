"""Fixtures of the contract tests."""

import pytest

from tests.simulated import simulated


@pytest.fixture
def world():
    """A simulated DocuSign with 250 people."""
    return simulated(n_users=250)
