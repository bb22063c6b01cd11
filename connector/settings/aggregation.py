"""How DocuSign is read into the mirror."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AggregationSettings:
    """How DocuSign is read into the mirror of one tenant."""

    source: str = "auto"
    """What full aggregations read: ``lists``; ``export``, the Admin API's user-list export, held
    against the mirror; or ``auto``, whichever costs fewer calls. Runs that write everybody, the
    first among them, read lists."""
    export_wait_s: float = 1800.0
    """How long an export may take before the lists are read instead."""
    thorough_every_days: int = 7
    """Full aggregations pass over whom DocuSign shows as the mirror has them. So many days after
    the last that wrote everybody, one does again, whatever went wrong before. 1: each day."""
    monitor: str = "none"
    """Which DocuSign Monitor deltas listen to, a product of its own: ``none``, ``v2`` (lens) or
    ``v3``. It tells what ``last_modified_since`` does not, such as organization administrators."""
    monitor_ignore: tuple[str, ...] = ("envelope", "template", "document", "session")
    """Events about these objects are passed over; a part of the name is enough."""
    delta_overlap_s: float = 300.0
    """A delta asks again for this long before the last one: DocuSign's lists lag behind, and clocks
    differ. Raise it where deltas miss what full runs then find."""
    role_sweep_days: int = 30
    """Within so many days deltas ask about everybody whether they administer the organization: no
    list shows it. One Admin API call for each user; administrators of accounts are asked about by
    full runs anyway. 0: never, then only Monitor tells of the others."""
