"""What is kept of a tenant before it is removed: settings, audit, data."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from connector.domain.tenants.records import INSTALLATION
from connector.errors import PermanentError
from connector.services.audit.export import json_lines

if TYPE_CHECKING:
    from connector.bootstrap import Application


def new_directory(directory: Path) -> None:
    """Make the directory of an export, for its owner alone.

    :raises PermanentError: it exists, or cannot be made.
    """
    try:
        directory.mkdir(parents=True, mode=0o700)
    except FileExistsError as error:
        raise PermanentError(f"{directory} exists already. Name a new directory.") from error
    except OSError as error:
        raise _unwritable(directory, error) from error


def export_tenant(application: Application, name: str, directory: Path) -> None:
    """Write ``settings.yaml``, ``audit.jsonl`` and ``data.jsonl.gz`` into a new directory.

    :raises PermanentError: it cannot be written.
    """
    try:
        _settings(application, name, directory / "settings.yaml")
        with application.store.read(name) as uow:
            with (directory / "audit.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(json_lines(uow.audit.walk()))
            with gzip.open(directory / "data.jsonl.gz", "wb") as packed:
                for table, row in uow.holdings.walk():
                    line = {"table": table, **_plain(row)}
                    packed.write(orjson.dumps(line) + b"\n")
    except OSError as error:
        raise _unwritable(directory, error) from error


def _unwritable(directory: Path, error: OSError) -> PermanentError:
    return PermanentError(
        f"{directory} cannot be written: {error.strerror}. Nothing is deleted yet; ask again with "
        "another directory."
    )


def _settings(application: Application, name: str, path: Path) -> None:
    with application.store.read(INSTALLATION) as uow:
        record = uow.tenants.find(name)
    if record is not None:
        shown = dict(application.tenancy.shown(record))
        path.write_text(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True), "utf-8")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in row.items()
    }
