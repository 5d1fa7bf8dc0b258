"""What is compared: each system shows an image in a directory for as long as a `with` block lasts."""

import ctypes
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

# How long a mount may take to come, or its daemon to end, before it counts as failed.
PATIENCE = 120

# prctl(2): the signal that a process gets when the one that started it dies.
PR_SET_PDEATHSIG = 1

IS_ROOT = os.geteuid() == 0


class Failed(Exception):
    """Something that was to be measured did not work."""


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


def peelfs_command(binary, image, point, cache=None):
    """Without a cache directory it is to find out everything anew, and leave nothing in the user's."""
    options = ["--cache-dir", cache] if cache else ["--no-cache"]
    return [binary, "mount", *options, image, point]


@contextmanager
def peelfs(binary, image, point, cache=None):
    """Mounts with peelfs; once the mount has answered, gives its process, with how long that `took` from exec."""
    ready, announce = os.pipe()
    command = peelfs_command(binary, image, point, cache)
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
def overlayfs(layers, point):
    """Mounts the kernel's overlayfs over unpacked layers, base first."""
    # Relative names, or many layers would not fit into the page that mount(2) takes.
    names = ":".join(layer.name for layer in reversed(layers))
    with unmounted(point):
        run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={names}", point], cwd=layers[0].parent)
        os.stat(point)
        yield


@contextmanager
def fuse_overlayfs(layers, point):
    """Mounts fuse-overlayfs over the same layers."""
    names = ":".join(str(layer) for layer in reversed(layers))
    # It has something to say about every option that its library does not know.
    process = daemon(["fuse-overlayfs", "-f", "-o", f"lowerdir={names}", point], stderr=subprocess.DEVNULL)
    with unmounted(point, process):
        wait_for_mount(point)
        yield process


def wait_for_mount(point):
    deadline = time.monotonic() + PATIENCE
    while not os.path.ismount(point):
        if time.monotonic() > deadline:
            raise Failed(f"nothing was mounted on {point}")
        time.sleep(0.005)


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


# The programs.


def build_peelfs(root):
    """The release binary, as `cargo build --release` makes it."""
    return build(root, "peelfs", "--bins")


def build_decode_floor(root):
    return build(root, "examples/decode_floor", "--example", "decode_floor")


def build(root, program, *what):
    command = ["cargo", "build", "--release", "--locked", *what]
    if subprocess.run(command, cwd=root).returncode:
        raise Failed(" ".join(command))
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    return (root / target / "release" / program).resolve()


def build_header_scan(root, to):
    program = to / "header_scan"
    run(["cc", "-O2", "-o", program, root / "benches/header_scan.c"])
    return program


def find_ratarmount(root, version, install):
    """ratarmount in an environment of its own, or the system's; `None` if there is neither."""
    program = root / "ratarmount/bin/ratarmount"
    if not program.exists() and install:
        try:
            run([sys.executable, "-m", "venv", program.parent.parent])
            run([program.with_name("pip"), "install", "--quiet", f"ratarmount=={version}"])
        except Failed as why:
            print(f"no ratarmount: {why}", file=sys.stderr)
    return program if program.exists() else shutil.which("ratarmount")


def find_fuse_overlayfs(install):
    if not shutil.which("fuse-overlayfs") and install and IS_ROOT and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "fuse-overlayfs"], stdout=subprocess.DEVNULL)
    return shutil.which("fuse-overlayfs")
