"""What is measured of names and attributes: walks of the whole tree that ask for every entry's stat."""

from functools import partial

import measure
import peers
import unpacked
from layered import layered
from measure import cold_and_warm, through_mounts


def walk(setup, report):
    """The image of ten layers, by all who can show it."""
    wanted = ["peelfs", "overlayfs", "floor", "fuse-overlayfs", "erofs", "ext4"]
    mounts = peers.mounts(setup, report, setup.image, *wanted)
    count = peers.same_tree(setup, mounts)
    command = walker(setup)
    timings = through_mounts(report, "walk", setup.rounds, mounts, partial(cold_and_warm, command))
    report.add_mounts("walk", timings, setup.shown(command))
    targets = {
        ("overlayfs", "cold"): 0.5,
        ("floor", "cold"): 1.2,
        ("overlayfs", "warm"): 0.9,
        ("floor", "warm"): 1.2,
    }
    report.plot_mounts("walk", timings, targets)
    report.compare_mounts("walk", f"walk of {count:,} entries, ten layers", targets)


def layers(setup, report):
    """One tree in few and in many layers."""
    command = walker(setup)
    trees = {depth: layered(setup.root, depth, setup.depths_files) for depth in setup.depths}
    counts = set()
    for depth, workload in trees.items():
        mounts = peers.mounts(setup, report, workload, "peelfs", "overlayfs", "floor")
        counts.add(peers.same_tree(setup, mounts))
        run = partial(cold_and_warm, command)
        timings = through_mounts(report, walk_of(depth), setup.rounds, mounts, run)
        unpacked.remove(workload)
        report.add_mounts(walk_of(depth), timings, setup.shown(command))
        targets = {("overlayfs", "cold"): 0.25} if depth == max(setup.depths) else {}
        report.plot_mounts("layers", timings, {}, x=depth)
        report.compare_mounts(walk_of(depth), f"walk of {min(counts):,} entries, {named(depth)}", targets)
    if len(counts) > 1:
        raise measure.Failed("the number of layers changes what they show")
    most, least = max(trees), min(trees)
    what = f"walk of {counts.pop():,} entries, {named(most)} against {least}"
    for when, at_most in [("cold", 1.5), ("warm", None)]:
        names = [f"{walk_of(depth)}, peelfs, {when}" for depth in (most, least)]
        report.compare(f"{what}, {when}", *names, at_most)


def walk_of(depth):
    return f"walk of {named(depth)}"


def named(depth):
    return "1 layer" if depth == 1 else f"{depth} layers"


def walker(setup):
    """Asks for the stat of every entry and prints nothing: no file is so large."""
    return walk_in(setup.point)


def walk_in(directory):
    return ["find", directory, "-size", "+1000G"]


FIGURES = (walk, layers)
ALL = {figure.__name__: figure for figure in FIGURES}
