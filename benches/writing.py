"""What is measured of the bytes that are written: a new file, and a file of a layer that is changed."""

import os
import shutil
import statistics
from functools import partial

import oci
import unpacked
import writable
import workloads
from data import three_times
from disk import on_a_disk
from measure import COLD, TARGET, interleaved, through_mounts, time_of, warm
from systems import Failed, run
from writable import OURS, THROUGH_DAEMON

# Entries of the layer below, where what is below does not matter.
BASE = 1_000


def write(setup, report):
    """One large new file, and reading it through the mount that wrote it."""
    base, wanted = workloads.many_files(setup.root, BASE), [*OURS, "overlayfs", "fuse-overlayfs", "ext4"]
    mounts = writable.mounts(setup, report, base, *wanted)
    same_bytes(setup, mounts)
    file, size = setup.point / "new", setup.written.bytes >> 20
    writes = written_in(file, setup.written.bytes, PIECE)
    reads = ["dd", f"if={file}", "of=/dev/null", "bs=1M", "status=none"]
    commands = {
        "into memory": writes,
        "in small pieces": written_in(file, setup.written.bytes // SHARE, SMALL),
        "onto the disk": [*writes, "conv=fsync"],
        "read cold": reads,
        "read second": reads,
        "read warm": reads,
    }

    def go(patience):
        for step in ("into memory", "in small pieces", "onto the disk"):
            file.unlink(missing_ok=True)
            os.sync()
            yield step, time_of(commands[step], patience)
        for when, took in three_times(reads, patience):
            yield f"read {when}", took

    timings = through_mounts(report, "write", setup.rounds, mounts, go)
    for (system, step), samples in timings.items():
        command = setup.shown(commands[step])
        report.add(f"write, {system}, {step}", samples, (COLD if step == "read cold" else "") + command)
        if figure := PICTURES.get(step):
            report.plot(figure, step.removeprefix("read "), system, statistics.median(samples))
    what = {step: f"write of {size} MiB, {step}" for step in commands}
    what["in small pieces"] = f"write of {size // SHARE} MiB, {SMALL} KiB at a time"
    for when in ("cold", "second", "warm"):
        what[f"read {when}"] = f"read of {size} MiB in the upper, {when}"
    steps = commands.keys() - {"in small pieces"}
    targets = {(ours, "ext4", step): at_most for ours, at_most in TARGETS.items() for step in steps}
    writable.compare(report, "write", what, targets)


# KiB that are written at a time. With more, the kernel looks for so large a stretch of memory that the time depends on
# how that is divided up just then. Small ones show the price of a call rather than that of the bytes.
PIECE, SMALL = 256, 4

# Of the file, what is written in small pieces.
SHARE = 16


def written_in(file, size, kib):
    return ["dd", "if=/dev/zero", f"of={file}", f"bs={kib}k", f"count={size // kib >> 10}", "status=none"]


# The steps that are drawn, and where.
PICTURES = {
    "into memory": "write",
    "in small pieces": "write",
    "onto the disk": "write",
    "read cold": "read_back",
    "read warm": "read_back",
}

# Of the time that the same takes without any mount.
TARGETS = {"peelfs": 1.1, THROUGH_DAEMON: 2}


def same_bytes(setup, mounts):
    """What is written through each must be what is read, through it and where it has been put."""
    source = oci.noise_file(setup.root, setup.written.bytes).path
    for mount in mounts.values():
        with mount():
            shutil.copyfile(source, setup.point / "copy")
            run(["cmp", source, setup.point / "copy"])
        run(["cmp", source, writable.upper(setup).dir / "copy"])


def copy_up(setup, report):
    """A large file of a plain layer, to which one byte is added: all of it has to come up first.

    With the copy on the disk before it takes the file's place, as it is without `volatile`, and without that.
    """
    large = oci.noise_file(setup.root, setup.written.bytes)
    runs, commands = {}, {}
    for is_volatile, floor in FLOORS.items():
        mounts = writable.mounts(setup, report, large, "peelfs", "overlayfs", is_volatile=is_volatile)
        for system, mount in mounts.items():
            name = copy_up_by(system, is_volatile)
            commands[name] = ["sh", "-c", f"printf x >>{setup.point / oci.LARGE}"]
            runs[name] = partial(copied_up, setup, large, mount, commands[name])
        original, copy = unpacked.layers(large)[0] / oci.LARGE, setup.root / "copy"
        sync = "" if is_volatile else f"; sync {copy}"
        commands[floor] = ["sh", "-c", f"cp {original} {copy}{sync}"]
        runs[floor] = partial(copied, setup, original, copy, commands[floor])
    timings = interleaved(setup.rounds, *(lambda n=name: [(n, runs[n]())] for name in runs))
    for name, samples in timings.items():
        report.add(name, samples, setup.shown(commands[name]))
    for is_volatile, floor in FLOORS.items():
        compare_copies(report, f"copy-up of {large.bytes >> 20} MiB", is_volatile, floor)


# What one would do without a mount, by whether what is written may be left in memory.
FLOORS = {True: "cp", False: "cp; sync FILE"}


def copy_up_by(system, is_volatile):
    return f"copy-up, {system}{', volatile' if is_volatile else ''}"


def copied_up(setup, large, mount, command):
    """How long a copy-up takes; that all of it came up is seen to as well."""
    with mount():
        warm(large.path)
        warm(unpacked.layers(large)[0] / oci.LARGE)
        took = time_of(command)
        same_but_for_the_end(large, setup.point / oci.LARGE)
    same_but_for_the_end(large, writable.upper(setup).dir / oci.LARGE)
    return took


def same_but_for_the_end(large, file):
    run(["cmp", "-n", str(large.bytes), "-i", f"0:{oci.HEADER}", file, large.path])
    with open(file, "rb") as changed:
        changed.seek(large.bytes)
        if changed.read() != b"x":
            raise Failed(f"{file}: what was added is not there")


def copied(setup, original, copy, command):
    """How long a copy beside the file takes."""
    writable.remove(setup)
    warm(original)
    took = time_of(command)
    copy.unlink()
    return took


def compare_copies(report, what, is_volatile, floor):
    ours, overlayfs = (copy_up_by(system, is_volatile) for system in ("peelfs", "overlayfs"))
    what += ", volatile" if is_volatile else ""
    report.compare(what, ours, floor, AT_MOST)
    report.compare(what, ours, overlayfs)
    panel = "volatile" if is_volatile else "on the disk"
    for system, name in {"peelfs": ours, "overlayfs": overlayfs, floor: floor}.items():
        report.plot("copy_up", panel, system, report.series[name].median)
    report.plot("copy_up", panel, TARGET, AT_MOST * report.series[floor].median)


# What a copy-up may take of a copy's time.
AT_MOST = 1.3


FIGURES = (write, copy_up)
ALL = {figure.__name__: on_a_disk(figure) for figure in FIGURES}
