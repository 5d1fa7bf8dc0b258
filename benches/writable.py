"""Who takes part in writing: how each system shows a layer that may be written to. All of it needs root."""

from functools import partial

import peers
import systems
import unpacked
from measure import filled, forget
from systems import Upper

# peelfs with all that is written and read going through the daemon, as it does where the kernel passes nothing through.
THROUGH_DAEMON = "peelfs --no-passthrough"

# Whose times are compared with those of all others.
OURS = ["peelfs", THROUGH_DAEMON]


def upper(setup, is_volatile=False):
    """The one upper directory that there is; what is in it is a round's own affair."""
    return Upper(setup.root / "upper", setup.root / "upper.work", is_volatile)


def remove(setup):
    """Takes the upper directory away; nothing of what was written is left to be brought to the disk."""
    made = upper(setup)
    for directory in (made.dir, made.work):
        forget(directory)


def fresh(setup, is_volatile=False):
    """The upper directory, empty."""
    remove(setup)
    made = upper(setup, is_volatile)
    made.dir.mkdir()
    made.work.mkdir()
    return made


def mounts(setup, report, workload, *wanted, is_volatile=False):
    """For each system what mounts the workload with an empty upper directory; a system that cannot is left out.

    The systems all have the upper on the same file system, which is that of the unpacked layers, too.
    """
    found = {}
    for system in wanted:
        if why := peers.missing(setup, system):
            report.leave_out(f"{system}, written to: {why}")
        else:
            found[system] = WAYS[system](setup, workload, partial(fresh, setup, is_volatile))
    return found


def peelfs(setup, workload, empty, *options):
    """With a cache directory that a first mount has filled."""
    cache = filled(setup, workload)
    image, point = workload.path, setup.point
    return lambda: systems.peelfs(setup.programs.peelfs, image, point, cache, [*empty().options, *options])


def again(setup, workload):
    """peelfs with the upper directory as it has been left."""
    options = upper(setup).options
    return systems.peelfs(setup.programs.peelfs, workload.path, setup.point, options=options)


def through_daemon(setup, workload, empty):
    return peelfs(setup, workload, empty, "--no-passthrough")


def overlayfs(setup, workload, empty):
    """Which renames directories of the layers only if it is told to; peelfs does so by itself."""
    layers = unpacked.layers(workload)
    return lambda: systems.overlayfs(layers, setup.point, [*empty().words, "redirect_dir=on"])


def fuse_overlayfs(setup, workload, empty):
    layers = unpacked.layers(workload)
    return lambda: systems.fuse_overlayfs(layers, setup.point, empty().words)


def ext4(setup, _, empty):
    """An empty directory of whatever file system the workloads are on."""
    return lambda: systems.directory(empty().dir, setup.point)


WAYS = {
    "peelfs": peelfs,
    THROUGH_DAEMON: through_daemon,
    "overlayfs": overlayfs,
    "fuse-overlayfs": fuse_overlayfs,
    "ext4": ext4,
}


def compare(report, title, what, targets):
    """Lines on peelfs, both ways if it was measured so, against each other system of a title.

    `what` is said of each step, by its name; `targets` are by who of ours, by system and step.
    """
    for name in list(report.series):
        system, _, step = name.removeprefix(f"{title}, ").partition(", ")
        if name.startswith(f"{title}, ") and system not in OURS:
            for ours in OURS:
                said = what[step] + ours.removeprefix("peelfs").replace(" ", ", ", 1)
                report.compare(said, f"{title}, {ours}, {step}", name, targets.get((ours, system, step)))
