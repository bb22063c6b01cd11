"""Processes that end when the one that started them does, however that one ended."""

from __future__ import annotations

import os
import socket
import threading
import time
from functools import cache
from pathlib import Path

PARENT_VARIABLE = "DOCUSIGN_IGA_PARENT"
"""The process id of the one to end with. A parent sets it for its children; without it a process
is on its own."""
_LOOK_EVERY_S = 0.5


def lives(pid: int) -> bool:
    """Return whether a process of this machine still runs."""
    import psutil  # noqa: PLC0415 - every command imports this module, few ask

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def has_ended(machine_name: str, pid: int) -> bool:
    """Return whether a process of this machine has ended; False for those of others, of which this
    one cannot know.

    :param machine_name: see :func:`machine`.
    """
    return machine_name == machine() and knows_its_dead() and not lives(pid)


@cache
def machine() -> str:
    """Return a name for whatever shares this process's ids: the machine since its last start, or
    one container on it. On systems that do not tell these apart, the host's name."""
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        ids = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}.{started[:8]}.{ids}"


def knows_its_dead() -> bool:
    """Whether a process id that is not found here means that a process of this name is gone, and
    not that it runs in another container of the same host name."""
    return machine() != socket.gethostname()


def end_with_parent() -> None:
    """End this process soon after the parent that the environment names is gone.

    A parent that was killed cannot end its children, and they would work on beside its successor.
    What they are doing then is broken off as by a crash of their own, which settlement mends.
    """
    parent = os.environ.get(PARENT_VARIABLE, "")
    if parent:
        watch = threading.Thread(
            target=_end_without, args=(int(parent),), name="end-with-parent", daemon=True
        )
        watch.start()


def _end_without(parent: int) -> None:
    while lives(parent):
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)
