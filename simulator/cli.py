"""``python -m simulator``: a simulated DocuSign on a port of this machine."""

from __future__ import annotations

import csv
import json
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import click

from simulator.app import create_app
from simulator.config import connection_details
from simulator.faults import Latency
from simulator.limits import Limits
from simulator.seed import seed as sow
from simulator.seed_export import seed_from_export
from simulator.server import SimulatorServer
from simulator.state import State
from simulator.variants import Variants

_LOOK_EVERY_S = 0.5


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8090, show_default=True, help="Port; 0 takes a free one.")
@click.option("--users", default=2000, show_default=True, help="Users in the seeded organization.")
@click.option("--seed", default=1, show_default=True, help="The same number, the same people.")
@click.option(
    "--export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Seed from DocuSign's own user-list export (CSV) instead.",
)
@click.option("--latency-ms", default=0.0, show_default=True, help="Time that each call takes.")
@click.option("--hourly-limit", default=3000, show_default=True, help="Calls an hour and account.")
@click.option("--burst-limit", default=500, show_default=True, help="Calls in 30 seconds.")
@click.option("--variant", "variants", multiple=True, help="name=value, see simulator.variants.")
@click.option(
    "--ready-file", type=click.Path(path_type=Path), help="JSON, written when it answers."
)
@click.option(
    "--key-out", type=click.Path(path_type=Path), help="Where the private key (PEM) goes."
)
@click.option("--parent", type=int, help="Process id of the parent; end when it has ended.")
def main(  # noqa: PLR0917 -- click passes by name
    host: str,
    port: int,
    users: int,
    seed: int,
    export: Path | None,
    latency_ms: float,
    hourly_limit: int,
    burst_limit: int,
    variants: tuple[str, ...],
    ready_file: Path | None,
    key_out: Path | None,
    parent: int | None,
) -> None:
    """Serve a simulated DocuSign until SIGTERM or Ctrl-C."""
    chosen = _variants(variants)
    state = _seed_from(export) if export else sow(users, seed=seed)
    app = create_app(
        state,
        variants=chosen,
        latency=Latency.uniform(latency_ms / 1000),
        limits=Limits(hourly=hourly_limit, burst=burst_limit),
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = SimulatorServer(app, host=host, port=port)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    with server:
        _announce(state, server.url, ready_file, key_out)
        while not stop.wait(_LOOK_EVERY_S):
            # Whose parent is gone belongs to another process; a killed parent ends no children.
            if parent is not None and os.getppid() != parent:
                break


def _seed_from(export: Path) -> State:
    """Return the organization of a user-list export.

    :raises click.ClickException: the file cannot be used as one.
    """
    try:
        return seed_from_export(export)
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"{export} is no CSV in UTF-8: {error}") from error
    except ValueError as error:
        raise click.ClickException(f"{export} cannot be used: {error}") from error


def _variants(pairs: tuple[str, ...]) -> Variants:
    """Return the variants that the command line names."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        try:
            changes[name] = json.loads(text)
        except ValueError:
            changes[name] = text
    try:
        return Variants().changed(changes)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _announce(state: State, url: str, ready_file: Path | None, key_out: Path | None) -> None:
    """Write the key, say where we are, and write the ready file last and at once."""
    key_path = key_out or Path(tempfile.mkdtemp(prefix="simulator-")) / "private-key.pem"
    details = connection_details(state, url)
    key_path.parent.mkdir(parents=True, exist_ok=True)
    key_path.touch(mode=0o600)
    key_path.write_text(details.pop("private_key_pem"))
    details |= {"url": url, "private_key_file": str(key_path.resolve())}
    click.echo(f"DocuSign simulator at {url} (open it in a browser); key in {key_path}")
    if ready_file is not None:
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        draft = ready_file.with_name(ready_file.name + ".part")
        draft.write_text(json.dumps(details, indent=2))
        draft.rename(ready_file)
