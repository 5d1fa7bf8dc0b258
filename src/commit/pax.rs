//! PAX records in the writing: what a member has that the fields of a header cannot hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::entry::{Time, Xattr};

/// Records of one extended header, in the order in which they are added.
#[derive(Debug, Default)]
pub struct Records(Vec<u8>);

impl Records {
    /// Adds a record, `LENGTH KEY=VALUE\n`: the length counts itself.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        // The blank, the equals sign and the newline.
        let rest = key.len() + value.len() + 3;
        let mut len = rest + digits(rest);
        if digits(len) > digits(rest) {
            len = rest + digits(len);
        }
        self.0.extend_from_slice(len.to_string().as_bytes());
        for part in [b" ", key, b"=", value, b"\n"] {
            self.0.extend_from_slice(part);
        }
    }

    /// Adds an extended attribute. A name with an equals sign would end there for every reader of
    /// `SCHILY.xattr.`; libarchive's records encode it.
    pub fn add_xattr(&mut self, Xattr { name, value }: &Xattr) {
        match name.contains(&b'=') {
            false => self.add(&[b"SCHILY.xattr.", &**name].concat(), value),
            true => {
                let key = [b"LIBARCHIVE.xattr.", &*percent_encode(name)].concat();
                self.add(&key, STANDARD_NO_PAD.encode(value).as_bytes());
            }
        }
    }

    /// All of them; empty if there are none.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn percent_encode(name: &[u8]) -> Vec<u8> {
    let encode = |&byte: &u8| match byte {
        b'%' | b'=' => format!("%{byte:02X}").into_bytes(),
        byte => vec![byte],
    };
    name.iter().flat_map(encode).collect()
}

/// A time as `[-]SECONDS[.FRACTION]`.
pub fn time(time: Time) -> String {
    const NANOS: u32 = 1_000_000_000;
    let (sign, secs, nanos) = match time {
        // Half a second after -2 is -1.5.
        Time { secs, nanos } if secs < 0 && nanos > 0 => ("-", (secs + 1).unsigned_abs(), NANOS - nanos),
        Time { secs, nanos } => (if secs < 0 { "-" } else { "" }, secs.unsigned_abs(), nanos),
    };
    let text = format!("{sign}{secs}.{nanos:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_itself() {
        for len in [0, 1, 88, 89, 90, 91, 92, 985, 986, 987, 988, 989, 9_983, 9_984] {
            let mut records = Records::default();
            records.add(b"key", &vec![b'v'; len]);
            let text = String::from_utf8(records.0).unwrap();
            assert_eq!(text.split_once(' ').unwrap().0.parse(), Ok(text.len()), "{len}");
        }
    }

    #[test]
    fn times_have_the_digits_they_need() {
        for (secs, nanos, text) in [
            (0, 0, "0"),
            (10, 0, "10"),
            (1, 500_000_000, "1.5"),
            (1_700_000_000, 1, "1700000000.000000001"),
            (-1, 0, "-1"),
            (-2, 500_000_000, "-1.5"),
            (-1, 999_999_999, "-0.000000001"),
            (i64::MIN, 0, "-9223372036854775808"),
        ] {
            assert_eq!(time(Time { secs, nanos }), text);
        }
    }
}
