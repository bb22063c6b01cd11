"""What every step of a plan is, and the person whom most of them are about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from connector.domain.naming.names import IDS_ALONE, Names


@dataclass(frozen=True)
class Operation(ABC):
    """One step of a plan. ``kind`` names it in the ledger and never changes."""

    kind: ClassVar[str] = ""

    @abstractmethod
    def describe(self, names: Names = IDS_ALONE) -> str:
        """Return one line for people."""

    def inverse(self) -> Operation | None:
        """Return what undoes this step, or None if nothing can."""
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data from which :func:`operation_from_dict` makes an equal step."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Person:
    """The attributes of a person that DocuSign holds in each membership."""

    email: str
    user_name: str
    first_name: str = ""
    last_name: str = ""
    middle_name: str = ""
    suffix: str = ""
    job_title: str = ""
    company: str = ""


NEWCOMER = ""
"""The id of the user or group that an earlier operation of the same plan creates; fulfilment fills
the real one in."""
