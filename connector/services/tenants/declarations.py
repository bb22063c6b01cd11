"""Whether a configuration file's tenants can be served over a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.tenants.records import INSTALLATION
from connector.ports import Store
from connector.services.bindings import binding_problems
from connector.services.tenants.account_owners import account_problems
from connector.settings import TenantSettings

_TWICE = (
    "is kept in the database too; which of the two holds must not depend on luck. Take it out of "
    "the file, or out of the database with `docusign-iga tenant remove {name} --keep-data`"
)


def declaration_problems(store: Store, declared: Mapping[str, TenantSettings]) -> Sequence[str]:
    """Return why the tenants of a file cannot be served, a line each, empty if all is well: one is
    kept in the database too, or its accounts or organization are not what the database has.
    Nothing is written.

    :raises connector.errors.TemporaryError: the database cannot be asked.
    """
    with store.read(INSTALLATION) as uow:
        twice = sorted(declared.keys() & set(uow.tenants.names()))
        problems = [f"tenants.{name}: {_TWICE.format(name=name)}" for name in twice]
        for settings in declared.values():
            problems += account_problems(uow, settings)
    for name, settings in declared.items():
        with store.read(name) as uow:
            problems += binding_problems(uow, settings)
    return problems
