"""What is measured of plain tars and of the program itself: each function measures one thing, and reports it."""

import time

import systems
from measure import (
    Line,
    drop_caches,
    filled,
    interleaved,
    mount_time,
    resident,
    seconds,
    time_of,
    warm,
)
from metadata import walker
from systems import IS_ROOT

# What a mount may hold that has its index in the cache: a fixed part, and decoded blocks (`--cache-mem`, by default).
MEMORY = (30 + 64) << 20


def index(setup, report):
    """Indexing a plain tar that is in the page cache: whole processes."""
    commands = {
        "peelfs ls": [setup.programs.peelfs, "ls", "--no-cache", setup.files.path, "/"],
        "header scan": [setup.programs.header_scan, setup.files.path],
        "header scan, reading through": [setup.programs.header_scan, "--through", setup.files.path],
    }
    if setup.programs.ratarmount:
        database = setup.root / "ratarmount.sqlite"
        # Without the mount, which costs it some more.
        options = ["--no-mount", "--recreate-index", "--index-file", database]
        commands["ratarmount"] = [setup.programs.ratarmount, *options, setup.files.path]
    else:
        report.leave_out("ratarmount: not installed")
    warm(setup.files.path)
    runs = [lambda n=name: [(n, time_of(commands[n]))] for name in commands]
    for name, samples in interleaved(setup.rounds, *runs).items():
        report.add(name, samples, setup.shown(commands[name]))
        report.plot("index", "", name.replace("peelfs ls", "peelfs"), report.series[name].median)
    what = f"index of {setup.files.entries:,} entries"
    report.compare(what, "peelfs ls", "header scan", at_most=1.5)
    report.compare(what, "peelfs ls", "header scan, reading through")
    report.compare(what, "peelfs ls", "ratarmount", at_most=0.1)


def memory(setup, report):
    """What the daemon of a plain tar's mount keeps in memory."""
    with systems.peelfs(setup.programs.peelfs, setup.empty, setup.point) as daemon:
        nothing = resident(daemon)
    with systems.peelfs(setup.programs.peelfs, setup.files.path, setup.point) as daemon:
        mounted = resident(daemon)
        time_of(["find", setup.point, "-ls"])
        walked = resident(daemon)
        peak = resident(daemon, "VmHWM")

    def line(what, taken, target=None):
        per_entry = taken / setup.files.entries
        line = Line(f"memory, {what}", f"{per_entry:.0f} bytes per entry ({taken / 2**20:.0f} MiB)")
        if target:
            line.target, line.is_met = f"≤ {target} bytes per entry", per_entry <= target
        report.lines.append(line)

    line("after mount", mounted)
    line("after mount, above an empty tar's", mounted - nothing)
    line("after a full `find -ls`", walked, 150)
    line("after a full `find -ls`, above an empty tar's", walked - nothing)
    line("peak, while indexing", peak)


def memory_cached(setup, report):
    """What the daemon of a plain tar's mount keeps where the cache has its index."""
    cache = filled(setup, setup.files)
    with systems.peelfs(setup.programs.peelfs, setup.files.path, setup.point, cache) as daemon:
        state_of_memory(report, "cached index, mounted", daemon)
        time_of(walker(setup))
        state_of_memory(report, "cached index, after a full walk", daemon, MEMORY)
        time.sleep(setup.idle)
        state_of_memory(report, f"cached index, {setup.idle:.0f} s idle after that", daemon, MEMORY)


def state_of_memory(report, when, daemon, target=None):
    """All pages, and those that are not of files: those of the cache's files are the kernel's to take away."""
    for kind in ("VmRSS", "RssAnon"):
        taken = resident(daemon, kind)
        line = Line(f"memory, {when}, {kind}", f"{taken / 2**20:.0f} MiB")
        if target:
            line.target, line.is_met = f"≤ {target >> 20} MiB", taken <= target
        report.lines.append(line)


def mount(setup, report):
    """Mounting without a cache directory: all is read every time."""
    workloads = {"mount, image": setup.image, "mount, many files": setup.files}

    def mount_once(name):
        path = workloads[name].path
        if IS_ROOT:
            drop_caches()
            yield f"{name}, cold", mount_time(setup, path)
        warm(path)
        yield f"{name}, warm", mount_time(setup, path)

    timings = interleaved(setup.rounds, *(lambda n=name: mount_once(n) for name in workloads))
    for name, samples in timings.items():
        kind, _, when = name.rpartition(", ")
        report.add(name, samples, setup.shown(systems.peelfs_command("peelfs", workloads[kind].path, setup.point)))
        report.lines.append(Line(name, seconds(report.series[name].median)))


def size(setup, report):
    """What there is to install."""
    stripped = setup.root / "peelfs.stripped"
    systems.run(["strip", "-o", stripped, setup.programs.peelfs])
    whole, bare = (path.stat().st_size / 2**20 for path in (setup.programs.peelfs, stripped))
    stripped.unlink()
    report.lines.append(Line("size of the binary", f"{bare:.1f} MiB stripped, {whole:.1f} MiB with line tables"))


ALL = {figure.__name__: figure for figure in (index, memory, memory_cached, mount, size)}
