"""CPU time and memory of processes and their children, from /proc."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True)
class Stat:
    """A line of /proc/<pid>/stat. The CPU time includes that of children that have ended."""

    parent: int
    cpu_seconds: float


@dataclass(frozen=True)
class Memory:
    """In megabytes. What several processes share counts in full as resident, and in parts as proportional."""

    resident: float
    proportional: float


def parse(line: str, ticks_per_second: int = TICKS_PER_SECOND) -> Stat:
    # The program's name, in parentheses, may itself contain spaces and parentheses.
    fields = line.rpartition(")")[2].split()
    return Stat(parent=int(fields[1]), cpu_seconds=sum(map(int, fields[11:15])) / ticks_per_second)


def cpu_seconds(processes: Iterable[int]) -> dict[int, float]:
    """Return the CPU time of each of these processes that runs on this machine."""
    found = {process: _stat(process) for process in processes}
    return {process: stat.cpu_seconds for process, stat in found.items() if stat}


def family(process: int) -> set[int]:
    """Return the process, its children, their children and so on."""
    stats = {int(folder.name): _stat(int(folder.name)) for folder in PROC.glob("[0-9]*")}
    members = {process}
    while added := {pid for pid, stat in stats.items() if stat and stat.parent in members} - members:
        members |= added
    return members


def memory(processes: Iterable[int]) -> Memory:
    """Return the memory of processes, without PostgreSQL's shared buffers, which are a cache of chosen size."""
    found = [_rollup(process) for process in processes]
    return Memory(
        resident=sum(sizes["Rss"] for sizes in found) / 1024,
        proportional=sum(sizes["Pss"] - sizes["Pss_Shmem"] for sizes in found) / 1024,
    )


def _rollup(process: int) -> dict[str, int]:
    """Return the sizes in /proc/<pid>/smaps_rollup, in KB."""
    lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()[1:]
    return {name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}


def command(process: int) -> str:
    return (PROC / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def parent(process: int) -> int:
    return parse((PROC / str(process) / "stat").read_text()).parent


def spent(before: dict[int, float], after: dict[int, float]) -> float:
    """Return the CPU seconds between two results of `cpu_seconds`. A process that is not in the first began later."""
    return sum(seconds - before.get(process, 0) for process, seconds in after.items())


def _stat(process: int) -> Stat | None:
    with suppress(OSError):
        return parse((PROC / str(process) / "stat").read_text())
    return None
