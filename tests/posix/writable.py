"""Writable mounts over one small layer, each as long as a `with` block: peelfs's, and kernel overlayfs's."""

import os
import random
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benches"))

from systems import Failed, daemon, end, kernel_mount, run, unmounted  # noqa: E402

# The user and the group nobody, who may not do what root may.
NOBODY = 65534
AS_NOBODY = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--inh-caps=-all", "--"]

# What is seen of a lower file at once is what fsx writes at most.
LOWER_FILE_SIZE = 256 << 10


@dataclass
class Layer:
    """A layer, as a directory for the kernel and as a tar for peelfs."""

    tree: Path
    tar: Path


@dataclass
class Changes:
    """An upper and its work directory, on one file system."""

    upper: Path
    work: Path

    @staticmethod
    def make(at, owner=0):
        changes = Changes(at / "upper", at / "work")
        for path in (at, changes.upper, changes.work):
            path.mkdir(exist_ok=True)
            os.chown(path, owner, owner)
        return changes


def layer(root):
    """Makes a layer: what is to be copied up, merged, hidden and renamed."""
    tree, rng = root / "layer", random.Random(0)
    for name in ["srv", "fsx", *(f"d{no}/sub/deep" for no in range(4))]:
        (tree / name).mkdir(parents=True)
    for name in ["fsx/emptied", "fsx/kept"]:
        (tree / name).write_bytes(rng.randbytes(LOWER_FILE_SIZE))
    for no in range(4):
        home = tree / f"d{no}"
        for file in range(10):
            path = home / f"f{file}"
            path.write_bytes(rng.randbytes(rng.choice([0, 100, 5000, 70_000])))
            os.setxattr(path, "user.number", str(file).encode())
        os.link(home / "f0", home / "sub/also-f0")
        os.symlink("f1", home / "sub/link")
        (home / "sub/deep/file").write_text("deep\n")
    # Who runs the tests without being root is to own what he changes.
    for path in [tree, *tree.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    tar = root / "layer.tar"
    run(["tar", "--create", "--format=posix", "--xattrs", "--sort=name", "--file", tar, "--directory", tree, "."])
    return Layer(tree, tar)


@contextmanager
def overlayfs(of, changes, point):
    """Mounts kernel overlayfs; directories of the layer can be renamed, as peelfs lets them."""
    point.mkdir(exist_ok=True)
    # peelfs takes it away if it is empty.
    changes.work.mkdir(exist_ok=True)
    options = f"lowerdir={of.tree},upperdir={changes.upper},workdir={changes.work},redirect_dir=on"
    with kernel_mount(["-t", "overlay", "overlay", "-o", options], point):
        yield


@contextmanager
def peelfs(binary, of, changes, point, options=(), nobody=False):
    """Mounts with peelfs, as root for all users or as nobody for himself; gives its process.

    What the daemon says goes to a file `daemon.log` beside the mount point.
    """
    point.mkdir(exist_ok=True)
    if nobody:
        os.chown(point, NOBODY, NOBODY)
    ready, announce = os.pipe()
    command = [binary, "mount", of.tar, point, "--upper", changes.upper, "--work", changes.work]
    command += ["--no-cache", "--foreground", "--ready-fd", str(announce), *options]
    # Without these the kernel would refuse what overlayfs lets the tests do.
    command += [] if nobody else ["-o", "allow_other,suid,dev"]
    with fuse_for_nobody() if nobody else nullcontext(), open(log_of(point), "a") as log:
        process = daemon([*(AS_NOBODY if nobody else []), *command], pass_fds=[announce], stderr=log)
        os.close(announce)
        with unmounted(point, process), os.fdopen(ready, "rb") as answer:
            if not answer.read(1):
                raise Failed(f"peelfs mount: {log_of(point).read_text().strip()}")
            yield process
            if process.poll() is not None:
                raise Failed(f"peelfs ended by itself, status {process.returncode}; see {log_of(point)}")


def log_of(point):
    return point.parent / "daemon.log"


@contextmanager
def fuse_for_nobody():
    """Opens /dev/fuse to all, as udev does everywhere."""
    mode = os.stat("/dev/fuse").st_mode & 0o7777
    os.chmod("/dev/fuse", 0o666)
    try:
        yield
    finally:
        os.chmod("/dev/fuse", mode)


@contextmanager
def tmpfs(point):
    """Another file system."""
    point.mkdir(exist_ok=True)
    with kernel_mount(["-t", "tmpfs", "tmpfs"], point):
        yield


def build_peelfs():
    """The program as `cargo build` makes it: with what only debug builds check."""
    command = ["cargo", "build", "--quiet", "--locked"]
    if subprocess.run(command, cwd=ROOT).returncode:
        raise Failed(" ".join(command))
    return target_directory() / "debug/peelfs"


def crate(name, version):
    """A program of crates.io, installed into the target directory if it is not there."""
    tools = target_directory() / "tools"
    program = tools / "bin" / name
    if not program.exists():
        command = ["cargo", "install", "--quiet", "--locked", "--root", tools, f"{name}@{version}"]
        if subprocess.run(command).returncode:
            raise Failed(" ".join(map(str, command)))
    return program


def target_directory():
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
