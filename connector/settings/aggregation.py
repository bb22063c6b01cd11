"""How DocuSign is read into the mirror."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AggregationSettings:
    """How DocuSign is read into the mirror of one tenant."""

    delta_overlap_s: float = 300.0
    """A delta asks again for this long before the last one: DocuSign's lists lag behind, and clocks
    differ. Raise it where deltas miss what full runs then find."""
