"""Leases of processes of this machine that are gone: nobody need wait until they end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

import click

from connector.bootstrap import Application, owner_prefix
from connector.domain.tenants import INSTALLATION
from connector.parentage import knows_its_dead, lives


def release_dead(application: Application, roles: Sequence[str], *, wait_s: float) -> None:
    """End the leases of processes that are gone; of those that are about to go, once they are.

    The lease of a process that stays is left alone: it may be in the middle of a change.

    :param wait_s: for processes that still live.
    """
    if application.settings.database.is_postgresql and not knows_its_dead():
        return
    deadline = time.monotonic() + wait_s
    prefixes = [owner_prefix(role) for role in roles]
    for tenant in application.tenants():
        for prefix in prefixes:
            owners = tenant.settlement.lease_owners(prefix)
            for owner in _gone(owners, prefix, deadline):
                tenant.settlement.release_dead(owner)
    for prefix in prefixes:
        with application.store.write(INSTALLATION) as uow:
            for owner in _gone(uow.locks.owners(prefix), prefix, deadline):
                uow.locks.release_owner(owner)
            uow.commit()


def _gone(owners: Iterable[str], prefix: str, deadline: float) -> Iterable[str]:
    for owner in owners:
        pid = int(owner.removeprefix(prefix).partition(":")[0])
        if pid != os.getpid() and lives(pid) and time.monotonic() < deadline:
            click.echo(f"Waiting for process {pid} of an earlier `serve` to end ...", err=True)
            while lives(pid) and time.monotonic() < deadline:
                time.sleep(0.1)
        if pid == os.getpid() or not lives(pid):
            yield owner
