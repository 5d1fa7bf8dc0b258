"""The archives that are measured: made by script, the same every time, and kept for the next run."""

import hashlib
import io
import itertools
import json
import os
import random
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

# Stands in the names of everything made here; raised when what is made changes.
EDITION = 1

# Files of every size are cut from this: text of a kind, which compresses to about half.
TEXT = random.Random(1).randbytes(64 * 1024).hex().encode()

# What each step of the Debian image installs; one layer a step.
DEBIAN_STEPS = [
    ["?essential", "apt"],
    ["perl", "ca-certificates", "curl"],
    ["python3-full"],
    ["build-essential"],
    ["git"],
    ["libboost-dev"],
    ["ruby-full"],
    ["golang-go"],
]

# What the ninth step removes, as images do to become smaller.
REMOVED = ["usr/share/doc", "usr/share/man", "usr/share/locale"]

# What the tenth step replaces: all files of the third step, as an upgrade does, and one directory whole.
UPGRADED_STEP = 2
REPLACED = "etc/apt"


# What a package of the generated image has.
FILES_A_PACKAGE = 80


@dataclass
class Workload:
    """An archive, and what there is in it."""

    path: Path
    what: str
    layers: int
    entries: int
    bytes: int

    def keep(self):
        self.path.with_suffix(".json").write_text(json.dumps(asdict(self) | {"path": str(self.path)}))


def kept(path, kind=Workload):
    """The workload that an earlier run made, if it came to the end of it."""
    try:
        facts = json.loads(path.with_suffix(".json").read_text())
    except FileNotFoundError:
        return None
    return kind(**facts | {"path": path})


@contextmanager
def plain_layers(workload):
    """Length and bytes of each layer's tar, base first, of a docker archive or of a plain tar."""
    if workload.layers == 1:
        with open(workload.path, "rb") as tar:
            yield [(workload.path.stat().st_size, tar)]
        return
    with tarfile.open(workload.path) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        members = [archive.getmember(name) for name in manifest[0]["Layers"]]
        yield [(member.size, archive.extractfile(member)) for member in members]


class Layer:
    """A layer tar that is being written; each directory stands in it once, before what is in it."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)
        self.directories = set()
        self.entries = self.bytes = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tar.close()

    def add(self, info, data=None):
        if info.isdir():
            if info.name in self.directories:
                return
            self.directories.add(info.name)
        self.tar.addfile(info, data)
        self.entries += 1
        self.bytes += info.size

    def directory(self, name):
        if name and name not in self.directories:
            self.directory(os.path.dirname(name))
            self.add(entry(name, type=tarfile.DIRTYPE, mode=0o755))

    def file(self, name, size=0):
        self.directory(os.path.dirname(name))
        self.add(entry(name, size=size), Text(size))

    def symlink(self, name, target):
        self.directory(os.path.dirname(name))
        self.add(entry(name, type=tarfile.SYMTYPE, linkname=target, mode=0o777))

    def whiteout(self, name):
        parent, last = os.path.split(name)
        self.file(f"{parent}/.wh.{last}")

    def opaque(self, directory):
        self.file(f"{directory}/.wh..wh..opq")


class Text(io.RawIOBase):
    """As much of TEXT, over and over, as a file needs."""

    def __init__(self, size):
        self.rest = size

    def read(self, size=-1):
        size = min(self.rest, len(TEXT)) if size < 0 else min(size, self.rest, len(TEXT))
        self.rest -= size
        return TEXT[:size]


def entry(name, **fields):
    info = tarfile.TarInfo(name)
    info.mtime = 1_700_000_000
    info.mode = 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info


# One layer of many small files.


def many_files(root, count):
    """A plain tar of `count` entries, in groups of 10,000: 1 directory, 99 in it, 100 files of up to 1 KiB in each."""
    path = root / f"files-{count}-v{EDITION}.tar"
    if workload := kept(path):
        return workload
    bytes_, entries = 0, 0
    # Through tarfile's own loop this takes three times as long.
    with open(path, "wb", buffering=1 << 20) as tar:
        for info in itertools.islice(small_files(), count):
            tar.write(info.tobuf(tarfile.USTAR_FORMAT))
            tar.write(TEXT[: info.size] + bytes(-info.size % tarfile.BLOCKSIZE))
            bytes_ += info.size
            entries += 1
        tar.write(bytes(2 * tarfile.BLOCKSIZE))
    workload = Workload(path, f"plain tar of {entries:,} small files", 1, entries, bytes_)
    workload.keep()
    return workload


def small_files():
    for group in itertools.count():
        yield entry(f"package-{group:03}", type=tarfile.DIRTYPE, mode=0o755)
        for module in range(99):
            directory = f"package-{group:03}/module-{module:02}"
            yield entry(directory, type=tarfile.DIRTYPE, mode=0o755)
            for i in range(100):
                # As readdir gives them to an archiver, names are in no order.
                number = i * 37 % 100
                yield entry(f"{directory}/source_file_{number:02}.c", size=(group + module * 7 + i * 131) % 1024)


def empty(root):
    """A tar of nothing: what a mount takes when there is nothing in it."""
    path = root / "empty.tar"
    path.write_bytes(bytes(2 * tarfile.BLOCKSIZE))
    return path


# An image of ten layers.


class CannotMake(Exception):
    """A workload that this machine cannot make."""


def image(root, files):
    """Debian in ten layers, or where that cannot be had a made-up tree of `files` files like it."""
    try:
        return debian(root)
    except CannotMake as why:
        print(f"no Debian image ({why}); a generated one takes its place")
        return generated(root, files)


def debian(root):
    """A docker archive of real packages, unpacked but not configured, in ten layers."""
    path = root / f"debian-v{EDITION}.tar"
    if workload := kept(path):
        return workload
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotMake("no apt-get or dpkg-deb")
    cache = root / "debs"
    steps = [lambda layer, debs=debs: unpack_debs(layer, debs) for debs in download(cache, DEBIAN_STEPS)]
    workload = make_image(path, "Debian packages", steps + [remove, upgrade_of(steps[UPGRADED_STEP])])
    shutil.rmtree(cache)
    return workload


def download(cache, steps):
    """The packages that each step adds to those before it; apt resolves them as on an empty system."""
    (cache / "partial").mkdir(parents=True, exist_ok=True)
    (cache / "status").touch()
    options = {
        "Dir::State::status": cache / "status",
        "Dir::State::extended_states": cache / "extended_states",
        "Dir::Cache::archives": f"{cache}/",
        # Nothing of the system's is touched, so that neither its lock nor root is needed.
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-y", "-qq", "--no-install-recommends", "--download-only"]
    apt += [f"-o{name}={value}" for name, value in options.items()]
    wanted, had, debs = [], set(), []
    for step in steps:
        wanted += step
        done = subprocess.run(apt + ["install", *wanted], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise CannotMake(f"apt-get: {done.stderr.strip().splitlines()[-1:]}")
        debs.append(sorted(set(cache.glob("*.deb")) - had))
        had.update(debs[-1])
    return debs


def unpack_debs(layer, debs):
    for deb in debs:
        unpack = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        with tarfile.open(fileobj=unpack.stdout, mode="r|") as tar:
            for info in tar:
                info.name = os.path.normpath(info.name)
                if info.islnk():
                    info.linkname = os.path.normpath(info.linkname)
                layer.add(info, tar.extractfile(info) if info.isreg() else None)
        if unpack.wait():
            raise CannotMake(f"dpkg-deb: {deb}")


def remove(layer):
    for name in REMOVED:
        layer.whiteout(name)


def upgrade_of(step):
    def upgrade(layer):
        step(layer)
        layer.opaque(REPLACED)
        layer.file(f"{REPLACED}/sources.list", 100)

    return upgrade


def generated(root, files):
    """A docker archive of ten layers with a tree that Debian's was the model for."""
    path = root / f"generated-{files}-v{EDITION}.tar"
    if workload := kept(path):
        return workload
    packages = files // FILES_A_PACKAGE
    steps = [lambda layer, i=i: generate(layer, range(i, packages, 8)) for i in range(8)]
    return make_image(path, "generated tree", steps + [remove, upgrade_of(steps[UPGRADED_STEP])])


def generate(layer, packages, bits=18):
    """Packages with their files spread as Debian spreads them; up to 2^`bits` bytes long, most of them short."""
    layer.file("etc/apt/sources.list", 100)
    for package in packages:
        name, sizes = package_name(package), random.Random(package)
        places = [f"usr/share/doc/{name}/chapter-{i}.gz" for i in range(8)]
        places += [f"usr/share/man/man{i}/{name}.{i}.gz" for i in range(1, 4)]
        places += [f"usr/lib/x86_64-linux-gnu/{name}/module-{i % 5}/lib{i:02}.so" for i in range(27)]
        places += [f"usr/include/{name}/detail-{i % 6}/header_{i:02}.hpp" for i in range(40)]
        for place in places:
            layer.file(place, int(2 ** sizes.uniform(0, bits)) - 1)
        layer.symlink(f"usr/bin/{name}", f"../lib/x86_64-linux-gnu/{name}/module-0/lib00.so")
        layer.file(f"var/lib/dpkg/info/{name}.list", 2000)


def package_name(package):
    return f"package-{package:04}"


def make_image(path, what, steps):
    """Writes each step's layer, and the docker archive around them."""
    workload = Workload(path, what, len(steps), 0, 0)
    digests = []
    with tarfile.open(path, "w") as archive:
        for step in steps:
            layer_path = path.with_suffix(".layer")
            with Layer(layer_path) as layer:
                step(layer)
            workload.entries += layer.entries
            workload.bytes += layer.bytes
            digests.append(sha256(layer_path))
            archive.add(layer_path, f"{digests[-1]}.tar", filter=anonymous)
            layer_path.unlink()
        add_manifest(archive, digests)
    workload.what += f" in {workload.layers} layers, docker archive, {workload.entries:,} entries"
    workload.keep()
    return workload


def add_manifest(archive, digests):
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created_by": f"step {i + 1}"} for i in range(len(digests))],
    }
    config = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layers = [f"{digest}.tar" for digest in digests]
    manifest = [{"Config": config_name, "RepoTags": ["bench:latest"], "Layers": layers}]
    for name, data in [(config_name, config), ("manifest.json", json.dumps(manifest).encode())]:
        archive.addfile(entry(name, size=len(data)), io.BytesIO(data))


def anonymous(info):
    return entry(info.name, size=info.size)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
