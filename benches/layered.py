"""The workload of many layers: one tree, in as many layers as are asked for."""

import workloads
from workloads import EDITION, Layer, Workload, kept

# Of so many packages, one is upgraded: the layer before its own has an older form of it.
UPGRADED_OF = 4

# Files of up to a KiB, two to the power of this: their names count here, not their bytes.
BITS = 10


def layered(root, depth, files):
    """A docker archive of `depth` layers that show the same tree, whatever `depth` is; a single one is a plain tar."""
    path = root / f"layers-{depth}-of-{files}-v{EDITION}.tar"
    if workload := kept(path):
        return workload
    packages = files // workloads.FILES_A_PACKAGE
    steps = [lambda layer, i=i: write(layer, i, depth, packages) for i in range(depth)]
    if depth > 1:
        return workloads.make_image(path, "one tree", steps)
    with Layer(path) as layer:
        steps[0](layer)
    workload = Workload(path, f"one tree in a plain tar, {layer.entries:,} entries", 1, layer.entries, layer.bytes)
    workload.keep()
    return workload


def write(layer, i, depth, packages):
    """Its share of the packages, what it does to older forms of them, and older forms of the next layer's share."""
    share, following = range(i, packages, depth), range(i + 1, packages, depth)
    workloads.generate(layer, share, BITS)
    if i > 0:
        for name in upgraded(share):
            layer.whiteout(f"usr/include/{name}/renamed.hpp")
            layer.opaque(f"usr/share/doc/{name}")
    if i + 1 < depth:
        for name in upgraded(following):
            layer.file(f"usr/include/{name}/renamed.hpp", 100)
            for number in range(5):
                layer.file(f"usr/include/{name}/detail-0/header_{6 * number:02}.hpp", 100)
                layer.file(f"usr/share/doc/{name}/old-chapter-{number}.gz", 100)


def upgraded(packages):
    return [workloads.package_name(package) for package in packages if package % UPGRADED_OF == 0]
