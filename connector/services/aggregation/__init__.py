"""Aggregation: reading DocuSign into the mirror."""

from connector.services.aggregation.catalogue import CatalogueReader
from connector.services.aggregation.delta import DELTA_JOB, DeltaService, Read
from connector.services.aggregation.full import AggregationService
from connector.services.aggregation.runs import SYNC_JOB, Progress, Report
from connector.services.aggregation.unchanged import Unchanged

__all__ = [
    "DELTA_JOB",
    "SYNC_JOB",
    "AggregationService",
    "CatalogueReader",
    "DeltaService",
    "Progress",
    "Read",
    "Report",
    "Unchanged",
]
