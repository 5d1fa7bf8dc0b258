//! Numbers as tar writes them: octal text, base-256, decimal text in PAX.

use crate::entry::Time;

/// A numeric header field: octal digits padded with spaces or NULs, or base-256 where the first bit is
/// set (GNU, star). Empty is 0. `None` if it is neither, or does not fit.
pub fn field(bytes: &[u8]) -> Option<i64> {
    match bytes.first() {
        Some(first) if first & 0x80 != 0 => base256(bytes),
        _ => octal(bytes),
    }
}

/// A field that cannot be negative.
pub fn unsigned(bytes: &[u8]) -> Option<u64> {
    field(bytes).and_then(|number| u64::try_from(number).ok())
}

/// Two's complement, big endian, in all bits but the first.
fn base256(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.first()? & 0x40 != 0;
    let mut number: i128 = if negative { -1 } else { 0 };
    for (i, &byte) in bytes.iter().enumerate() {
        let byte = if i == 0 && !negative { byte & 0x7f } else { byte };
        number = number << 8 | i128::from(byte);
    }
    i64::try_from(number).ok()
}

fn octal(bytes: &[u8]) -> Option<i64> {
    let text = bytes.trim_ascii_start();
    let start = text.iter().position(|&byte| byte != 0 && byte != b' ').unwrap_or(text.len());
    let text = text.get(start..)?;
    let end = text.iter().position(|&byte| byte == 0 || byte == b' ').unwrap_or(text.len());
    let mut number: i64 = 0;
    for byte in text.get(..end)? {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 8)?;
        number = number.checked_mul(8)?.checked_add(i64::from(digit))?;
    }
    Some(number)
}

/// Decimal digits and nothing else.
pub fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A PAX time: `[-]SECONDS[.FRACTION]`; digits beyond nanoseconds are dropped towards the past.
pub fn time(bytes: &[u8]) -> Option<Time> {
    let (negative, digits) = match bytes.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let mut parts = digits.splitn(2, |&byte| byte == b'.');
    let secs = i64::try_from(decimal(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    let (nanos, inexact) = nanos(fraction)?;
    match (negative, nanos, inexact) {
        (false, ..) => Some(Time { secs, nanos }),
        (true, 0, false) => Some(Time { secs: -secs, nanos: 0 }),
        // -1.5 is half a second after -2; a remainder below a nanosecond counts as one.
        (true, nanos, inexact) => {
            let below = nanos + u32::from(inexact);
            Some(Time { secs: (-secs).checked_sub(1)?, nanos: 1_000_000_000 - below })
        }
    }
}

/// The first nine digits of a fraction, and whether there is anything but zeros behind them.
fn nanos(fraction: &[u8]) -> Option<(u32, bool)> {
    let mut nanos = 0;
    for i in 0..9 {
        let digit = match fraction.get(i) {
            None => 0,
            Some(byte) => byte.checked_sub(b'0').filter(|&digit| digit < 10)?,
        };
        nanos = nanos * 10 + u32::from(digit);
    }
    let rest = fraction.get(9..).unwrap_or_default();
    rest.iter().all(u8::is_ascii_digit).then(|| (nanos, rest.iter().any(|&byte| byte != b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields() {
        for (bytes, number) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"", Some(0)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"0000648\0", None),
            (b"-0000001", None),
            (b"\x80\0\0\0\0\0\x01\x00", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", Some(i64::MIN)),
        ] {
            assert_eq!(field(bytes), number, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn pax_times() {
        let time_at = |secs, nanos| Some(Time { secs, nanos });
        for (text, expected) in [
            ("0", time_at(0, 0)),
            ("1.5", time_at(1, 500_000_000)),
            ("-1.5", time_at(-2, 500_000_000)),
            ("-1", time_at(-1, 0)),
            ("-0.000000001", time_at(-1, 999_999_999)),
            ("1.123456789999", time_at(1, 123_456_789)),
            ("-1.0000000001", time_at(-2, 999_999_999)),
            ("-1.9999999999", time_at(-2, 0)),
            ("1.", time_at(1, 0)),
            ("", None),
            ("-", None),
            (".5", None),
            ("1.x", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(time(text.as_bytes()), expected, "{text}");
        }
    }
}
