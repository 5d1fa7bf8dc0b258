"""The disk that is written to: a file system of its own, new for each figure, in a file beside the workloads.

What it costs to make and to remove files depends on what a file system has been through, and how it was made: without
a journal, ext4 looks for a long time past every inode that was removed lately, whoever removed it. Here it is ext4 as
`mkfs.ext4` makes it, with all that a figure needs on it: archives, unpacked layers and the upper directories. The file
is written around the page cache, so that nothing is held in memory twice.
"""

from contextlib import contextmanager
from dataclasses import replace

import systems
from systems import IS_ROOT, run

# Room for a few times what the largest figure writes.
SIZE = "8G"


def on_a_disk(figure):
    """The same figure, with everything on such a disk."""

    def measure(setup, report):
        if not IS_ROOT:
            report.leave_out(f"{figure.__name__}: it needs root")
            return
        with disk(setup) as moved:
            figure(moved, report)

    return measure


@contextmanager
def disk(setup):
    """Gives a setup whose directory is a new disk."""
    image, place = setup.root / "disk.img", setup.root / "disk"
    systems.unmount(place)
    image.unlink(missing_ok=True)
    # Its blocks are there before they are written for the first time; the first to write pays for no more than others.
    run(["fallocate", "-l", SIZE, image])
    run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image])
    place.mkdir(exist_ok=True)
    with mounted(image, place):
        moved = replace(setup, root=place, point=place / "mnt")
        moved.point.mkdir()
        yield moved
    image.unlink()


@contextmanager
def mounted(image, place):
    device = run(["losetup", "--find", "--show", "--direct-io=on", image])
    try:
        run(["mount", "-t", "ext4", device, place])
    finally:
        # It is let go as soon as nothing is mounted of it.
        run(["losetup", "--detach", device])
    with systems.unmounted(place):
        yield
