"""What is measured of names and attributes that are written: many files that are unpacked into a mount and removed,
and many files of a layer that are changed.
"""

import os
import statistics
from dataclasses import dataclass
from typing import Callable

import unpacked
import writable
import workloads
from disk import on_a_disk
from measure import TARGET, first_round, through_mounts, time_of, warm
from metadata import walker
from systems import Failed, run
from writable import OURS
from writing import BASE


def unpack(setup, report):
    """`tar -x` of many small files into the mount, and `rm -rf` of them."""
    base, tar = (workloads.many_files(setup.root, count) for count in (BASE, setup.written.files))
    mounts = writable.mounts(setup, report, base, *OURS, "overlayfs", "fuse-overlayfs", "ext4")
    into = setup.point / "new"
    commands = {"tar -x": ["tar", "-xf", tar.path, "-C", into], "rm -rf": ["rm", "-rf", into]}
    is_first = first_round(mounts)

    def go(patience):
        warm(tar.path)
        into.mkdir()
        yield "tar -x", time_of(commands["tar -x"], patience)
        if is_first():
            run(["tar", "-df", tar.path, "-C", into])
        os.sync()
        yield "rm -rf", time_of(commands["rm -rf"], patience)
        if into.exists():
            raise Failed(f"{into}: it is still there")

    timings = through_mounts(report, "unpack", setup.rounds, mounts, go)
    targets = {(ours, "fuse-overlayfs", "tar -x"): 2 for ours in OURS}
    conclude(setup, report, "unpack", timings, commands, targets)
    what = {step: f"{step} of {tar.entries:,} files" for step in commands}
    writable.compare(report, "unpack", what, targets)


def conclude(setup, report, figure, timings, commands, targets):
    """Series and plots of what was done through several mounts; a step has a command."""
    medians = {key: statistics.median(samples) for key, samples in timings.items()}
    for (system, step), median in medians.items():
        report.add(f"{figure}, {system}, {step}", timings[system, step], setup.shown(commands[step]))
        report.plot(PICTURES.get(step, figure), step, system, median)
    for (ours, system, step), at_most in targets.items():
        if ours == "peelfs" and (system, step) in medians:
            report.plot(figure, step, TARGET, at_most * medians[system, step])


@dataclass
class Step:
    """Something that is done to files of a layer, and how it is seen that it was."""

    name: str
    what: str
    command: list
    check: Callable
    is_volatile: bool = False


def change(setup, report):
    """What a layer has, changed: attributes, which bring each file up, and names.

    Each step is done to a fresh mount that has been walked: what there is to know of the layer is known.
    """
    layer = workloads.many_files(setup.root, setup.written.lower)
    moved = setup.point / MOVED
    timings = {}
    steps = steps_of(setup, layer, unpacked.layers(layer)[0])
    for step in steps:
        systems = ["peelfs", "overlayfs", "fuse-overlayfs"]
        mounts = writable.mounts(setup, report, layer, *systems, is_volatile=step.is_volatile)
        is_first = first_round(mounts)

        def go(patience):
            time_of(walker(setup))
            moved.mkdir()
            os.sync()
            yield step.name, time_of(step.command, patience)
            if is_first():
                step.check()

        timings |= through_mounts(report, step.name, setup.rounds, mounts, go)
    conclude(setup, report, "change", timings, {step.name: step.command for step in steps}, {})
    writable.compare(report, "change", {step.name: step.what for step in steps}, {})


def steps_of(setup, layer, tree):
    """The steps; `tree` is the layer, unpacked."""
    files = sorted(path.relative_to(tree) for path in tree.rglob("*") if path.is_file())
    few = files[: setup.written.synced]
    every, some = (listed(setup, *names) for names in [("every-file", files), ("some-files", few)])
    package = min(tree.iterdir())

    def have_mode(names):
        found = run(["find", setup.point, "-type", "f", "-perm", "600", "-printf", "."])
        if len(found) != len(names):
            raise Failed(f"{len(found)} of {len(names)} files have the mode")
        run(["diff", "-r", "-x", MOVED, tree, setup.point])

    def are_gone():
        if left := run(["find", setup.point, "-type", "f"]):
            raise Failed(f"still there: {left.splitlines()[0]}")

    def are_moved():
        run(["diff", "-r", package, setup.point / MOVED])
        run(["rmdir", setup.point / package.name])

    chmod = f"chmod of {len(files):,} files of a layer, volatile"
    synced = f"chmod of {len(few):,} files of a layer"
    rm, mv = f"rm of {len(files):,} files of a layer", f"mv of {len(list(package.iterdir()))} directories of a layer"
    to = ["sh", "-c", f"mv -t {setup.point / MOVED} {setup.point / package.name}/*"]
    return [
        Step("chmod, volatile", chmod, ["xargs", "-0", "-a", every, "chmod", "600"], lambda: have_mode(files), True),
        Step("chmod", synced, ["xargs", "-0", "-a", some, "chmod", "600"], lambda: have_mode(few)),
        Step("rm", rm, ["xargs", "-0", "-a", every, "rm", "-f"], are_gone),
        Step("mv", mv, to, are_moved),
    ]


def listed(setup, name, files):
    """A file with the names that files have in the mount, as xargs reads them."""
    path = setup.root / name
    path.write_text("".join(f"{setup.point / file}\0" for file in files))
    return path


# A directory of the mount, empty when it begins.
MOVED = "moved"

# Steps that have a picture of their own.
PICTURES = {"rm": "names", "mv": "names"}

FIGURES = (unpack, change)
ALL = {figure.__name__: on_a_disk(figure) for figure in FIGURES}
