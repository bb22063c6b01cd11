"""Ports for programs that have to be told one."""

from __future__ import annotations

import secrets
import socket

_PORTS = range(20_000, 32_768)
"""Below those from which a system serves whoever asks for any port, and for each connection."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on.

    Until the program listens on it, seconds may pass: a port that the system would have chosen may
    be given to another test by then. That another one draws the same is not to be feared.
    """
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe:
            # A port of an earlier test may be waiting for its connections to end: it is as good.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
