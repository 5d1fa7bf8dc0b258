"""What is measured of files' bytes: all of many, one large one, and several readers at once."""

import subprocess
import time
from functools import partial

import oci
import peers
import unpacked
from measure import cold_and_warm, drop_caches, through_mounts, time_of, warm
from systems import IS_ROOT, Failed, run

# Processes that read at once.
READERS = 8


def read_all(setup, report):
    """Every file of the image, in the order of the directories."""
    wanted = ["peelfs", "overlayfs", "floor", "fuse-overlayfs", "erofs", "ext4"]
    mounts = peers.mounts(setup, report, setup.image, *wanted)
    found = same_bytes(setup, mounts)
    command = [setup.programs.reader, setup.point]
    timings = through_mounts(report, "read all", setup.rounds, mounts, partial(cold_and_warm, command))
    report.add_mounts("read all", timings, setup.shown(command))
    targets = {("overlayfs", "cold"): 0.6, ("overlayfs", "warm"): 1.0}
    report.plot_mounts("read_all", timings, targets)
    report.compare_mounts("read all", f"every file read, {found}", targets)


def same_bytes(setup, mounts):
    """All must give as many files and bytes; says how many."""
    found = {}
    for system, mount in mounts.items():
        with mount():
            found[system] = run([setup.programs.reader, setup.point])
    if len(set(found.values())) > 1:
        raise Failed(f"different files: {found}")
    files, size = (int(words.split()[0]) for words in found["peelfs"].split(", "))
    return f"{files:,} files of {size / 1e9:.2f} GB"


def sequential(setup, report):
    """One large file of a plain layer, front to back."""
    # Not archivemount: it begins at the front again and again, and comes to no end.
    wanted = ["peelfs", "ext4", "floor", "erofs", "ratarmount"]
    mounts = peers.mounts(setup, report, setup.large, *wanted)
    command = ["dd", f"if={setup.point}/{oci.LARGE}", "of=/dev/null", "bs=1M", "status=none"]
    timings = through_mounts(report, "sequential read", setup.rounds, mounts, partial(three_times, command))
    unpacked.remove(setup.large)
    report.add_mounts("sequential read", timings, setup.shown(command))
    targets = {("ext4", "cold"): 1.1, ("ext4", "warm"): 1.2}
    what = f"sequential read of {setup.large.bytes >> 20} MiB, plain layer"
    report.plot_mounts("sequential", timings, targets)
    report.compare_mounts("sequential read", what, targets)


def three_times(command, patience):
    """Cold, a second time, and warm: at the second time the kernel sorts pages among those in use, one by one."""
    for when, took in cold_and_warm(command, patience):
        yield {"warm": "second"}.get(when, when), took
    yield "warm", time_of(command, patience)


def parallel(setup, report):
    """Processes at once, each with files of its own: with nothing in memory, and with the archive there.

    The second shows the daemons rather than the disk; the mounts' own pages are not in memory then, either.
    """
    if not IS_ROOT:
        report.leave_out("parallel readers: they need root")
        return
    mounts = peers.mounts(setup, report, setup.image, "peelfs", "floor", "overlayfs")
    with mounts["peelfs"]():
        lists = shares(setup)

    def read(_):
        drop_caches()
        warm(setup.programs.reader)
        yield "cold", at_once(setup, lists)
        drop_caches()
        warm(setup.image.path)
        yield "archive in memory", at_once(setup, lists)

    timings = through_mounts(report, "parallel", setup.rounds, mounts, read)
    # That the archive is in memory means nothing to those who do not read it.
    timings.pop(("overlayfs", "archive in memory"), None)
    report.add_mounts("parallel", timings, "for list in $DIR/readers-*; do reader - <$list & done; wait")
    targets = {("floor", when): 1.2 for when in ("cold", "archive in memory")}
    report.plot_mounts("parallel", timings, targets)
    report.compare_mounts("parallel", f"{READERS} processes, each reading an eighth of the files", targets)


def shares(setup):
    """Lists of all files in as many stretches as there are readers."""
    names = run(["find", setup.point, "-type", "f", "-print0"]).split("\0")[:-1]
    lists = []
    for i in range(READERS):
        own = names[len(names) * i // READERS : len(names) * (i + 1) // READERS]
        lists.append(setup.root / f"readers-{i}")
        lists[i].write_text("".join(f"{name}\0" for name in own), errors="surrogateescape")
    return lists


def at_once(setup, lists):
    """From the start of the first reader to the end of the last."""
    start = time.perf_counter()
    readers = []
    for names in lists:
        with open(names, "rb") as file:
            readers.append(subprocess.Popen([setup.programs.reader, "-"], stdin=file, stdout=subprocess.DEVNULL))
    if any([reader.wait() for reader in readers]):
        raise Failed(f"reading in {setup.point}")
    return time.perf_counter() - start


FIGURES = (read_all, sequential, parallel)
ALL = {figure.__name__: figure for figure in FIGURES}
