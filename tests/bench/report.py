"""The table, the ratios that are asked for, and the file."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.aggregations import Aggregation
from tests.bench.cases import (
    CEILING_ONE,
    CEILING_PAGE,
    EXTERNAL_ID,
    FIRST_PAGE,
    GET,
    LAST_PAGE,
    MEMBER_10,
    MEMBER_10000,
    USER_NAME,
)
from tests.bench.load import Sample
from tests.bench.stage import Stage

Key = tuple[int, int, str]
"""Users, connections, case."""
Samples = Mapping[Key, Sample]


@dataclass(frozen=True)
class Memory:
    """What a size took besides time."""

    aggregations: list[Aggregation]
    serve_peak_mib: float


@dataclass(frozen=True)
class Target:
    """One ratio that is asked for, at its worst place."""

    name: str
    wanted: str
    ratio: float | None
    """None where a case that it needs was not measured."""
    where: str
    is_reached: bool


def targets(samples: Samples, memory: Mapping[int, Memory]) -> list[Target]:
    """Return every target, also those whose cases were not measured."""
    return [
        *_at_least("of the ceiling", 0.6, _READS, list(_of_ceilings(samples))),
        *_at_most("slower than at the smallest size", 1.2, _READS, list(_growth(samples))),
        *_at_most(
            "of the first page", 1.5, [LAST_PAGE], list(_pairs(samples, LAST_PAGE, FIRST_PAGE))
        ),
        *_at_most(
            "of one in 10", 1.3, [MEMBER_10000], list(_pairs(samples, MEMBER_10000, MEMBER_10))
        ),
        *_at_most("of serve", 1.3, [_PEAK], list(_peaks(memory))),
    ]


def _peaks(memory: Mapping[int, Memory]) -> Iterator[Found]:
    small, large = min(memory), max(memory)
    if small != large:
        ratio = memory[large].serve_peak_mib / memory[small].serve_peak_mib
        yield _PEAK, ratio, f"{large:,} against {small:,} users"


_READS = (GET, USER_NAME, EXTERNAL_ID, FIRST_PAGE)
_PEAK = "peak memory"
Found = tuple[str, float, str]
"""Case, ratio, where."""


def _of_ceilings(samples: Samples) -> Iterator[Found]:
    pairs = {GET: CEILING_ONE, USER_NAME: CEILING_ONE, EXTERNAL_ID: CEILING_ONE}
    for (size, connections, name), sample in samples.items():
        ceiling = {**pairs, FIRST_PAGE: CEILING_PAGE}.get(name)
        if ceiling:
            if (size, connections, ceiling) not in samples:
                continue
            ratio = sample.ratio_to(samples[size, connections, ceiling])
            yield name, ratio, f"{size:,} users, {connections} connections"


def _growth(samples: Samples) -> Iterator[Found]:
    sizes = {size for size, _, _ in samples}
    for (size, connections, name), sample in samples.items():
        if name in _READS and size == max(sizes) > min(sizes):
            ratio = samples[min(sizes), connections, name].ratio_to(sample)
            yield name, ratio, f"{size:,} users, {connections} connections"


def _pairs(samples: Samples, name: str, other: str) -> Iterator[Found]:
    for (size, connections, case), sample in samples.items():
        if case == name and (size, connections, other) in samples:
            ratio = samples[size, connections, other].ratio_to(sample)
            yield name, ratio, f"{size:,} users, {connections} connections"


def _at_least(
    what: str, limit: float, names: Sequence[str], found: Sequence[Found]
) -> Iterator[Target]:
    for name in names:
        worst = min(((ratio, where) for case, ratio, where in found if case == name), default=None)
        is_reached = worst is not None and worst[0] >= limit
        yield _target(f"{name} {what}", f">= {limit}", worst, is_reached=is_reached)


def _at_most(
    what: str, limit: float, names: Sequence[str], found: Sequence[Found]
) -> Iterator[Target]:
    for name in names:
        worst = max(((ratio, where) for case, ratio, where in found if case == name), default=None)
        is_reached = worst is not None and worst[0] <= limit
        yield _target(f"{name} {what}", f"<= {limit}", worst, is_reached=is_reached)


def _target(name: str, wanted: str, worst: tuple[float, str] | None, *, is_reached: bool) -> Target:
    ratio, where = worst or (None, "")
    return Target(name, wanted, ratio, where, is_reached)


def show(samples: Samples, memory: Mapping[int, Memory], console: Console) -> None:
    """Print everything."""
    for connections in sorted({connections for _, connections, _ in samples}):
        console.print(_table(samples, connections))
    console.print(aggregation_table({size: item.aggregations for size, item in memory.items()}))
    console.print(_memory_table(memory))
    console.print(_target_table(targets(samples, memory)))


def _table(samples: Samples, connections: int) -> Table:
    table = Table(title=f"{connections} connection{'s' if connections > 1 else ''}")
    table.add_column("case")
    for title in ("users", "requests/s", "p50 ms", "p95 ms", "p99 ms", "requests", "failed"):
        table.add_column(title, justify="right")
    previous = ""
    for (size, at, name), sample in sorted(
        samples.items(), key=lambda item: list(samples).index(item[0])
    ):
        if at != connections:
            continue
        table.add_row(
            name if name != previous else "",
            f"{size:,}",
            f"{sample.per_second:,.0f}",
            *(f"{sample.percentile_ms(percent):.2f}" for percent in (50, 95, 99)),
            f"{len(sample.latencies):,}",
            str(sample.failures or ""),
        )
        previous = name
    return table


def _memory_table(memory: Mapping[int, Memory]) -> Table:
    table = Table(title="peak memory of serve, without the process of its jobs")
    for title in ("users", "MiB"):
        table.add_column(title, justify="right")
    for size, item in sorted(memory.items()):
        table.add_row(f"{size:,}", f"{item.serve_peak_mib:.1f}")
    return table


def aggregation_table(found: Mapping[int, Sequence[Aggregation]]) -> Table:
    """Return what aggregations cost, by number of users."""
    table = Table(title="aggregation")
    table.add_column("run")
    for title in ("users", "calls", "s", "peak MiB"):
        table.add_column(title, justify="right")
    for size, runs in sorted(found.items()):
        for run in runs:
            cells = (f"{run.calls:,}", f"{run.seconds:.1f}", f"{run.peak_mib:.0f}")
            table.add_row(run.name, f"{size:,}", *cells)
    return table


def _target_table(found: Sequence[Target]) -> Table:
    table = Table(title="targets, each at its worst place")
    for title in ("ratio", "wanted", "measured", "where", "reached"):
        table.add_column(title)
    for item in found:
        reached = "yes" if item.is_reached else "NO"
        measured = "not measured" if item.ratio is None else f"{item.ratio:.2f}"
        table.add_row(item.name, item.wanted, measured, item.where, reached)
    return table


def write(
    samples: Samples,
    memory: Mapping[int, Memory],
    pages: Mapping[int, Mapping[str, float]],
    directory: Path,
) -> Path:
    """Write everything as JSON and return where."""
    directory.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cases": [_to_json(*key, sample) for key, sample in samples.items()],
        "memory": {str(size): asdict(item) for size, item in memory.items()},
        "pages_s": {str(size): medians for size, medians in pages.items()},
        "targets": [vars(item) for item in targets(samples, memory)],
    }
    path = directory / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def _to_json(size: int, connections: int, name: str, sample: Sample) -> dict[str, Any]:
    return {
        "case": name,
        "users": size,
        "connections": connections,
        "requests": len(sample.latencies),
        "per_second": round(sample.per_second, 1),
        **{f"p{percent}_ms": round(sample.percentile_ms(percent), 3) for percent in (50, 95, 99)},
        "failures": sample.failures,
        "failure": sample.failure,
    }


def memory_of(stage: Stage) -> Memory:
    """Return what a stage has taken so far."""
    return Memory(stage.aggregations, stage.peak_mib())
