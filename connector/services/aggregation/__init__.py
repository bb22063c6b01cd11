"""Aggregation: reading DocuSign into the mirror."""

from connector.services.aggregation.full import AggregationService
from connector.services.aggregation.runs import SYNC_JOB, Progress, Report

__all__ = ["SYNC_JOB", "AggregationService", "Progress", "Report"]
