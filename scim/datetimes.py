"""dateTime values (RFC 7643 §2.3.5): read tolerantly, always written in one form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)


def parse_datetime(text: str) -> datetime:
    """Return the instant as an aware UTC time.

    Fractions of any length are cut to microseconds; a time without offset is UTC. Hour 24 is hour
    0 of the same day: IdentityIQ's default format counts hours from 1 to 24 (Java ``kk``).

    :raises ValueError: it is no ``xsd:dateTime``.
    """
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a dateTime such as 2026-11-23T08:15:30Z")
    year, month, day, hour, minute, second, fraction, _, sign, *offset = match.groups()
    try:
        moment = datetime(
            *(int(year), int(month), int(day), int(hour) % 24 if hour == "24" else int(hour)),
            *(int(minute), int(second or 0), int(f"{fraction or '0':0<6.6}")),
            tzinfo=_zone(sign, *offset),
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a date and time of the calendar") from None


def format_datetime(moment: datetime) -> str:
    """Return an aware time as ``2026-11-23T08:15:30.000Z``: UTC, milliseconds.

    :raises ValueError: the time is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without zone names no instant")
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _zone(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    if sign is None or hours is None or minutes is None:
        return UTC
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)
