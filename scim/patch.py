"""Applies PATCH operations to a resource (RFC 7644 §3.5.2), as the clients really send them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from scim.errors import (
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    NoTarget,
    NotImplementedByServer,
    ScimError,
)
from scim.filters import parse_path
from scim.handlers import PatchOperation, Resource
from scim.members import MemberDelta, member_changes
from scim.patch_steps import Step, change
from scim.schemas import Schema, Target, find_schema, resolve

_log = logging.getLogger("scim")

__all__ = ["MemberDelta", "apply_patch", "member_changes"]

_NOT_PATCHED_WITHOUT_PATH = {"schemas", "meta"}


def apply_patch(
    resource: Resource,
    operations: Sequence[PatchOperation],
    schema: Schema,
    extensions: Sequence[Schema] = (),
    *,
    value_path_create: bool = True,
    ignore_unknown: bool = False,
) -> Resource:
    """Return a copy of *resource* with every operation applied in order.

    Later operations see the effects of earlier ones; if one fails nothing is applied. What is no
    longer assigned is left out of the result.

    :param value_path_create: whether ``replace`` creates the element that a path filter describes
        where none matches, as ``add`` does in any case; the RFC wants ``noTarget``.
    :param ignore_unknown: whether operations whose path names no attribute of the schemas are
        passed over and logged; the RFC wants ``invalidPath``.
    :raises NoTarget: a path filter matched no value and describes none that could be created, or
        ``remove`` has no path.
    :raises InvalidPath: a path is malformed or names an unknown attribute.
    :raises InvalidValue: a value has the wrong type.
    :raises InvalidSyntax: a value without path has a name twice, in different case.
    :raises Mutability: an operation changes what is readOnly or immutable, or removes what is
        required.
    :raises NotImplementedByServer: a path names the password, and the schema has none.
    """
    patched = deepcopy(resource)
    patcher = _Patcher(
        patched,
        schema,
        tuple(extensions),
        value_path_create=value_path_create,
        ignore_unknown=ignore_unknown,
    )
    for number, operation in enumerate(operations, start=1):
        try:
            patcher.apply(operation)
        except ScimError as error:
            error.detail = f"Operation {number} ({operation.op}): {error.detail}"
            raise
    return patched


class _Patcher:
    def __init__(
        self,
        resource: Resource,
        schema: Schema,
        extensions: tuple[Schema, ...],
        *,
        value_path_create: bool,
        ignore_unknown: bool,
    ) -> None:
        self._resource = resource
        self._schema = schema
        self._extensions = extensions
        self._value_path_create = value_path_create
        self._ignore_unknown = ignore_unknown

    def apply(self, operation: PatchOperation) -> None:
        """Apply one operation.

        :raises ScimError: see :func:`apply_patch`.
        """
        if operation.op != "remove" and not operation.has_value:
            raise InvalidValue("value is missing.")
        if operation.path is None:
            self._apply_without_path(operation)
            return
        extension = find_schema(operation.path.strip(), self._extensions)
        if extension is not None:
            self._apply_to_extension(operation, extension)
            return
        step = self._step(operation, operation.path)
        if step is not None:
            self._change(step)
            return
        if operation.path.rpartition(":")[2].strip().lower() == "password":
            raise NotImplementedByServer(
                "Passwords are neither kept nor changed here (changePassword in "
                "ServiceProviderConfig): leave password out."
            )
        if not self._ignore_unknown:
            raise InvalidPath(f"{self._schema.name} has no attribute {operation.path}.")
        _log.info("passed over an operation on the unknown attribute %r", operation.path[:80])

    def _apply_without_path(self, operation: PatchOperation) -> None:
        if operation.op == "remove":
            raise NoTarget("remove needs a path.")
        if not isinstance(operation.value, dict):
            raise InvalidValue("Without a path, value must be an object of attributes.")
        self._merge(operation, operation.value, "")

    def _apply_to_extension(self, operation: PatchOperation, extension: Schema) -> None:
        if operation.op == "remove":
            for name in list(self._resource.get(extension.id, {})):
                self.apply(PatchOperation("remove", f"{extension.id}:{name}", None, False))
            return
        if not isinstance(operation.value, dict):
            raise InvalidValue(f"{extension.id} holds an object of attributes.")
        self._merge(operation, operation.value, f"{extension.id}:")

    def _merge(self, operation: PatchOperation, values: Mapping[str, Any], prefix: str) -> None:
        """Apply each member of a path-less value as if it had its path.

        Okta and Entra ID send more than they change, so unknown and readOnly attributes are passed
        over; only an ``id`` must be the resource's own.
        """
        if len({key.lower() for key in values}) < len(values):
            raise InvalidSyntax("value has a name twice, in different case.")
        for key, value in values.items():
            extension = find_schema(key, self._extensions) if not prefix else None
            if extension is not None:
                nested = PatchOperation(operation.op, extension.id, value)
                self._apply_to_extension(nested, extension)
                continue
            step = self._lenient_step(operation.op, prefix + key, value)
            if step is not None:
                self._change(step)

    def _lenient_step(self, op: str, path: str, value: Any) -> Step | None:
        if path.lower() in _NOT_PATCHED_WITHOUT_PATH:
            return None
        try:
            step = self._step(PatchOperation(op, path, value), path)
        except InvalidPath:
            return None
        if step is None or (step.target.attribute.read_only and step.target.attribute.name != "id"):
            return None
        return step

    def _step(self, operation: PatchOperation, path: str) -> Step | None:
        parsed = parse_path(path)
        target = resolve(parsed.path, self._schema, self._extensions)
        if target is None:
            return None
        return Step(
            op=operation.op,
            target=target,
            filter=parsed.filter,
            value=operation.value,
            has_value=operation.has_value,
            label=path,
            creates=operation.op == "add" or self._value_path_create,
        )

    def _change(self, step: Step) -> None:
        change(step, self._holder(step.target))
        self._tidy(step.target)

    def _holder(self, target: Target) -> dict[str, Any]:
        """Return the object that holds the attribute."""
        if target.extension is None:
            return self._resource
        holder: dict[str, Any] = self._resource.setdefault(target.extension.id, {})
        return holder

    def _tidy(self, target: Target) -> None:
        """Keep ``schemas`` true: it lists an extension if and only if it has data."""
        if target.extension is None:
            return
        urn = target.extension.id
        schemas = self._resource.setdefault("schemas", [self._schema.id])
        if not self._resource[urn]:
            del self._resource[urn]
            self._resource["schemas"] = [schema for schema in schemas if schema != urn]
        elif urn not in schemas:
            schemas.append(urn)
