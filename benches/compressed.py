"""What is measured of compressed layers: the first mount, and all that it is done once for.

All archives are in the page cache where nothing else is said.
"""

import math
import os
import random
import shutil
import statistics
import subprocess
import time

import oci
import systems
import workloads
from figures import MEMORY, state_of_memory
from measure import Line, drop_caches, filled, forget, interleaved, mount_time, seconds, time_of, warm
from systems import IS_ROOT, Failed

# Random reads in a round; two of them are never in the same block of decoded bytes, nor in two that adjoin.
READS, STRETCH = 500, 512 * 1024
PAGE = 4096

# Readers at once, and directories of a hundred files that each of them reads.
READERS, DIRECTORIES = 5, 400


def first_mount(setup, report):
    """From nothing to a mount, against whatever else reads all layers."""
    for compression in oci.COMPRESSIONS:
        image = wanted(setup, report, "image", compression)
        if not image:
            continue
        commands, targets = readers_of_all(setup, report, image)
        ours = f"first mount, {compression}"
        cache = setup.cache

        def mount():
            forget(cache)
            yield ours, mount_time(setup, image.path, cache)

        def run(name):
            clear(setup)
            yield name, time_of(commands[name])

        for path in [image.path, *image.blobs]:
            warm(path)
        others = [lambda n=name: run(n) for name in commands]
        timings = interleaved(setup.rounds, mount, *others)
        clear(setup)
        commands[ours] = systems.peelfs_command("peelfs", image.path, setup.point, cache)
        for name, samples in timings.items():
            report.add(name, samples, shown(setup, commands[name], image))
            system = "peelfs" if name == ours else name.removesuffix(f", {compression}")
            report.plot("first_mount", f"{compression} layers", system, report.series[name].median)
        what = f"first mount of {image.tar_bytes / 1e9:.2f} GB in {image.layers} {compression} layers"
        for name in timings:
            if name != ours:
                report.compare(what, ours, name, targets.get(name))


def readers_of_all(setup, report, image):
    """Commands that read every byte of all layers, and what a first mount may take of their time."""
    blobs, kind = image.blobs, image.compression
    floor = f"decode floor, {kind}"
    commands, targets = {floor: [setup.programs.decode_floor, *blobs]}, {}
    if kind == "zstd":
        return commands | {"zstd -d": each(["zstd", "-dc"], blobs)}, targets
    targets = {floor: 1.15, "ratarmount, layers": 1, "umoci unpack": 0.25}
    if setup.programs.ratarmount:
        options = ["--no-mount", "-P", "0", "--use-backend", "rapidgzip", "--recreate-index"]
        indexes = ["--index-folders", setup.root / "ratarmount-index"]
        commands["ratarmount, layers"] = [setup.programs.ratarmount, *options, *indexes, *blobs]
    else:
        report.leave_out("ratarmount: not installed")
    unpack = ["umoci", "unpack", "--rootless", "--image", f"{image.layout}:bench", setup.root / "bundle"]
    for name, command in {
        "umoci unpack": unpack,
        "gzip -t": each(["gzip", "-t"], blobs),
        "pigz -d": each(["pigz", "-dc"], blobs),
    }.items():
        if shutil.which(name.split()[0]):
            commands[name] = command
        else:
            report.leave_out(f"{name}: not installed")
    return commands, targets


def each(command, blobs):
    """A command for one blob after another; their names do not say what they are."""
    return ["sh", "-c", f'for blob; do {" ".join(command)} <"$blob"; done', "sh", *blobs]


def second_mount(setup, report):
    """Mounting what is known."""
    kinds = {kind: wanted(setup, report, kind, "gzip") for kind in ("small", "image", "files")}
    images = {f"second mount, {image.entries:,} entries": image for image in kinds.values() if image}
    for plain in setup.files, workloads.many_files(setup.root, max(setup.sizes)):
        images[f"second mount, plain tar, {plain.entries:,} entries"] = plain
    cache = filled(setup, *images.values())
    runs = [lambda n=name: [(n, mount_time(setup, images[n].path, cache))] for name in images]
    timings = interleaved(4 * setup.rounds, *runs)
    smallest = next(iter(images))
    for name, samples in timings.items():
        report.add(name, samples, setup.shown(systems.peelfs_command("peelfs", images[name].path, setup.point, cache)))
        median = report.series[name].median
        ratio = "" if name == smallest else f"{median / report.series[smallest].median:.2g} ×"
        yardstick = "" if name == smallest else f"{smallest}: {seconds(report.series[smallest].median)}"
        report.lines.append(Line(name, seconds(median), yardstick, ratio, "≤ 10 ms", median <= 0.010))


def index_size(setup, report):
    """What the cache holds of a layer."""
    for kind, compression in [("image", "gzip"), ("files", "gzip"), ("image", "zstd"), ("large", "zstd")]:
        image = wanted(setup, report, kind, compression)
        if not image:
            continue
        parts = sizes_of_parts(filled(setup, image))
        what = f"{kind}, {compression}"
        if kind != "large":
            index = parts["index"] / image.entries
            line = Line(f"index, {what}", f"{index:.0f} bytes per entry", "", "", "≤ 100 bytes", index <= 100)
            report.lines.append(line)
        for part in ("seek", "chunks"):
            share = parts.get(part, 0) / image.tar_bytes
            line = Line(f"{part}, {what}", f"{share:.2%} of the tar")
            if part == "seek":
                line.target, line.is_met = "≤ 0.5 %", share <= 0.005
            if share:
                report.lines.append(line)


def sizes_of_parts(cache):
    """Bytes of all files of a cache, by what they hold: GROUP.index, GROUP.seek-BLOB, GROUP.chunks-BLOB."""
    sizes = {}
    for file in (cache / "v1/layers").iterdir():
        part = file.name.partition(".")[2].partition("-")[0]
        sizes[part] = sizes.get(part, 0) + file.stat().st_size
    return sizes


def random_read(setup, report):
    """Reads of a page each in one large file: none of what they need has been decoded before."""
    for compression, at_most in [("gzip", {"mean": 0.001, "p99": 0.004}), ("zstd", {"mean": 0.0005})]:
        image = wanted(setup, report, "large", compression)
        if not image:
            continue
        cache = filled(setup, image)
        states = {"archive in memory": lambda path: warm(path)}
        if IS_ROOT:
            states["archive on disk"] = lambda _: drop_caches()
        else:
            report.leave_out("random reads with the archive on disk: they need root")
        rounds = iter(range(len(states) * setup.rounds))

        def read(state):
            with systems.peelfs(setup.programs.peelfs, image.path, setup.point, cache):
                states[state](image.path)
                return [(state, took) for took in random_reads(setup, random.Random(next(rounds)))]

        timings = interleaved(setup.rounds, *(lambda s=state: read(s) for state in states))
        for state, samples in timings.items():
            name = f"random 4 KiB read, {compression}, {state}"
            report.add(name, samples, f"pread of $DIR/mnt/{oci.LARGE}")
            found = {"mean": statistics.fmean(samples), "p99": percentile(samples, 99)}
            for which, value in found.items():
                line = Line(f"{name}, {which}", seconds(value))
                if which in at_most:
                    line.target, line.is_met = f"≤ {seconds(at_most[which])}", value <= at_most[which]
                report.lines.append(line)


def random_reads(setup, chance):
    """How long each read took; that it gave the right bytes is seen to as well."""
    plain = setup.large.path
    stretches = range(0, setup.large.bytes - 2 * STRETCH, 2 * STRETCH)
    places = [start + chance.randrange(STRETCH) for start in chance.sample(stretches, min(READS, len(stretches)))]
    with open(setup.point / oci.LARGE, "rb", 0) as file, open(plain, "rb", 0) as expected:
        # Or the kernel reads on.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for place in places:
            start = time.perf_counter()
            data = os.pread(file.fileno(), PAGE, place)
            yield time.perf_counter() - start
            if data != os.pread(expected.fileno(), PAGE, oci.HEADER + place):
                raise Failed(f"wrong bytes at {place} of {oci.LARGE}")


def percentile(samples, percent):
    return sorted(samples)[math.ceil(len(samples) * percent / 100) - 1]


def stream(setup, report):
    """One large file, front to back, through a fresh mount."""
    for compression, at_most in [("gzip", 1.11), ("zstd", None)]:
        image = wanted(setup, report, "large", compression)
        if not image:
            continue
        cache = filled(setup, image)
        ours, floor = f"dd, {compression}", f"decode floor, one core, {compression}"
        commands = {
            ours: ["dd", f"if={setup.point}/{oci.LARGE}", "of=/dev/null", "bs=1M", "status=none"],
            floor: [setup.programs.decode_floor, "--decode", *image.blobs],
        }
        for path in [image.path, *image.blobs]:
            warm(path)

        def through_mount():
            with systems.peelfs(setup.programs.peelfs, image.path, setup.point, cache):
                yield ours, time_of(commands[ours])

        timings = interleaved(setup.rounds, through_mount, lambda: [(floor, time_of(commands[floor]))])
        for name, samples in timings.items():
            report.add(name, samples, shown(setup, commands[name], image))
        report.compare(f"sequential read of {image.bytes / 2**20:.0f} MiB, {compression}", ours, floor, at_most)


def memory_compressed(setup, report):
    """What the daemon holds of a compressed layer with many files: when it has just read it, and when it knew it."""
    image = wanted(setup, report, "files", "gzip")
    if not image:
        return
    cache = setup.cache
    forget(cache)
    for when in ("first mount", "second mount"):
        with systems.peelfs(setup.programs.peelfs, image.path, setup.point, cache) as daemon:
            state_of_memory(report, f"gzip, {when}, mounted", daemon)
            time_of(["find", setup.point, "-ls"])
            state_of_memory(report, f"gzip, {when}, after a full `find -ls`", daemon)
            read_at_once(setup.point)
            state_of_memory(report, f"gzip, {when}, after {READERS} readers at once", daemon, MEMORY)


def read_at_once(point):
    directories = sorted(path for group in point.iterdir() for path in group.iterdir())
    share = len(directories) // READERS
    script = 'find "$@" -type f -exec cat {} + >/dev/null'
    readers = []
    for i in range(READERS):
        own = directories[i * share : (i + 1) * share][:DIRECTORIES]
        readers.append(subprocess.Popen(["sh", "-c", script, "sh", *own], stdin=subprocess.DEVNULL))
    if any(reader.wait() for reader in readers):
        raise Failed(f"reading in {point}")


# What they share.


def wanted(setup, report, kind, compression):
    """A workload, or a word on why there is none."""
    image = setup.compressed.get((kind, compression))
    if not image:
        report.leave_out(f"{compression} layers: {oci.COMPRESSIONS[compression][0]} is not installed")
    return image


def shown(setup, command, image):
    """A command with the layers' names left out, which are digests."""
    blobs = image.blobs
    words = [word for word in command if word not in blobs]
    return setup.shown(words + ["BLOB..."] if len(words) < len(command) else words)


def clear(setup):
    """Takes away what the programs beside peelfs have left."""
    forget(setup.root / "bundle")
    forget(setup.root / "ratarmount-index")
    (setup.root / "ratarmount-index").mkdir()


FIGURES = (first_mount, second_mount, index_size, random_read, stream, memory_compressed)
ALL = {figure.__name__: figure for figure in FIGURES}
