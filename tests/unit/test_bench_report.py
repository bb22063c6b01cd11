"""What the report of the benchmark says of what was not measured."""

from __future__ import annotations

import io

from rich.console import Console

from tests.bench import report
from tests.bench.cases import CEILING_ONE, EXTERNAL_ID, GET, USER_NAME
from tests.bench.load import Sample

MEMORY = {1000: report.Memory([], 100.0), 10_000: report.Memory([], 110.0)}


def sample():
    one = Sample()
    one.add(Sample(1.0, [0.001, 0.002]))
    return one


def test_a_target_without_its_cases_is_told_and_not_dropped():
    measured = (GET, USER_NAME, CEILING_ONE)
    samples = {(size, 1, name): sample() for size in MEMORY for name in measured}
    found = {item.name: item for item in report.targets(samples, MEMORY)}
    assert found[f"{GET} of the ceiling"].ratio is not None
    missing = found[f"{EXTERNAL_ID} of the ceiling"]
    assert (missing.ratio, missing.is_reached) == (None, False)
    printed = io.StringIO()
    console = Console(file=printed, width=200)
    report.show(samples, MEMORY, console)
    (line,) = (
        line for line in printed.getvalue().splitlines() if f"{EXTERNAL_ID} of the ceiling" in line
    )
    assert "not measured" in line
    assert "NO" in line
