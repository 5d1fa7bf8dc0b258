//! The tests of `find`, as they stand on the command line.

use std::ffi::OsString;
use std::io::Read;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::blob::LayerFile;
use crate::entry::{Kind, Time};
use crate::find::{Compare, Glob, Mode, Sized, Tests};
use crate::stack::Stack;
use crate::union::{Last, Node};

use super::Result;

/// Bytes of /etc/passwd that are looked at.
const MAX_PASSWD: u64 = 1024 * 1024;

/// Where help lists them.
const HEADING: &str = "Tests (also in find(1)'s way: -name, -type, -size, ...)";

/// What is asked of a name; of several tests each must hold.
#[derive(Args, Debug, Clone, Default)]
pub struct TestArgs {
    /// The last component matches (repeat: any of them)
    #[arg(long, help_heading = HEADING, value_name = "GLOB")]
    name: Vec<OsString>,
    /// The same, whatever the case
    #[arg(long, help_heading = HEADING, value_name = "GLOB")]
    iname: Vec<OsString>,
    /// The whole path matches; `*` matches `/`, too
    #[arg(long = "path", help_heading = HEADING, value_name = "GLOB")]
    whole: Vec<OsString>,
    /// It is a file, directory, link, block or character device, fifo or socket: f,d,l,b,c,p,s
    #[arg(long = "type", help_heading = HEADING, value_name = "LETTERS", value_delimiter = ',')]
    kinds: Vec<Letter>,
    /// It has N units, more (+N) or less (-N), rounded up; blocks of 512 bytes without a unit
    #[arg(long, help_heading = HEADING, value_name = "[+-]N[ckMG]", allow_hyphen_values = true)]
    size: Vec<SizeWord>,
    /// It changed later than this time, or than what is at this path of the image
    #[arg(long, help_heading = HEADING, value_name = "TIME|PATH")]
    newer: Option<OsString>,
    /// It changed N days ago, more (+N) or less (-N)
    #[arg(long, help_heading = HEADING, value_name = "[+-]N", allow_hyphen_values = true)]
    mtime: Option<Days>,
    /// Its mode is this, octal or as chmod's letters, has all of these bits (-), or any (/)
    #[arg(long, help_heading = HEADING, value_name = "[-/]MODE", allow_hyphen_values = true)]
    perm: Option<ModeWord>,
    /// Its owner, by the image's own /etc/passwd, or by number
    #[arg(long, help_heading = HEADING, value_name = "NAME|N", conflicts_with = "uid")]
    user: Option<String>,
    /// Its owner's number
    #[arg(long, help_heading = HEADING, value_name = "N")]
    uid: Option<u32>,
    /// Its group's number
    #[arg(long, help_heading = HEADING, value_name = "N")]
    gid: Option<u32>,
    /// The layer it shows from
    #[arg(long, help_heading = HEADING, value_name = "N|N-M")]
    layer: Option<Layers>,
    /// It has an extended attribute of such a name
    #[arg(long, help_heading = HEADING, value_name = "GLOB")]
    xattr: Vec<OsString>,
    /// It is an empty file or directory
    #[arg(long, help_heading = HEADING)]
    empty: bool,
}

impl TestArgs {
    /// The tests; what is named after something of the image is looked up there.
    pub fn tests(&self, stack: &Stack) -> Result<Tests> {
        let globs =
            |words: &[OsString]| words.iter().map(|word| Glob::new(word.as_bytes())).collect::<Vec<_>>();
        let mut names = globs(&self.name);
        names.extend(self.iname.iter().map(|word| Glob::ignoring_case(word.as_bytes())));
        let uid = match &self.user {
            Some(user) => Some(uid_of(stack, user)?),
            None => self.uid,
        };
        Ok(Tests {
            names,
            paths: globs(&self.whole),
            kinds: self.kinds.iter().map(|letter| letter.0).collect(),
            layers: self.layer.as_ref().map(|layers| layers.0.clone()),
            sizes: self.size.iter().map(|word| word.0).collect(),
            newer: self.newer.as_ref().map(|word| time_of(stack, word)).transpose()?,
            days: self.mtime.map(|days| (days.0, Timestamp::now().as_second())),
            mode: self.perm.map(|mode| mode.0),
            uid,
            gid: self.gid,
            xattrs: globs(&self.xattr),
            empty: self.empty,
        })
    }
}

/// A number, or a user of the image's own /etc/passwd: the host's users are others.
fn uid_of(stack: &Stack, user: &str) -> Result<u32> {
    if let Ok(uid) = user.parse() {
        return Ok(uid);
    }
    let passwd = stack.union.resolve(b"/etc/passwd", Last::Follow)?;
    let attributes = stack.union.attributes(&passwd.node)?;
    let mut text = Vec::new();
    if let (Node::Leaf { layer, leaf }, Kind::Regular) = (&passwd.node, attributes.kind) {
        stack.with_file(*layer, *leaf, |extents, source| {
            LayerFile::new(extents, attributes.size, source).take(MAX_PASSWD).read_to_end(&mut text)
        })?;
    }
    let text = String::from_utf8_lossy(&text);
    let mut users = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let uid = users.find_map(|fields| match *fields {
        [name, _, uid, ..] if name == user => uid.parse().ok(),
        _ => None,
    });
    Ok(uid.ok_or_else(|| format!("the image's /etc/passwd has no user {user}; --uid takes a number"))?)
}

/// A time, or that of something in the image.
fn time_of(stack: &Stack, word: &OsString) -> Result<Time> {
    if let Some(time) = word.to_str().and_then(parse_time) {
        return Ok(time);
    }
    let resolved = stack.union.resolve(word.as_bytes(), Last::Follow)?;
    Ok(stack.union.attributes(&resolved.node)?.mtime)
}

fn parse_time(text: &str) -> Option<Time> {
    let of = |time: Timestamp| Time {
        secs: time.as_second() - i64::from(time.subsec_nanosecond() < 0),
        nanos: time.subsec_nanosecond().rem_euclid(1_000_000_000) as u32,
    };
    let in_utc = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let time = text.parse::<Timestamp>().ok();
    let time = time.or_else(|| in_utc(text.parse::<Date>().ok()?.at(0, 0, 0, 0)));
    let time = time.or_else(|| in_utc(text.parse::<DateTime>().ok()?));
    let seconds = || Timestamp::from_second(text.strip_prefix('@')?.parse().ok()?).ok();
    time.or_else(seconds).map(of)
}

fn compare<T: FromStr>(text: &str) -> Option<Compare<T>> {
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => rest.parse().ok().map(Compare::More),
        (_, Some(rest)) => rest.parse().ok().map(Compare::Less),
        _ => text.parse().ok().map(Compare::Just),
    }
}

/// A kind by its letter.
#[derive(Debug, Clone, Copy)]
struct Letter(Kind);

impl FromStr for Letter {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Letter, String> {
        Ok(Letter(match text {
            "f" => Kind::Regular,
            "d" => Kind::Directory,
            "l" => Kind::Symlink,
            "b" => Kind::BlockDevice,
            "c" => Kind::CharDevice,
            "p" => Kind::Fifo,
            "s" => Kind::Socket,
            _ => return Err(format!("`{text}` is none of f, d, l, b, c, p and s")),
        }))
    }
}

#[derive(Debug, Clone, Copy)]
struct SizeWord(Sized);

impl FromStr for SizeWord {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<SizeWord, String> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = match text.get(digits.len()..).unwrap_or_default() {
            "c" => 1,
            "w" => 2,
            "" | "b" => 512,
            "k" | "K" => 1 << 10,
            "M" => 1 << 20,
            "G" => 1 << 30,
            "T" => 1 << 40,
            _ => return Err(format!("`{text}` is no size: +100k, -2M, 0c")),
        };
        let units = compare(digits).ok_or_else(|| format!("`{text}` is no size: +100k, -2M, 0c"))?;
        Ok(SizeWord(Sized { units, unit }))
    }
}

#[derive(Debug, Clone, Copy)]
struct Days(Compare<i64>);

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Days, String> {
        compare(text).map(Days).ok_or_else(|| format!("`{text}` is no number of days: 7, +7, -7"))
    }
}

#[derive(Debug, Clone, Copy)]
struct ModeWord(Mode);

impl FromStr for ModeWord {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<ModeWord, String> {
        let wrong = || format!("`{text}` is no mode: 644, -4000, /222, u=rw,g=r, -u+s, /a+w");
        Mode::parse(text).map(ModeWord).ok_or_else(wrong)
    }
}

#[derive(Debug, Clone)]
struct Layers(RangeInclusive<u32>);

impl FromStr for Layers {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Layers, String> {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) => Ok(Layers(from..=to)),
            _ => Err(format!("`{text}` is neither a layer nor a range of them: 3, 2-5")),
        }
    }
}
