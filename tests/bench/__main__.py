"""The command: build every size, measure them side by side, print, write."""

from __future__ import annotations

import signal
import sys
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import click
from rich.console import Console

from tests.bench import report
from tests.bench.cases import READS, WRITES, Case
from tests.bench.load import Sample, run
from tests.bench.pages import Medians, measure_pages, table_of
from tests.bench.stage import Stage, add_missing_group, staged
from tests.bench.tenants import measure_tenants

ROUNDS = 5
"""Every case runs so often, turn by turn with the others, so that a busy minute of the machine
does not fall on one case alone; ratios are medians of what the rounds say."""
WARM_UP_S = 0.2
LARGE_GROUP = 10_000
"""Users from which there is a group of so many."""


def _numbers(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise click.BadParameter("numbers, separated by commas") from error


@click.command()
@click.option("--sizes", default="1000,10000,100000", show_default=True, callback=_numbers)
@click.option("--connections", default="1,8,32", show_default=True, callback=_numbers)
@click.option("--seconds", default=3.0, show_default=True, help="For each case, in all rounds.")
@click.option("--quick", is_flag=True, help="1,000 users and a glance at each case.")
@click.option("--reads-only", is_flag=True, help="Leave out the cases that write.")
@click.option("--tenants", default=0, help="Measure so many tenants in one process, and no more.")
@click.option("--pages-only", is_flag=True, help="Measure the pages of the console, and no more.")
@click.option("--aggregations-only", is_flag=True, help="Leave out the cases over HTTP.")
@click.option(
    "--output", type=click.Path(path_type=Path), default="bench-results", show_default=True
)
def main(  # noqa: PLR0917 -- click passes by name
    sizes: list[int],
    connections: list[int],
    seconds: float,
    quick: bool,
    reads_only: bool,
    tenants: int,
    pages_only: bool,
    aggregations_only: bool,
    output: Path,
) -> None:
    """Measure the connector over HTTP with the production server, and its ceiling beside it."""
    if quick:
        sizes, seconds = [1000], 0.5
    console = Console(width=None if sys.stdout.isatty() else 110)
    if tenants:
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            console.print(measure_tenants(tenants, Path(place)))
        return
    cases = READS if reads_only else READS + WRITES
    samples: dict[report.Key, Sample] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stages = []
        for size in sizes:
            console.print(f"Building {size:,} users ...")
            stages.append(stack.enter_context(staged(size, directory / str(size))))
            console.print(report.aggregation_table({size: stages[-1].aggregations}))
            if not (reads_only or aggregations_only or pages_only):
                add_missing_group(stages[-1])
        if aggregations_only:
            return
        if pages_only:
            console.print(table_of(_pages(directory, sizes)))
            return
        pool = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        bench = _Bench(stages, cases, seconds, pool)
        for number in connections:
            console.print(f"Measuring with {number} connections ...")
            bench.measure(number, samples)
        memory = {stage.size: report.memory_of(stage) for stage in stages}
        pages = _pages(directory, sizes)
    report.show(samples, memory, console)
    console.print(table_of(pages))
    console.print(f"Written to {report.write(samples, memory, pages, output)}")
    failed = {sample.failure for sample in samples.values() if sample.failures}
    for failure in sorted(failed):
        console.print(f"A request failed:\n{failure}", markup=False)
    # A full run has every case: one that is missing was not reached.
    is_full = not reads_only and len(sizes) > 1 and max(sizes) >= LARGE_GROUP
    left_out = [item.name for item in report.targets(samples, memory) if item.ratio is None]
    if is_full and left_out:
        console.print(f"Not measured: {', '.join(left_out)}.", markup=False)
    sys.exit(1 if failed or (is_full and left_out) else 0)


def _pages(directory: Path, sizes: list[int]) -> dict[int, Medians]:
    return {size: measure_pages(directory / str(size) / "config.yaml") for size in sizes}


@dataclass(frozen=True)
class _Bench:
    """What stays the same from one number of connections to the next."""

    stages: list[Stage]
    cases: tuple[Case, ...]
    seconds: float
    pool: Executor

    def measure(self, connections: int, samples: dict[report.Key, Sample]) -> None:
        """Run every case at every size, round by round."""
        for turn in range(ROUNDS + 1):
            # The first round only warms up what is cached and compiled on first use.
            seconds = self.seconds / ROUNDS if turn else min(WARM_UP_S, self.seconds)
            for case in self.cases:
                for stage in self.stages:
                    load = case.load(stage, connections, seconds)
                    if load is None:
                        continue
                    sample = self.pool.submit(run, load).result()
                    if turn:
                        key = (stage.size, connections, case.name)
                        samples.setdefault(key, Sample()).add(sample)


if __name__ == "__main__":
    main()
