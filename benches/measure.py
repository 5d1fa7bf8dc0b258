"""How things are measured: the time they take, round after round, and the report that it all goes into.

Systems are run in turn (A B A B ...), so that whatever else the machine does meets all of them alike; what counts
is the median of the rounds, and the ratio of two medians.
"""

import os
import shutil
import statistics
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import systems
from programs import Programs
from systems import IS_ROOT, Failed
from workloads import Workload

# What takes many times as long as the others does not take part in every round, and has so many seconds for each step.
SLOW, SLOW_ROUNDS = {"fuse-overlayfs", "archivemount", "ratarmount", "umoci unpack"}, 2
BOUND = 60

# Stands in plots where others have the name of a system.
TARGET = "target"

COLD = "sync; echo 3 >/proc/sys/vm/drop_caches; "


@dataclass
class Written:
    """How much is written, where writing is measured."""

    # Bytes of one file, and of all that is committed.
    bytes: int
    # Files that are unpacked.
    files: int
    # Entries of a layer that are changed; of so many each has to be on the disk before the next.
    lower: int
    synced: int


@dataclass
class Setup:
    """Where things are, and what of the rest is there."""

    root: Path
    point: Path
    rounds: int
    # Seconds that a mount is left alone before its memory is looked at once more.
    idle: float
    programs: Programs
    written: Written
    # Entries of the trees that show cost by size, and layers of those that show cost by depth.
    sizes: list
    depths: list
    depths_files: int
    # Entries of the images that are looked into.
    looked: int
    # The archives that are read; not made if no figure of a run reads them.
    files: Optional[Workload] = None
    image: Optional[Workload] = None
    large: Optional[Workload] = None
    # By what they are made of, and how they are compressed.
    compressed: dict = field(default_factory=dict)
    empty: Optional[Path] = None

    @property
    def cache(self):
        """The cache directory of whatever mount is measured; what is in it is a figure's own affair."""
        return self.root / "cache"

    def shown(self, command):
        """A command as one would type it, with the paths of this run left out."""
        if command[:2] == ["sh", "-c"] and len(command) == 3:
            command = command[2].split(" ")
        programs = [str(path) for path in vars(self.programs).values() if path]
        words = [Path(word).name if word in programs else word for word in map(str, command)]
        return " ".join(word.replace(str(self.root), "$DIR") for word in words)


@dataclass
class Series:
    """One thing that was measured some times over, in seconds."""

    name: str
    samples: list
    command: str

    @property
    def median(self):
        return statistics.median(self.samples)


@dataclass
class Line:
    """One line of the table of results; a figure without a target has nothing to meet."""

    what: str
    measured: str
    yardstick: str = ""
    ratio: str = ""
    target: str = ""
    is_met: Optional[bool] = None


@dataclass
class Point:
    """A value in a plot: in a figure's panel, of a system; at `x`, where the plot is one of lines."""

    figure: str
    panel: str
    system: str
    value: float
    x: Optional[int] = None


@dataclass
class Report:
    """All that was measured."""

    series: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)
    points: list = field(default_factory=list)
    left_out: list = field(default_factory=list)

    def add(self, name, samples, command):
        self.series[name] = Series(name, samples, command)

    def add_mounts(self, title, timings, command):
        """The series of what went through the mounts of several systems, as `through_mounts` gives them."""
        for (system, when), samples in timings.items():
            self.add(f"{title}, {system}, {when}", samples, (COLD if when == "cold" else "") + command)

    def compare(self, what, ours, yardstick, at_most=None):
        """A line on the medians of two series, if both were measured."""
        if not {ours, yardstick} <= self.series.keys():
            return
        mine, theirs = self.series[ours].median, self.series[yardstick].median
        ratio = mine / theirs
        line = Line(what, seconds(mine), f"{yardstick}: {seconds(theirs)}", f"{ratio:.2g} ×")
        if at_most:
            line.target, line.is_met = f"≤ {at_most} ×", ratio <= at_most
        self.lines.append(line)

    def compare_mounts(self, title, what, targets):
        """Lines on peelfs against each other system of a title; `targets` by system and when."""
        for name in list(self.series):
            system, _, when = name.removeprefix(f"{title}, ").partition(", ")
            if name.startswith(f"{title}, ") and system != "peelfs":
                ours = f"{title}, peelfs, {when}"
                self.compare(f"{what}, {when}", ours, name, targets.get((system, when)))

    def plot(self, figure, panel, system, value, x=None):
        self.points.append(Point(figure, panel, system, value, x))

    def plot_mounts(self, figure, timings, targets, x=None):
        medians = {key: statistics.median(samples) for key, samples in timings.items()}
        for (system, when), median in medians.items():
            self.plot(figure, when, system, median, x)
        for when in dict.fromkeys(when for _, when in medians):
            limits = [medians[key] * ratio for key, ratio in targets.items() if key in medians and key[1] == when]
            if limits:
                self.plot(figure, when, TARGET, min(limits), x)

    def leave_out(self, what):
        if what not in self.left_out:
            self.left_out.append(what)


def seconds(value):
    if value < 0.010:
        return f"{value * 1000:.2g} ms"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


# Taking the time.


def interleaved(rounds, *runs):
    """Runs each in turn, `rounds` times over; each yields names and seconds."""
    timings, slow = defaultdict(list), set()
    for number in range(rounds):
        for run in runs:
            if run in slow and number >= SLOW_ROUNDS:
                continue
            for name, took in run():
                timings[name].append(took)
                if name in SLOW:
                    slow.add(run)
    return timings


def through_mounts(report, title, rounds, mounts, run):
    """Runs through a fresh mount of each system in turn; `run` gets the seconds that a step may take, if they are
    bounded, and yields when it was and how long it took.

    Gives samples by system and when.
    """
    timings, mounts = defaultdict(list), dict(mounts)
    for number in range(rounds):
        for system, mount in list(mounts.items()):
            if system in SLOW and number >= SLOW_ROUNDS:
                continue
            try:
                with mount():
                    for when, took in run(BOUND if system in SLOW else None):
                        timings[system, when].append(took)
            except systems.TooSlow as why:
                report.leave_out(f"{title}, {system}: {why}")
                del mounts[system]
    return timings


def first_round(mounts):
    """Says whether a mount is one of the first round, each time it is asked: what has been seen to be right once
    need not be looked at again.
    """
    asked = iter(mounts)
    return lambda: next(asked, None) is not None


def cold_and_warm(command, patience):
    """A command on a fresh mount: once with nothing in the kernel's caches, then again."""
    if IS_ROOT:
        drop_caches()
        warm(shutil.which(command[0]))
        yield "cold", time_of(command, patience)
    else:
        time_of(command, patience)
    yield "warm", time_of(command, patience)


def time_of(command, patience=None):
    """From the start of a process to its end; what it prints is thrown away."""
    words = list(map(str, command))
    start = time.perf_counter()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, complaint = process.communicate(timeout=patience)
    except BaseException as why:
        # It is not waited for: while it waits for a daemon, it ends when that does.
        process.kill()
        if isinstance(why, subprocess.TimeoutExpired):
            raise systems.TooSlow(f"more than {patience:.0f} s") from None
        raise
    took = time.perf_counter() - start
    if process.returncode:
        raise Failed(f"{' '.join(words)}: {complaint.decode(errors='replace').strip()}")
    return took


def mount_time(setup, path, cache=None):
    """From the exec of `peelfs mount` to an answered stat(2) of the mount point."""
    with systems.peelfs(setup.programs.peelfs, path, setup.point, cache) as process:
        return process.took


def resident(process, which="VmRSS"):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) * 1024
    raise Failed(f"no {which} of process {process.pid}")


# The caches: the kernel's, and ours.


def drop_caches():
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def warm(path):
    """Brings a file into the page cache."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def filled(setup, *workloads):
    """The cache directory, made anew, with what there is to know of the workloads, and no more."""
    forget(setup.cache)
    for workload in workloads:
        mount_time(setup, workload.path, setup.cache)
    return setup.cache


def forget(directory):
    shutil.rmtree(directory, ignore_errors=True)
    # What others wrote must not be written back during what is timed.
    os.sync()
