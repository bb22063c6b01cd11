"""What the stories of people share."""

from __future__ import annotations

ADDRESS = "ann.lee@acme.test"


def values(elements):
    return [item["value"] for item in elements or ()]


def op(name, path=None, value=None):
    operation = {"op": name}
    if path is not None:
        operation["path"] = path
    if value is not None:
        operation["value"] = value
    return operation
