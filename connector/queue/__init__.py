"""The job queue of several workers: Procrastinate in the connector's PostgreSQL database.

Nothing here is imported where the database is SQLite.
"""

from connector.queue.deferring import ProcrastinateQueue
from connector.queue.schema import install
from connector.queue.worker import QueueWorker

__all__ = ["ProcrastinateQueue", "QueueWorker", "install"]
