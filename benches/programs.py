"""The programs: those that are built here, and those of others, which are installed where that is allowed."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from systems import IS_ROOT, Failed

# Peers are compared in versions that are named.
RATARMOUNT = "1.3.0"

# All that others have to be compared with, by what is installed for it.
PEERS = {"ratarmount", "fuse-overlayfs", "archivemount", "erofs-utils", "umoci"}

# What draws the plots; its version is part of how they look.
MATPLOTLIB = "3.9.4"


@dataclass
class Programs:
    """Where each is; of others, `None` if it is not there."""

    peelfs: Path
    header_scan: Path
    decode_floor: Optional[Path]
    encode_floor: Optional[Path]
    walk_floor: Optional[Path]
    floor: Path
    reader: Path
    ratarmount: Optional[str]
    fuse_overlayfs: Optional[str]
    archivemount: Optional[str]
    mkfs_erofs: Optional[str]
    umoci: Optional[str]


def build_and_find(root, to, installs, built=None):
    """All programs: the sources are in `root`, what does not belong to the system goes to `to`.

    Of the peers those are installed that are named; what cargo makes is taken from `built`, if that is given.
    """
    built = built or build(root)
    return Programs(
        peelfs=built / "peelfs",
        header_scan=compile_c(root, to, "header_scan"),
        decode_floor=there(built / "examples/decode_floor"),
        encode_floor=there(built / "examples/encode_floor"),
        walk_floor=there(built / "examples/walk_floor"),
        floor=compile_c(root, to, "floor"),
        reader=compile_c(root, to, "reader"),
        ratarmount=find_ratarmount(to, "ratarmount" in installs),
        fuse_overlayfs=find("fuse-overlayfs", "fuse-overlayfs", installs),
        archivemount=find("archivemount", "archivemount", installs),
        mkfs_erofs=find("mkfs.erofs", "erofs-utils", installs),
        umoci=find("umoci", "umoci", installs),
    )


def build(root):
    """Where the release binaries are, as `cargo build --release` makes them."""
    command = ["cargo", "build", "--release", "--locked", "--bins", "--examples"]
    if subprocess.run(command, cwd=root).returncode:
        raise Failed(" ".join(command))
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    return (root / target / "release").resolve()


def there(path):
    """A path, if there is something."""
    return path if path.exists() else None


def compile_c(root, to, name):
    program = to / name
    command = ["cc", "-O2", "-pthread", "-o", program, root / f"benches/{name}.c"]
    if subprocess.run(command).returncode:
        raise Failed(" ".join(map(str, command)))
    return program


def find_ratarmount(to, install):
    """ratarmount in an environment of its own, or the system's."""
    return in_venv(to / "ratarmount", "ratarmount", RATARMOUNT, install) or shutil.which("ratarmount")


def find_plotter(to):
    """A Python that knows matplotlib."""
    return in_venv(to / "matplotlib", "python", MATPLOTLIB, True, package="matplotlib")


def in_venv(venv, program, version, install, package=None):
    """A program of a Python package of one version, in an environment of its own."""
    path, done = venv / "bin" / program, venv / version
    if install and not done.exists():
        try:
            for command in [
                [sys.executable, "-m", "venv", venv],
                [venv / "bin/pip", "install", "--quiet", f"{package or program}=={version}"],
            ]:
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            done.touch()
        except subprocess.CalledProcessError as why:
            print(f"no {package or program}: {why}", file=sys.stderr)
    return path if path.exists() else None


def find(program, package, installs):
    """A program of the system's; of a Debian package, if it may be installed."""
    if not shutil.which(program) and package in installs and IS_ROOT and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", package], stdout=subprocess.DEVNULL)
    return shutil.which(program)
