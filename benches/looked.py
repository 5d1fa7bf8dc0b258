"""The images that are looked into: many entries in ten layers, and a second one that shares all layers but the last."""

import tarfile

import workloads
from workloads import EDITION, TEXT, Workload, entry, kept

LAYERS = 10

# A directory has so many files, a package so many directories.
FILES, DIRECTORIES = 99, 100


def pair(root, entries):
    """Two docker archives of `entries` entries; they differ in their last layer, by some files of each directory."""
    return [image(root, entries, name) for name in ("one", "two")]


def image(root, entries, name):
    path = root / f"looked-{entries}-{name}-v{EDITION}.tar"
    if workload := kept(path):
        return workload
    # Of each layer: directories with their files, all in packages of its own.
    directories = entries // LAYERS // (FILES + 1)
    workload = Workload(path, "packages", LAYERS, 0, 0)
    digests = []
    with tarfile.open(path, "w") as archive:
        for layer in range(LAYERS):
            layer_path = path.with_suffix(".layer")
            with open(layer_path, "wb", buffering=1 << 20) as tar:
                for info in members(layer, directories, name):
                    tar.write(info.tobuf(tarfile.USTAR_FORMAT))
                    tar.write(TEXT[: info.size] + bytes(-info.size % tarfile.BLOCKSIZE))
                    workload.entries += 1
                    workload.bytes += info.size
                tar.write(bytes(2 * tarfile.BLOCKSIZE))
            digests.append(workloads.sha256(layer_path))
            archive.add(layer_path, f"{digests[-1]}.tar", filter=workloads.anonymous)
            layer_path.unlink()
        workloads.add_manifest(archive, digests)
    workload.what += f" in {LAYERS} layers, docker archive, {workload.entries:,} entries"
    workload.keep()
    return workload


def members(layer, directories, name):
    """A layer's own packages; in every tenth directory of the layer below it replaces a file, and removes one."""
    is_last = layer == LAYERS - 1
    for number in range(directories):
        yield from directory(layer, number, "two" if is_last and name == "two" else "one")
    for number in range(0, directories if layer else 0, 10):
        place = path_of(layer - 1, number)
        yield entry(f"{place}/source_file_01.c", size=700)
        yield entry(f"{place}/.wh.source_file_02.c")


def directory(layer, number, name):
    place = path_of(layer, number)
    if number % DIRECTORIES == 0:
        yield entry(place.rpartition("/")[0], type=tarfile.DIRTYPE, mode=0o755)
    yield entry(place, type=tarfile.DIRTYPE, mode=0o755)
    for i in range(FILES):
        is_other = name == "two" and i == 50
        yield entry(f"{place}/source_file_{i:02}.c", size=(number * 7 + i * 131 + is_other) % 1024)


def path_of(layer, number):
    return f"layer-{layer}-package-{number // DIRECTORIES:03}/module-{number % DIRECTORIES:02}"
