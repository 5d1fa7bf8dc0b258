"""What is measured: each function measures one thing and puts it into the report.

Systems are run in turn, round after round (A B A B ...), so that whatever else the machine does meets all
of them alike; what counts is the median of the rounds, and the ratio of two medians.
"""

import os
import statistics
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import systems
from systems import IS_ROOT, Failed
from workloads import Workload


@dataclass
class Setup:
    """Where things are, and what of the rest is there."""

    root: Path
    point: Path
    rounds: int
    peelfs: Path
    header_scan: Path
    decode_floor: Path
    ratarmount: Optional[str]
    fuse_overlayfs: Optional[str]
    files: Workload
    image: Workload
    large: Workload
    # By what they are made of, and how they are compressed.
    compressed: dict
    empty: Path
    # The image's layers, unpacked; without root there are none.
    layers: list

    def shown(self, command):
        """A command as one would type it, with the paths of this run left out."""
        programs = [str(program) for program in (self.peelfs, self.header_scan, self.decode_floor, self.ratarmount)]
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
class Report:
    """All that was measured."""

    series: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)
    left_out: list = field(default_factory=list)

    def add(self, name, samples, command):
        self.series[name] = Series(name, samples, command)

    def compare(self, what, ours, yardstick, at_most=None):
        """A line on the medians of two series, if both were measured."""
        if yardstick not in self.series:
            return
        mine, theirs = self.series[ours].median, self.series[yardstick].median
        ratio = mine / theirs
        line = Line(what, seconds(mine), f"{yardstick}: {seconds(theirs)}", f"{ratio:.2g} ×")
        if at_most:
            line.target, line.is_met = f"≤ {at_most} ×", ratio <= at_most
        self.lines.append(line)

    def leave_out(self, what):
        self.left_out.append(what)


def seconds(value):
    if value < 0.010:
        return f"{value * 1000:.2g} ms"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


# Taking the time.


def interleaved(rounds, *runs):
    """Runs each in turn, `rounds` times over; each yields names and seconds."""
    timings = defaultdict(list)
    for _ in range(rounds):
        for run in runs:
            for name, took in run():
                timings[name].append(took)
    return timings


def time_of(command):
    """From the start of a process to its end; what it prints is thrown away."""
    start = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    took = time.perf_counter() - start
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace').strip()}")
    return took


def mount_time(setup, path, cache=None):
    """From the exec of `peelfs mount` to an answered stat(2) of the mount point."""
    with systems.peelfs(setup.peelfs, path, setup.point, cache) as process:
        return process.took


def drop_caches():
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def warm(path):
    """Brings a file into the page cache."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


# The figures.


def index(setup, report):
    """Indexing a plain tar that is in the page cache: whole processes."""
    commands = {
        "peelfs ls": [setup.peelfs, "ls", "--no-cache", setup.files.path, "/"],
        "header scan": [setup.header_scan, setup.files.path],
        "header scan, reading through": [setup.header_scan, "--through", setup.files.path],
    }
    if setup.ratarmount:
        database = setup.root / "ratarmount.sqlite"
        # Without the mount, which costs it some more.
        options = ["--no-mount", "--recreate-index", "--index-file", database]
        commands["ratarmount"] = [setup.ratarmount, *options, setup.files.path]
    else:
        report.leave_out("ratarmount: not installed")
    warm(setup.files.path)
    runs = [lambda n=name: [(n, time_of(commands[n]))] for name in commands]
    for name, samples in interleaved(setup.rounds, *runs).items():
        report.add(name, samples, setup.shown(commands[name]))
    what = f"index of {setup.files.entries:,} entries"
    report.compare(what, "peelfs ls", "header scan", at_most=3)
    report.compare(what, "peelfs ls", "header scan, reading through")
    report.compare(what, "peelfs ls", "ratarmount", at_most=0.1)


def memory(setup, report):
    """What the daemon of a plain tar's mount keeps in memory."""
    with systems.peelfs(setup.peelfs, setup.empty, setup.point) as daemon:
        nothing = resident(daemon)
    with systems.peelfs(setup.peelfs, setup.files.path, setup.point) as daemon:
        mounted = resident(daemon)
        time_of(["find", setup.point, "-ls"])
        walked = resident(daemon)
        peak = resident(daemon, "VmHWM")

    def line(what, taken, target=None):
        per_entry = taken / setup.files.entries
        line = Line(f"memory, {what}", f"{per_entry:.0f} bytes per entry ({taken / 2**20:.0f} MiB)")
        if target:
            line.target, line.is_met = f"≤ {target} bytes per entry", per_entry <= target
        report.lines.append(line)

    line("after mount", mounted)
    line("after mount, above an empty tar's", mounted - nothing)
    line("after a full `find -ls`", walked, 150)
    line("after a full `find -ls`, above an empty tar's", walked - nothing)
    line("peak, while indexing", peak)


def resident(process, which="VmRSS"):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) * 1024
    raise Failed(f"no {which} of process {process.pid}")


def walk(setup, report):
    """`find -ls` through a fresh mount: once with nothing in the kernel's caches, then again."""
    mounts = {"peelfs": lambda: systems.peelfs(setup.peelfs, setup.image.path, setup.point)}
    if setup.layers:
        mounts["overlayfs"] = lambda: systems.overlayfs(setup.layers, setup.point)
        if setup.fuse_overlayfs:
            mounts["fuse-overlayfs"] = lambda: systems.fuse_overlayfs(setup.layers, setup.point)
        else:
            report.leave_out("fuse-overlayfs: not installed")
    else:
        report.leave_out("overlayfs, and all that is cold: they need root")
    find = ["find", setup.point, "-ls"]

    def walk_through(system):
        with mounts[system]():
            if IS_ROOT:
                drop_caches()
                yield f"find, {system}, cold", time_of(find)
            else:
                time_of(find)
            yield f"find, {system}, second", time_of(find)

    count = same_tree(mounts, setup.point)
    timings = interleaved(setup.rounds, *(lambda s=system: walk_through(s) for system in mounts))
    for name, samples in timings.items():
        drop = "sync; echo 3 >/proc/sys/vm/drop_caches; " if name.endswith("cold") else ""
        report.add(name, samples, drop + setup.shown(find))
    for when, at_most in [("cold", 1.2), ("second", 1.3)]:
        for system, target in [("overlayfs", at_most), ("fuse-overlayfs", None)]:
            what = f"`find -ls` of {count:,} entries, {when}"
            report.compare(what, f"find, peelfs, {when}", f"find, {system}, {when}", target)


def same_tree(mounts, point):
    """Times of different trees compare nothing: all must show the same names, types, sizes and targets.

    Gives the number of entries.
    """
    trees = {}
    for system, mount in mounts.items():
        with mount():
            # A directory's size is the file system's own affair.
            listing = ["find", ".", "-type", "d", "-printf", "%P/\n", "-o", "-printf", "%P %y %s %l\n"]
            trees[system] = sorted(systems.run(listing, cwd=point).splitlines())
    for system, tree in trees.items():
        if tree != trees["peelfs"]:
            raise Failed(f"{system} and peelfs show different trees")
    return len(trees["peelfs"])


def mount(setup, report):
    """Mounting without a cache directory: all is read every time."""
    workloads = {"mount, image": setup.image, "mount, many files": setup.files}

    def mount_once(name):
        path = workloads[name].path
        if IS_ROOT:
            drop_caches()
            yield f"{name}, cold", mount_time(setup, path)
        warm(path)
        yield f"{name}, warm", mount_time(setup, path)

    timings = interleaved(setup.rounds, *(lambda n=name: mount_once(n) for name in workloads))
    for name, samples in timings.items():
        kind, _, when = name.rpartition(", ")
        report.add(name, samples, setup.shown(systems.peelfs_command("peelfs", workloads[kind].path, setup.point)))
        report.lines.append(Line(name, seconds(report.series[name].median)))


def size(setup, report):
    """What there is to install."""
    stripped = setup.root / "peelfs.stripped"
    systems.run(["strip", "-o", stripped, setup.peelfs])
    whole, bare = (path.stat().st_size / 2**20 for path in (setup.peelfs, stripped))
    stripped.unlink()
    report.lines.append(Line("size of the binary", f"{bare:.1f} MiB stripped, {whole:.1f} MiB with line tables"))


ALL = {figure.__name__: figure for figure in (index, memory, walk, mount, size)}
