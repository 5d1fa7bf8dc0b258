//! What a test needs of the machine. Lacking it is said, and a failure where everything must run.

use std::path::Path;
use std::process::Command;

/// Whether everything must run, as in CI.
fn must_run_all() -> bool {
    std::env::var_os("PEELFS_TEST_ALL").is_some_and(|value| value == "1")
}

/// Says that a test is skipped; `scripts/check` counts these lines.
pub fn skip(reason: &str) {
    assert!(!must_run_all(), "skipped where everything must run: {reason}");
    note(reason);
}

/// Says that a test, or a part of one, is skipped for lack of what no machine need have.
pub fn note(reason: &str) {
    eprintln!("SKIPPED {}: {reason}", std::thread::current().name().unwrap_or("?"));
}

/// Ends the test unless a condition holds.
macro_rules! need {
    ($condition:expr, $reason:expr) => {
        if !$condition {
            $crate::support::need::skip($reason);
            return;
        }
    };
}
pub(crate) use need;

/// Whether this process is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether FUSE can be mounted here.
pub fn has_fuse() -> bool {
    Path::new("/dev/fuse").exists() && (is_root() || has("fusermount3"))
}

/// Whether a program is installed.
pub fn has(program: &str) -> bool {
    let found = Command::new("sh").arg("-c").arg(format!("command -v {program}")).output();
    found.is_ok_and(|output| output.status.success())
}
