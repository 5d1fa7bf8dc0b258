"""The archives with compressed layers: OCI layouts made of the plain workloads, and the archives of them."""

import hashlib
import itertools
import json
import random
import shutil
import subprocess
import tarfile
from dataclasses import asdict, dataclass

from workloads import EDITION, CannotMake, Workload, anonymous, entry, kept, plain_layers, sha256

# How layers are compressed: as registries have them, and one frame a layer, from a pipe, as builders write it.
COMPRESSIONS = {"gzip": ["gzip", "-n"], "zstd": ["zstd", "-q", "-3"]}

CONFIG, MANIFEST, LAYER = (
    f"application/vnd.oci.image.{kind}" for kind in ("config.v1+json", "manifest.v1+json", "layer.v1.tar")
)

# The name of the large file.
LARGE = "large"

# Where its bytes begin in its tar.
HEADER = tarfile.BLOCKSIZE

# Its content comes in pieces of this length, each of one kind.
PIECE = 64 * 1024


@dataclass
class Compressed(Workload):
    """An OCI archive with compressed layers."""

    compression: str
    # Length of all layers' tars together.
    tar_bytes: int

    @property
    def layout(self):
        """The same as a directory; what other programs ask for."""
        return self.path.with_suffix(".layout")

    @property
    def blobs(self):
        """The layers' files in the layout, base first."""
        index = json.loads((self.layout / "index.json").read_text())
        manifest = json.loads(blob(self.layout, index["manifests"][0]["digest"]).read_bytes())
        return [blob(self.layout, layer["digest"]) for layer in manifest["layers"]]

    @property
    def blob_bytes(self):
        return sum(blob.stat().st_size for blob in self.blobs)


def blob(layout, digest):
    return layout / "blobs" / digest.replace(":", "/")


def compressed(workload, compression):
    """A workload's image with each layer compressed; `None` if nothing here compresses so."""
    if not shutil.which(COMPRESSIONS[compression][0]):
        return None
    path = workload.path.with_name(f"{workload.path.stem}-{compression}.tar")
    if found := kept(path, Compressed):
        return found
    what = f"{workload.what.partition(', docker')[0]}, OCI archive, {compression} layers"
    made = Compressed(**asdict(workload) | {"path": path, "what": what}, compression=compression, tar_bytes=0)
    shutil.rmtree(made.layout, ignore_errors=True)
    with plain_layers(workload) as layers:
        made.tar_bytes = sum(size for size, _ in layers)
        if workload.layers > 1 and shutil.which("skopeo"):
            copy_with_skopeo(workload.path, made.layout, compression)
        else:
            make_layout(made.layout, [file for _, file in layers], compression)
    with tarfile.open(path, "w") as archive:
        for file in sorted(file for file in made.layout.rglob("*") if file.is_file()):
            archive.add(file, file.relative_to(made.layout), filter=anonymous)
    made.keep()
    return made


def copy_with_skopeo(archive, layout, compression):
    """As people make such archives, with the compressors that registries' layers come from."""
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-compress-format", compression]
    command += [f"docker-archive:{archive}", f"oci:{layout}:bench"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CannotMake(f"skopeo: {done.stderr.strip()}")


def make_layout(layout, layers, compression):
    (layout / "blobs/sha256").mkdir(parents=True)
    made = [add_layer(layout, layer, compression) for layer in layers]
    diff_ids, descriptors = zip(*made)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": add_json(layout, CONFIG, config),
        "layers": descriptors,
    }
    named = add_json(layout, MANIFEST, manifest) | {"annotations": {"org.opencontainers.image.ref.name": "bench"}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def add_layer(layout, tar, compression):
    """Compresses a layer into a layout; gives its diff ID and its descriptor."""
    diff_id, stored = hashlib.sha256(), layout / "layer"
    with open(stored, "wb") as file:
        command = COMPRESSIONS[compression]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file) as compressor:
            while chunk := tar.read(1 << 20):
                diff_id.update(chunk)
                compressor.stdin.write(chunk)
    if compressor.returncode:
        raise CannotMake(f"{command[0]}: {layout}")
    digest = f"sha256:{sha256(stored)}"
    stored.rename(blob(layout, digest))
    return f"sha256:{diff_id.hexdigest()}", descriptor(layout, f"{LAYER}+{compression}", digest)


def add_json(layout, media_type, value):
    data = json.dumps(value).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    blob(layout, digest).write_bytes(data)
    return descriptor(layout, media_type, digest)


def descriptor(layout, media_type, digest):
    return {"mediaType": media_type, "digest": digest, "size": blob(layout, digest).stat().st_size}


# One layer of one large file.


def large_file(root, size):
    """A plain tar of one file of `size` bytes, of every kind of content by turns."""
    return one_file(root / f"large-{size >> 20}-v{EDITION}.tar", size, mixed)


def noise_file(root, size):
    """A plain tar of one file of `size` bytes that look like nothing; made in a moment."""
    noise = random.Random(4)
    path = root / f"noise-{size >> 20}-v{EDITION}.tar"
    return one_file(path, size, lambda count: (noise.randbytes(PIECE) for _ in range(count)))


def one_file(path, size, pieces):
    """A plain tar of one file, in pieces of which so many are made as are asked for."""
    if workload := kept(path):
        return workload
    info = entry(LARGE, size=size)
    with open(path, "wb", buffering=1 << 20) as tar:
        tar.write(info.tobuf(tarfile.USTAR_FORMAT))
        for piece in pieces(size // PIECE):
            tar.write(piece)
        tar.write(bytes(2 * tarfile.BLOCKSIZE))
    workload = Workload(path, f"one file of {size >> 20} MiB", 1, 1, size)
    workload.keep()
    return workload


def mixed(pieces):
    """Pieces of which half are prose, a quarter hexadecimal digits and a quarter noise: by gzip a half in all."""
    made = random.Random(2)
    vocabulary = [made.randbytes(made.randrange(1, 6)).hex() for _ in range(20_000)]
    # As in a language, few words are frequent.
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(vocabulary) + 1)))
    for i in range(pieces):
        kind = i % 4
        if kind == 0:
            yield made.randbytes(PIECE)
        elif kind == 1:
            yield made.randbytes(PIECE // 2).hex().encode()
        else:
            words = made.choices(vocabulary, cum_weights=weights, k=PIECE // 4)
            yield " ".join(words)[:PIECE].encode()
