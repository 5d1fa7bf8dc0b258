//! How things of an image are written for people: names, sizes, modes, times. Names are hostile.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::entry::{Kind, Time};

/// What becomes of newlines in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They are ours.
    Keep,
    /// They are someone's name.
    Escape,
}

/// Makes bytes from an image harmless: control and bidirectional characters, and what is no UTF-8, as
/// escapes. A backslash stays one, so that commands can be copied; `--json` tells it from an escape.
pub fn escape(bytes: &[u8], lines: Lines) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' if lines == Lines::Keep => text.push('\n'),
                character if is_hostile(character) => text.extend(character.escape_default()),
                character => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Characters that move the cursor, change colours or reorder what stands beside them.
pub fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A value of any bytes: text that can be printed as it is, everything else in hexadecimal, as getfattr
/// has it.
pub fn printable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(is_hostile) => text.to_owned(),
        _ => format!("0x{}", hex(bytes)),
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number with its noun: `1 layer`, `2 layers`, `1 directory`, `2 directories`.
pub fn count(n: u64, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) => format!("{n} {noun}s"),
    }
}

/// Layers by their numbers: `layer 2`, `layers 4, 0`.
pub fn layers(numbers: impl IntoIterator<Item = u32>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    let noun = if numbers.len() == 1 { "layer" } else { "layers" };
    format!("{noun} {}", numbers.join(", "))
}

/// A size for people: `1.2 MiB`.
pub fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"");
    while size >= 1023.95 {
        let Some(next) = units.next() else { break };
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

/// A path as people write it, harmless on a terminal.
pub fn shown_path(path: &[u8]) -> String {
    format!("/{}", escape(path, Lines::Escape))
}

/// The second in which the year 0 begins, the first that RFC 3339 has.
const YEAR_0: i64 = -62_167_219_200;

/// A time as RFC 3339 with as many digits as it has; seconds since 1970 for years that have no name there.
pub fn timestamp(time: Time) -> String {
    let seconds = Some(time.secs).filter(|&secs| secs >= YEAR_0);
    let timestamp = seconds.and_then(|secs| Timestamp::new(secs, 0).ok());
    let nanos = jiff::SignedDuration::from_nanos(time.nanos.into());
    match timestamp.and_then(|timestamp| timestamp.checked_add(nanos).ok()) {
        Some(timestamp) => timestamp.to_string(),
        None => seconds_alone(time),
    }
}

/// `@SECONDS.NANOSECONDS`, as date(1) reads it: behind the point of a negative number it is counted backward.
fn seconds_alone(time: Time) -> String {
    let nanos = i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos);
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    format!("@{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// A time that stands in an image's configuration, in the form of [`timestamp`]; what is no time, as it stands.
pub fn in_utc(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |time| time.to_string())
}

/// The same to the second.
pub fn in_utc_seconds(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |time| format!("{time:.0}"))
}

/// A time as `ls -l --time-style=long-iso` has it, in UTC.
pub fn short_time(time: Time) -> String {
    match Timestamp::new(time.secs, 0) {
        Ok(timestamp) => timestamp.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => format!("@{}", time.secs),
    }
}

/// A kind and a mode as `ls -l` has them: `drwxr-xr-x`.
pub fn mode(kind: Kind, mode: u16) -> String {
    let mut text = String::with_capacity(10);
    text.push(kind.letter());
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift & 7;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_escaped() {
        for (name, escaped) in [
            (&b"plain \xc3\xa9"[..], "plain \u{e9}"),
            (b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            (b"a\nb\\377", "a\\nb\\377"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("gnp.\u{202e}exe".as_bytes(), "gnp.\\u{202e}exe"),
        ] {
            assert_eq!(escape(name, Lines::Escape), escaped);
        }
        assert_eq!(escape(b"a\nb", Lines::Keep), "a\nb");
    }

    #[test]
    fn values_are_text_or_hexadecimal() {
        for (bytes, shown) in [
            (&b""[..], ""),
            (b"sys\\tem \xc3\xa9", "sys\\tem \u{e9}"),
            (b"\x01\0\0\x02", "0x01000002"),
            (b"\xff", "0xff"),
            ("a\u{202e}".as_bytes(), "0x61e280ae"),
        ] {
            assert_eq!(printable(bytes), shown);
        }
    }

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (1_610_612_736, "1.5 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(human_size(bytes), text);
        }
    }

    #[test]
    fn numbers_have_the_right_noun() {
        assert_eq!([count(1, "layer"), count(0, "layer")], ["1 layer", "0 layers"]);
        assert_eq!([count(1, "entry"), count(2, "entry")], ["1 entry", "2 entries"]);
    }

    #[test]
    fn modes_read_as_in_ls() {
        for (kind, bits, text) in [
            (Kind::Regular, 0o644, "-rw-r--r--"),
            (Kind::Directory, 0o1777, "drwxrwxrwt"),
            (Kind::Regular, 0o4755, "-rwsr-xr-x"),
            (Kind::Regular, 0o6640, "-rwSr-S---"),
            (Kind::Directory, 0o1644, "drw-r--r-T"),
            (Kind::Symlink, 0o777, "lrwxrwxrwx"),
        ] {
            assert_eq!(mode(kind, bits), text);
        }
    }

    #[test]
    fn times_have_the_digits_they_need() {
        for (secs, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (-2, 500_000_000, "1969-12-31T23:59:58.5Z"),
            (1_700_000_000, 123_456_789, "2023-11-14T22:13:20.123456789Z"),
            (i64::MAX, 1, "@9223372036854775807.000000001"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            (-62_167_219_201, 0, "@-62167219201.000000000"),
            (-62_167_219_202, 500_000_000, "@-62167219201.500000000"),
            (i64::MIN, 1, "@-9223372036854775807.999999999"),
        ] {
            assert_eq!(timestamp(Time { secs, nanos }), text);
        }
    }

    #[test]
    fn times_of_a_configuration_are_in_utc() {
        for (text, exact, seconds) in [
            ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
            ("2024-01-02T03:04:05.999+02:00", "2024-01-02T01:04:05.999Z", "2024-01-02T01:04:05Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("yesterday", "yesterday", "yesterday"),
        ] {
            assert_eq!((&*in_utc(text), &*in_utc_seconds(text)), (exact, seconds));
        }
    }
}
