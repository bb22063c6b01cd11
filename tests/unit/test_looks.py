"""How often it is looked whether a write shows."""

from datetime import timedelta
from itertools import pairwise

import pytest

from connector.patience import waiting
from connector.ports import looks
from tests.connector import ManualClock


@pytest.mark.parametrize("lag_s", [0.0, 0.05, 2.0, 30.0])
def test_the_last_look_comes_when_the_time_is_over(lag_s):
    clock = ManualClock()

    count = sum(1 for _ in looks(clock, timedelta(seconds=lag_s)))

    assert clock.slept_s == pytest.approx(lag_s, abs=0.05)
    assert 1 <= count <= 2 + lag_s * 10


def test_who_waits_no_longer_is_looked_for_once():
    clock = ManualClock()

    with waiting(0):
        assert sum(1 for _ in looks(clock, timedelta(seconds=30))) == 1
    assert clock.slept_s == 0


def test_waits_become_longer():
    clock = ManualClock()
    moments = [clock.slept_s for _ in looks(clock, timedelta(seconds=10))]

    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert waits[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert max(waits) == pytest.approx(1.0)
