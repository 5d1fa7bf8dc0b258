"""Who takes part: how each system shows a workload. What it needs for that is made before anything is timed."""

import filecmp
import subprocess

import floor as floor_table
import systems
import unpacked
from measure import BOUND, filled
from systems import IS_ROOT, Failed


def mounts(setup, report, workload, *wanted):
    """For each system what mounts the workload; a system that cannot is left out, and said so."""
    found = {}
    for system in wanted:
        if why := missing(setup, system):
            report.leave_out(f"{system}: {why}")
        else:
            found[system] = WAYS[system](setup, workload)
    return found


def missing(setup, system):
    """Why a system cannot take part, if so."""
    programs = setup.programs
    installed = {
        "fuse-overlayfs": programs.fuse_overlayfs,
        "ratarmount": programs.ratarmount,
        "archivemount": programs.archivemount,
        "erofs": programs.mkfs_erofs,
    }
    if system in NEED_ROOT and not IS_ROOT:
        return "it needs root"
    if not installed.get(system, True):
        return "not installed"
    if system == "erofs" and "\terofs\n" not in open("/proc/filesystems").read():
        return "this kernel has none"
    return None


def peelfs(setup, workload):
    """With a cache directory that a first mount has filled."""
    cache = filled(setup, workload)
    return lambda: systems.peelfs(setup.programs.peelfs, workload.path, setup.point, cache)


def floor(setup, workload):
    table = floor_table.table(workload)
    return lambda: systems.floor(setup.programs.floor, table, workload.path, setup.point)


def overlayfs(setup, workload):
    layers = unpacked.layers(workload)
    return lambda: systems.overlayfs(layers, setup.point)


def fuse_overlayfs(setup, workload):
    layers = unpacked.layers(workload)
    return lambda: systems.fuse_overlayfs(layers, setup.point)


def ext4(setup, workload):
    """The merged tree as a directory, on whatever file system the workloads are."""
    tree = unpacked.merged(workload, setup.point)
    return lambda: systems.directory(tree, setup.point)


def erofs(setup, workload):
    image = unpacked.erofs(workload, setup.point, setup.programs.mkfs_erofs)
    return lambda: systems.erofs(image, setup.point)


def ratarmount(setup, workload):
    """It knows no whiteouts: of single layers only."""
    index = index_of_ratarmount(workload)
    return lambda: systems.ratarmount(setup.programs.ratarmount, workload.path, index, setup.point, BOUND)


def index_of_ratarmount(workload):
    return workload.path.with_suffix(".ratarmount")


def archivemount(setup, workload):
    """Of single layers, too."""
    return lambda: systems.archivemount(workload.path, setup.point, BOUND)


WAYS = {
    "peelfs": peelfs,
    "floor": floor,
    "overlayfs": overlayfs,
    "fuse-overlayfs": fuse_overlayfs,
    "ext4": ext4,
    "erofs": erofs,
    "ratarmount": ratarmount,
    "archivemount": archivemount,
}

NEED_ROOT = {"floor", "overlayfs", "fuse-overlayfs", "ext4", "erofs"}


def same_tree(setup, mounts):
    """Times of different trees compare nothing: all must show the same names, types, sizes and targets.

    Gives the number of entries.
    """
    listings = [setup.root / "tree", setup.root / "tree-of-other"]
    for number, (system, mount) in enumerate(mounts.items()):
        listing = listings[min(number, 1)]
        with mount(), open(listing, "wb") as file:
            subprocess.run(["sh", "-c", LISTING, setup.point], stdout=file, check=True)
        if not filecmp.cmp(listings[0], listing, shallow=False):
            raise Failed(f"{system} and {next(iter(mounts))} show different trees: diff {listings[0]} {listing}")
    with open(listings[0], "rb") as lines:
        count = sum(1 for _ in lines)
    for listing in listings:
        listing.unlink(missing_ok=True)
    return count


# A directory's size is the file system's own affair. Sorted by a program that needs no memory for millions of lines.
LISTING = r"""find "$0" -type d -printf '%P/\n' -o -printf '%P %y %s %l\n' | LC_ALL=C sort"""
