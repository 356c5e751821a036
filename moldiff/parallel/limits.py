"""What the system holds a process to: how much memory it takes, and that it ends with its parent."""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of linux/prctl.h."""


def end_with_parent() -> None:
    """Have the system end this process with the one that started it, even in the middle of an item."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def limit_memory(memory: int, process: int | None = None) -> None:
    """Let allocations fail beyond so many bytes from now on; does nothing where the system cannot.

    Args:
        memory: bytes beyond those that the process has.
        process: its number; this one by default. One that has ended already needs no limit.
    """
    if sys.platform != "linux":
        return
    import resource

    number = os.getpid() if process is None else process
    try:
        status = Path(f"/proc/{number}/status").read_text(encoding="ascii", errors="replace")
        taken = int(status.partition("VmData:")[2].split()[0]) << 10
        _, most = resource.prlimit(number, resource.RLIMIT_DATA)
        wanted = taken + memory
        limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.prlimit(number, resource.RLIMIT_DATA, (limit, most))
    except (OSError, IndexError):  # it has ended, or belongs to somebody else
        return


def machine_memory() -> int:
    """Bytes of memory of this machine: a user's own program may take as much, and no more."""
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return sys.maxsize
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
