//! The statistics of a mount: a table for people, one line of JSON for machines, on the daemon's stderr.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::blob;
use crate::counter::Hits;
use crate::fuse::{Report, Usage};
use crate::text::{Lines, escape, human_size};

/// How statistics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum StatsFormat {
    /// A table.
    #[default]
    Table,
    /// One line of JSON.
    Json,
}

/// Writes a report on the mount on a directory. That nobody reads it is no reason to end a mount.
pub fn tell(dir: &Path, report: &Report, format: StatsFormat) {
    let now = Timestamp::now();
    let text = match format {
        StatsFormat::Table => table(dir, now, report),
        StatsFormat::Json => format!("{}\n", document(dir, now, report)),
    };
    let _ = io::stderr().write_all(text.as_bytes());
}

fn table(dir: &Path, now: Timestamp, report: &Report) -> String {
    let dir = escape(dir.as_os_str().as_encoded_bytes(), Lines::Escape);
    let uptime = human_uptime(report.uptime);
    let mut text = format!("peelfs: {dir}: statistics at {now:.0}, served for {uptime}\n");
    let head = ["", "count", "negative", "errors", "given", "mean", "p50", "p90", "p99", "max", "total"];
    let rows: Vec<[String; 11]> = report.operations.iter().map(row).collect();
    text.push_str(&columns(&[&[head.map(str::to_owned)], &*rows].concat()));
    for (what, said) in [
        ("decoded blocks", blocks(&report.blocks)),
        ("merged directories", hits(report.merged_hits)),
        ("bytes of files", bytes(report)),
    ] {
        // A text in memory takes whatever it is given.
        let _ = writeln!(text, "{what:<18}  {said}");
    }
    text
}

fn row(usage: &Usage) -> [String; 11] {
    let Usage { count, negative, errors, bytes, total, p50, p90, p99, max, .. } = *usage;
    let given = if bytes > 0 { human_size(bytes) } else { "-".to_owned() };
    let [mean, p50, p90, p99, max, total] = [usage.mean(), p50, p90, p99, max, total].map(human_time);
    let [count, negative, errors] = [count, negative, errors].map(|n| n.to_string());
    [usage.operation.name().to_owned(), count, negative, errors, given, mean, p50, p90, p99, max, total]
}

/// Rows as lines; the first column is of names, the others are of numbers.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::new();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0)
    });
    for row in rows {
        let mut cells = row.iter().zip(widths);
        if let Some((name, width)) = cells.next() {
            text.push_str(&format!("{name:<width$}"));
        }
        cells.for_each(|(cell, width)| text.push_str(&format!("  {cell:>width$}")));
        text.push('\n');
    }
    text
}

fn blocks(blocks: &blob::Stats) -> String {
    let asked = blocks.hits + blocks.waits + blocks.misses;
    if asked == 0 {
        return "none asked for".to_owned();
    }
    let blob::Stats { waits, misses, ahead, ahead_hits, decoded, .. } = *blocks;
    format!(
        "{asked} asked for, {} there; {waits} waited for, {misses} decoded when asked for, \
         {ahead} ahead ({ahead_hits} of use); {} decoded",
        percent(blocks.hits, asked),
        human_size(decoded)
    )
}

fn hits(hits: Hits) -> String {
    match hits.hits + hits.misses {
        0 => "none asked for".to_owned(),
        asked => format!("{asked} asked for, {} there", percent(hits.hits, asked)),
    }
}

fn bytes(report: &Report) -> String {
    let (read, given) = (report.bytes_read, report.bytes_given());
    let times = match given {
        0 => String::new(),
        given => format!(", {:.2} times as many", read as f64 / given as f64),
    };
    format!(
        "{} given; {} read for them from archive, cache and spool{times}",
        human_size(given),
        human_size(read)
    )
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}

/// A time with three digits: `8.21 µs`.
fn human_time(time: Duration) -> String {
    const UNITS: [&str; 3] = ["µs", "ms", "s"];
    let nanos = time.as_nanos();
    if nanos < 1000 {
        return format!("{nanos} ns");
    }
    let mut time = nanos as f64 / 1e3;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"");
    while time >= 999.5 {
        let Some(next) = units.next() else { break };
        time /= 1e3;
        unit = next;
    }
    let digits = if time < 9.995 { 2 } else { usize::from(time < 99.95) };
    format!("{time:.digits$} {unit}")
}

/// A time that may be long: `1h 2m 3s`.
fn human_uptime(time: Duration) -> String {
    match i64::try_from(time.as_secs()) {
        Ok(secs @ 60..) => format!("{:#}", SignedDuration::from_secs(secs)),
        _ => human_time(time),
    }
}

fn document(dir: &Path, now: Timestamp, report: &Report) -> Value {
    let blocks = &report.blocks;
    let hits = |hits: Hits| json!({"hits": hits.hits, "misses": hits.misses});
    let mut object = serde_json::Map::new();
    super::output::put_name(&mut object, "mount_point", dir.as_os_str().as_encoded_bytes());
    let rest = json!({
        "time": now.to_string(),
        "uptime_ns": nanos(report.uptime),
        "operations": report.operations.iter().map(operation).collect::<Vec<_>>(),
        "blocks": {
            "hits": blocks.hits,
            "waits": blocks.waits,
            "misses": blocks.misses,
            "ahead": blocks.ahead,
            "ahead_hits": blocks.ahead_hits,
            "bytes_decoded": blocks.decoded,
        },
        "merged_directories": hits(report.merged_hits),
        "bytes_read": report.bytes_read,
        "bytes_given": report.bytes_given(),
    });
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    Value::Object(object)
}

fn operation(usage: &Usage) -> Value {
    json!({
        "operation": usage.operation.name(),
        "count": usage.count,
        "negative": usage.negative,
        "errors": usage.errors,
        "bytes_given": usage.bytes,
        "mean_ns": nanos(usage.mean()),
        "p50_ns": nanos(usage.p50),
        "p90_ns": nanos(usage.p90),
        "p99_ns": nanos(usage.p99),
        "max_ns": nanos(usage.max),
        "total_ns": nanos(usage.total),
    })
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuse::Operation;

    fn report() -> Report {
        let [p50, p90, p99, max] = [8, 12, 950, 12_340].map(Duration::from_micros);
        let usage = |operation, count, bytes| Usage {
            operation,
            count,
            negative: 3,
            errors: 0,
            bytes,
            total: Duration::from_micros(10) * count as u32,
            p50,
            p90,
            p99,
            max,
        };
        Report {
            uptime: Duration::from_millis(3_723_999),
            operations: vec![usage(Operation::Lookup, 120, 0), usage(Operation::Read, 4, 1 << 20)],
            blocks: blob::Stats { hits: 9, waits: 1, misses: 2, ahead: 4, ahead_hits: 3, decoded: 3 << 20 },
            merged_hits: Hits { hits: 999, misses: 1 },
            bytes_read: 3 << 19,
        }
    }

    #[test]
    fn the_table_is_aligned_and_says_all() {
        let text = table(Path::new("/m\n"), Timestamp::UNIX_EPOCH, &report());
        let expected = "\
peelfs: /m\\n: statistics at 1970-01-01T00:00:00Z, served for 1h 2m 3s
        count  negative  errors    given     mean      p50      p90     p99      max    total
lookup    120         3       0        -  10.0 µs  8.00 µs  12.0 µs  950 µs  12.3 ms  1.20 ms
read        4         3       0  1.0 MiB  10.0 µs  8.00 µs  12.0 µs  950 µs  12.3 ms  40.0 µs
decoded blocks      12 asked for, 75.0 % there; 1 waited for, 2 decoded when asked for, 4 ahead (3 of use); 3.0 MiB decoded
merged directories  1000 asked for, 99.9 % there
bytes of files      1.0 MiB given; 1.5 MiB read for them from archive, cache and spool, 1.50 times as many
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_mount_that_nobody_used_has_statistics() {
        let mut report = report();
        report.operations.clear();
        report.blocks = blob::Stats::default();
        let text = table(Path::new("/m"), Timestamp::UNIX_EPOCH, &report);
        assert!(text.contains("none asked for") && text.contains("0 B given"), "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn json_is_one_line_with_times_in_nanoseconds() {
        let line = document(Path::new("/m"), Timestamp::UNIX_EPOCH, &report()).to_string();
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["mount_point"], &value["time"]), (&"/m".into(), &"1970-01-01T00:00:00Z".into()));
        assert_eq!(
            (&value["operations"][1]["operation"], &value["operations"][1]["p99_ns"]),
            (&"read".into(), &950_000.into())
        );
        assert_eq!(
            (&value["bytes_given"], &value["blocks"]["bytes_decoded"]),
            (&(1 << 20).into(), &(3 << 20).into())
        );
    }

    #[test]
    fn a_long_time_is_in_hours_and_a_short_one_in_seconds() {
        let said =
            [560, 12_340, 59_900, 60_900, 90_061_000].map(|ms| human_uptime(Duration::from_millis(ms)));
        assert_eq!(said, ["560 ms", "12.3 s", "59.9 s", "1m", "25h 1m 1s"]);
    }

    #[test]
    fn times_for_people() {
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_994, "9.99 µs"),
            (9_996, "10.0 µs"),
            (99_960, "100 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (12_345_678, "12.3 ms"),
            (61_000_000_000, "61.0 s"),
            (86_400_000_000_000, "86400 s"),
        ] {
            assert_eq!(human_time(Duration::from_nanos(nanos)), text);
        }
    }
}
