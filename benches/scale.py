"""What is measured by number of entries: from an archive that nobody would wait for to one that few have."""

import statistics
from functools import partial

import peers
import systems
import unpacked
from measure import (
    BOUND,
    TARGET,
    cold_and_warm,
    filled,
    interleaved,
    mount_time,
    resident,
    through_mounts,
    time_of,
    warm,
)
from metadata import walker
from workloads import many_files

# More files than this are not unpacked: they do not fit on every disk.
MOST_UNPACKED = 1_000_000

# From so many entries on, rounds are few.
MANY, FEW_ROUNDS = 1_000_000, 3

# Seconds that a mount may take whose index is known.
AT_MOST = 0.010

# Those that may not come to an end.
BOUNDED = ["archivemount", "ratarmount"]


def scale(setup, report):
    """The same figures for few and for many entries."""
    bounded = list(BOUNDED)
    for count in setup.sizes:
        workload = many_files(setup.root, count)
        rounds = setup.rounds if count < MANY else min(setup.rounds, FEW_ROUNDS)
        index(setup, report, workload, rounds)
        second_mount(setup, report, workload)
        walks(setup, report, workload, rounds)
        bounded = [system for system in bounded if bounded_walk(setup, report, workload, system)]


def named(workload):
    return f"{workload.entries:,} entries"


def index(setup, report, workload, rounds):
    """The time to index the tar, in memory; a bare scan of its headers beside it."""
    commands = {
        "peelfs": [setup.programs.peelfs, "ls", "--no-cache", workload.path, "/"],
        "header scan": [setup.programs.header_scan, workload.path],
    }
    warm(workload.path)
    runs = [lambda n=name: [(n, time_of(commands[n]))] for name in commands]
    for name, samples in interleaved(rounds, *runs).items():
        report.add(f"index of {named(workload)}, {name}", samples, setup.shown(commands[name]))
        report.plot("scale", "index", name, statistics.median(samples), workload.entries)
    # The target is one of large tars (`index`): small ones are no more than the start of a process.
    names = [f"index of {named(workload)}, {name}" for name in commands]
    report.compare(f"index of {named(workload)}", *names)


def second_mount(setup, report, workload):
    cache, name = filled(setup, workload), f"cached mount of {named(workload)}"
    command = systems.peelfs_command("peelfs", workload.path, setup.point, cache)
    samples = [mount_time(setup, workload.path, cache) for _ in range(4 * setup.rounds)]
    report.add(name, samples, setup.shown(command))
    report.plot("scale", "second mount", "peelfs", statistics.median(samples), workload.entries)
    report.plot("scale", "second mount", TARGET, AT_MOST, workload.entries)


def walks(setup, report, workload, rounds):
    """Walks, and what the daemons have in memory after them."""
    wanted = ["peelfs", "floor"]
    if workload.entries <= MOST_UNPACKED:
        wanted += ["overlayfs", "ext4"]
    else:
        report.leave_out(f"overlayfs and ext4, {named(workload)}: so many files are not unpacked")
    command = walker(setup)
    try:
        mounts = peers.mounts(setup, report, workload, *wanted)
        peers.same_tree(setup, mounts)
        timings = through_mounts(report, walk_of(workload), rounds, mounts, partial(cold_and_warm, command))
    finally:
        unpacked.remove(workload)
    tell(setup, report, workload, timings)
    for system in filter(mounts.get, ["peelfs", "floor"]):
        with mounts[system]() as daemon:
            time_of(command)
            report.plot("scale", "memory", system, resident(daemon) / 2**20, workload.entries)


def bounded_walk(setup, report, workload, system):
    """One round of a system that may take too long; whether it did not."""
    mounts = peers.mounts(setup, report, workload, system)
    command = walker(setup)
    try:
        for mount in mounts.values():
            with mount() as daemon:
                timings = {(system, when): [took] for when, took in cold_and_warm(command, BOUND)}
                report.plot("scale", "memory", system, resident(daemon) / 2**20, workload.entries)
            tell(setup, report, workload, timings)
    except systems.Failed as why:
        report.leave_out(f"{system}, {named(workload)} and more: {why}")
        return False
    return bool(mounts)


def walk_of(workload):
    return f"walk of {named(workload)}"


def tell(setup, report, workload, timings):
    title = walk_of(workload)
    report.add_mounts(title, timings, setup.shown(walker(setup)))
    for (system, when), samples in timings.items():
        report.plot("scale", f"{when} walk", system, statistics.median(samples), workload.entries)
        if system != "peelfs":
            report.compare(f"{title}, {when}", f"{title}, peelfs, {when}", f"{title}, {system}, {when}")


FIGURES = (scale,)
ALL = {figure.__name__: figure for figure in FIGURES}
