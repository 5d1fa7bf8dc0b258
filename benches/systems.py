"""What is compared: each system shows an image in a directory for as long as a `with` block lasts."""

import ctypes
import mmap
import os
import signal
import struct
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# How long a mount may take to come, or its daemon to end, before it counts as failed.
PATIENCE = 120

# prctl(2): the signal that a process gets when the one that started it dies.
PR_SET_PDEATHSIG = 1

IS_ROOT = os.geteuid() == 0


class Failed(Exception):
    """Something that was to be measured did not work."""


class TooSlow(Failed):
    """Something takes longer than it is waited for."""


def daemon(command, **options):
    """Starts a process in the foreground that ends with us, even if we are killed."""
    libc = ctypes.CDLL(None)
    # Shared with the child, which has the last word before exec: to start a process takes longer than
    # some of what is measured.
    begin = mmap.mmap(-1, 8)

    def die_with_us():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        begin[:] = struct.pack("d", time.perf_counter())

    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_us, **options)
    [process.began] = struct.unpack("d", begin)
    return process


@dataclass
class Upper:
    """Where a mount puts what is written, and whether it may leave it to the kernel when that is on the disk."""

    dir: Path
    work: Path
    is_volatile: bool = False

    @property
    def words(self):
        """As overlayfs and fuse-overlayfs are told."""
        return [f"upperdir={self.dir}", f"workdir={self.work}", *(["volatile"] if self.is_volatile else [])]

    @property
    def options(self):
        """As peelfs is told."""
        return ["--upper", self.dir, "--work", self.work, *(["-o", "volatile"] if self.is_volatile else [])]


def peelfs_command(binary, image, point, cache=None):
    """Without a cache directory it is to find out everything anew, and leave nothing in the user's."""
    options = ["--cache-dir", cache] if cache else ["--no-cache"]
    return [binary, "mount", *options, image, point]


@contextmanager
def peelfs(binary, image, point, cache=None, options=()):
    """Mounts with peelfs; once the mount has answered, gives its process, with how long that `took` from exec."""
    ready, announce = os.pipe()
    command = peelfs_command(binary, image, point, cache)
    command[2:2] = options
    command[2:2] = ["--foreground", "--ready-fd", str(announce)]
    process = daemon(command, pass_fds=[announce])
    os.close(announce)
    with unmounted(point, process):
        with os.fdopen(ready, "rb") as ready:
            if not ready.read(1):
                raise Failed(f"peelfs mount {image}")
        os.stat(point)
        process.took = time.perf_counter() - process.began
        yield process


@contextmanager
def floor(program, table, archive, point):
    """Mounts the floor daemon, which answers from a table of its own."""
    with served([program, table, archive, point], point) as process:
        yield process


@contextmanager
def overlayfs(layers, point, words=()):
    """Mounts the kernel's overlayfs over unpacked layers, base first; `words` are further options."""
    # A single lower is refused; an empty one below it changes nothing.
    nothing = layers[0].parent / "nothing"
    if len(layers) == 1:
        nothing.mkdir(exist_ok=True)
        layers = [nothing, *layers]
    # Relative names, or many layers would not fit into the page that mount(2) takes.
    names = ":".join(layer.name for layer in reversed(layers))
    options = ",".join([f"lowerdir={names}", *words])
    with kernel_mount(["-t", "overlay", "overlay", "-o", options], point, cwd=layers[0].parent):
        yield


@contextmanager
def fuse_overlayfs(layers, point, words=()):
    """Mounts fuse-overlayfs over the same layers."""
    names = ":".join(str(layer) for layer in reversed(layers))
    options = ",".join([f"lowerdir={names}", *words])
    with served(["fuse-overlayfs", "-f", "-o", options, point], point) as process:
        yield process


@contextmanager
def ratarmount(program, tar, index, point, patience=PATIENCE):
    """Mounts a tar with ratarmount; its index is kept in a file."""
    with served([program, "-f", "--index-file", index, tar, point], point, patience) as process:
        yield process


@contextmanager
def archivemount(tar, point, patience=PATIENCE):
    """Mounts a tar with archivemount."""
    with served(["archivemount", "-f", "-o", "readonly", tar, point], point, patience) as process:
        yield process


@contextmanager
def erofs(image, point):
    """Mounts an image of erofs, by the kernel."""
    with kernel_mount(["-t", "erofs", "-o", "ro", image], point):
        yield


@contextmanager
def directory(tree, point):
    """Shows a directory of the disk's own file system."""
    with kernel_mount(["--bind", tree], point):
        yield


@contextmanager
def kernel_mount(arguments, point, **options):
    with unmounted(point):
        run(["mount", *arguments, point], **options)
        os.stat(point)
        yield


@contextmanager
def served(command, point, patience=PATIENCE):
    """Starts a daemon that stays in the foreground, and waits for its mount."""
    # Some have something to say about every option that their library does not know.
    process = daemon(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.point = point
    with unmounted(point, process):
        try:
            wait_for_mount(process, patience)
            yield process
        except BaseException:
            # Who is still waiting for an answer from it waits no longer.
            process.kill()
            raise


def wait_for_mount(process, patience):
    deadline = time.monotonic() + patience
    while not os.path.ismount(process.point):
        if process.poll() is not None:
            raise Failed(f"{process.args[0]} mounted nothing, and ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise TooSlow(f"no mount after {patience:.0f} s")
        time.sleep(0.002)
    process.took = time.perf_counter() - process.began


@contextmanager
def unmounted(point, process=None):
    """Whatever happens, in the end nothing is mounted on `point` and the daemon is gone."""
    try:
        yield
    finally:
        unmount(point)
        if process:
            end(process)


def unmount(point):
    if str(point) in mounted():
        command = ["umount"] if IS_ROOT else ["fusermount3", "-u"]
        if subprocess.run([*command, point], stderr=subprocess.DEVNULL).returncode:
            run([*command, "-l" if IS_ROOT else "-z", point])


def end(process):
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def mounted():
    """Where something is mounted; names with blanks in them do not matter here."""
    with open("/proc/self/mountinfo") as lines:
        return {line.split()[4] for line in lines}


def unmount_leftovers(root):
    """Takes away what a run that was killed has left under `root`."""
    for point in mounted():
        if Path(point).is_relative_to(root):
            unmount(point)


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", **options)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout.removesuffix("\n")
