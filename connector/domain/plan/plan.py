"""Steps in an order that is safe to stop after any of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.domain.naming.names import IDS_ALONE, Names
from connector.domain.plan.operation import Operation


@dataclass(frozen=True)
class Plan:
    """The operations that lead from what is to what is wanted, in an order safe to stop after any.

    Empty when nothing is to be done.
    """

    operations: tuple[Operation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    @property
    def checksum(self) -> str:
        """A digest that an approval binds to: equal plans have equal checksums."""
        text = json.dumps([item.to_dict() for item in self.operations], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def describe(self, names: Names = IDS_ALONE) -> Sequence[str]:
        """Return one line for each operation."""
        return [item.describe(names) for item in self.operations]
