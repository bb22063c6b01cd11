"""DocuSign without HTTP."""

from __future__ import annotations

import pytest

from tests.simulated import simulated


@pytest.fixture
def world():
    return simulated(40)
