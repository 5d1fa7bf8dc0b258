"""What it takes to keep what was written: a new image, with a new layer of large files, over a small one."""

import os
import random
import shutil

import systems
import writable
import workloads
from disk import on_a_disk
from measure import TARGET, interleaved, time_of, warm
from systems import run
from writing import BASE

# What is committed: so many files, in one directory. They cannot be compressed, which is what takes gzip longest;
# so that it gets no more than a part of them.
FILES, PART, DIRECTORY = 64, 16, "written"

# With what each commit is compared, and what it may take of its time.
FLOORS = {
    "gzip": {"tar -c | encode floor": None, "tar -c | gzip": None, "tar -c | pigz": None},
    "none": {"tar -c | sha256sum": 1.2, "tar -c | tee FILE | sha256sum": None},
}


def commit(setup, report):
    """`peelfs commit`, and others that read, hash and compress the same files."""
    base = workloads.many_files(setup.root, BASE)
    with writable.mounts(setup, report, base, "peelfs")["peelfs"]():
        write_files(setup, range(PART))
    compare(setup, report, base, "gzip")
    with writable.again(setup, base):
        write_files(setup, range(PART, FILES))
    compare(setup, report, base, "none")


def write_files(setup, numbers):
    """Through a mount, so that the upper knows what it is over."""
    noise, size = random.Random(numbers.start), setup.written.bytes // FILES
    (setup.point / DIRECTORY).mkdir(exist_ok=True)
    for number in numbers:
        (setup.point / DIRECTORY / f"file-{number:02}").write_bytes(noise.randbytes(size))


def compare(setup, report, base, stored):
    """Commits of what has been written so far, in turn with others."""
    floors = FLOORS[stored]
    commands = {ours(stored): commit_command(setup, base, stored)}
    commands |= {name: command for name in floors if (command := command_of(setup, report, name))}
    size = sum(file.stat().st_size for file in written(setup))
    timings = interleaved(setup.rounds, *(lambda n=name: [(n, once(setup, n, commands[n]))] for name in commands))
    for name, samples in timings.items():
        report.add(name, samples, setup.shown(commands[name]))
        report.plot("commit", panel(stored), name.partition(",")[0], report.series[name].median)
    for name, at_most in floors.items():
        report.compare(f"commit of {size >> 20} MiB, {panel(stored)}", ours(stored), name, at_most)
        if at_most and name in timings:
            report.plot("commit", panel(stored), TARGET, at_most * report.series[name].median)


def written(setup):
    return list((writable.upper(setup).dir / DIRECTORY).iterdir())


def once(setup, name, command):
    """How long one of the commands takes with all it reads in memory, and nothing that another left to be written."""
    output(setup).unlink(missing_ok=True)
    os.sync()
    for file in written(setup):
        warm(file)
    took = time_of(command)
    if name.startswith("peelfs"):
        run([setup.programs.peelfs, "verify", "--no-cache", output(setup)])
        with systems.peelfs(setup.programs.peelfs, output(setup), setup.point):
            run(["diff", "-r", writable.upper(setup).dir / DIRECTORY, setup.point / DIRECTORY])
    return took


def output(setup):
    return setup.root / "committed.tar"


def panel(stored):
    return "not compressed" if stored == "none" else stored


def ours(stored):
    return f"peelfs commit, {panel(stored)}"


def commit_command(setup, base, stored):
    options = ["--no-cache", "--upper", writable.upper(setup).dir, "--compression", stored]
    return [setup.programs.peelfs, "commit", *options, "-t", "bench:1", "-o", output(setup), base.path]


def command_of(setup, report, name):
    """What others do with the upper as a directory, if they are there."""
    out = output(setup)
    program, pipe = {
        "tar -c | sha256sum": ("sha256sum", "sha256sum"),
        "tar -c | tee FILE | sha256sum": ("sha256sum", f"tee {out} | sha256sum"),
        "tar -c | encode floor": (setup.programs.encode_floor, f"{setup.programs.encode_floor} >{out}"),
        "tar -c | gzip": ("gzip", f"gzip -n >{out}"),
        "tar -c | pigz": ("pigz", f"pigz -n >{out}"),
    }[name]
    if not program or not shutil.which(program):
        report.leave_out(f"{name}: it is not there")
        return None
    return ["sh", "-c", f"tar -C {writable.upper(setup).dir} -c . | {pipe}"]


FIGURES = (commit,)
ALL = {figure.__name__: on_a_disk(figure) for figure in FIGURES}
