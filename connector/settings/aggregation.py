"""How DocuSign is read into the mirror."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AggregationSettings:
    """How DocuSign is read into the mirror of one tenant."""

    thorough_every_days: int = 7
    """Full aggregations pass over whom DocuSign shows as the mirror has them. So many days after
    the last that wrote everybody, one does again, whatever went wrong before. 1: each day."""
    delta_overlap_s: float = 300.0
    """A delta asks again for this long before the last one: DocuSign's lists lag behind, and clocks
    differ. Raise it where deltas miss what full runs then find."""
