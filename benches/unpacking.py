"""What it takes to get a directory at all: from an archive in memory, and nothing else, to the end of a first walk."""

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Callable

import peers
import systems
from compressed import wanted
from measure import BOUND, SLOW, SLOW_ROUNDS, filled, forget, time_of, warm
from metadata import walk_in, walker
from workloads import many_files


@dataclass
class Way:
    """One way from an archive to the end of a walk: the seconds it takes, and what one would type."""

    go: Callable
    command: list


def first_walk(setup, report):
    """Mounted and walked, or unpacked and walked."""
    if image := wanted(setup, report, "image", "gzip"):
        ways = by_peelfs(setup, image)
        if setup.programs.umoci:
            ways["umoci unpack"] = by_unpacking(setup, unpack_by_umoci(setup, image))
        else:
            report.leave_out("umoci unpack: not installed")
        compare(setup, report, "image, gzip layers", image, ways)
    tar = many_files(setup.root, setup.sizes[1])
    ways = by_peelfs(setup, tar)
    ways["tar -x"] = by_unpacking(setup, ["tar", "-xf", tar.path, "-C", bundle(setup)])
    for system, mount in peers.mounts(setup, report, tar, "ratarmount", "archivemount").items():
        ways[system] = by_peer(setup, tar, system, mount)
    compare(setup, report, f"plain tar of {tar.entries:,} entries", tar, ways)


def compare(setup, report, what, workload, ways):
    """Goes each way in turn; others are compared with peelfs that knows nothing yet."""
    timings, title = defaultdict(list), f"first walk, {what}"
    for number in range(setup.rounds):
        for name, way in ways.items():
            if number < SLOW_ROUNDS or name not in SLOW:
                forget(bundle(setup))
                bundle(setup).mkdir()
                warm(workload.path)
                try:
                    took = way.go()
                except systems.TooSlow as why:
                    report.leave_out(f"{title}, {name}: {why}")
                else:
                    timings[name].append(took)
    forget(bundle(setup))
    for name, samples in timings.items():
        report.add(f"{title}, {name}", samples, f"{setup.shown(ways[name].command)}; find")
        report.plot("first_walk", what, name, report.series[f"{title}, {name}"].median)
        if name != FIRST:
            report.compare(title, f"{title}, {FIRST}", f"{title}, {name}")


# peelfs when it has to find out everything.
FIRST = "peelfs, first mount"


def by_peelfs(setup, workload):
    command = systems.peelfs_command("peelfs", workload.path, setup.point, setup.cache)

    def first():
        forget(setup.cache)
        return mounted_and_walked()

    def second():
        filled(setup, workload)
        return mounted_and_walked()

    def mounted_and_walked():
        start = time.perf_counter()
        with systems.peelfs(setup.programs.peelfs, workload.path, setup.point, setup.cache):
            time_of(walker(setup))
            return time.perf_counter() - start

    return {FIRST: Way(first, command), "peelfs, second mount": Way(second, command)}


def by_peer(setup, workload, name, mount):
    def go():
        peers.index_of_ratarmount(workload).unlink(missing_ok=True)
        start = time.perf_counter()
        with mount():
            time_of(walker(setup), BOUND)
            return time.perf_counter() - start

    return Way(go, [name, workload.path, setup.point])


def by_unpacking(setup, command):
    def go():
        start = time.perf_counter()
        time_of(command)
        time_of(walk_in(bundle(setup)))
        return time.perf_counter() - start

    return Way(go, command)


def bundle(setup):
    """Where things are unpacked."""
    return setup.root / "bundle"


def unpack_by_umoci(setup, image):
    # It wants to make the directory itself.
    options = ["--rootless", "--image", f"{image.layout}:bench", bundle(setup) / "image"]
    return [setup.programs.umoci, "unpack", *options]


FIGURES = (first_walk,)
ALL = {figure.__name__: figure for figure in FIGURES}
