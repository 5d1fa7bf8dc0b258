//! The log: talk on stderr while someone may read it there, lines with their time in a file that is kept.

use std::fmt;
use std::io;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts the log on stderr, which is the log file of a daemon that keeps one.
pub fn start(verbose: u8, is_kept: bool) {
    let level = match verbose {
        0 => "warn",
        1 => "peelfs=info,warn",
        2 => "peelfs=debug,info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    // Where stderr cannot be written, that cannot be said there.
    let log = log.log_internal_errors(false);
    match is_kept {
        true => log.with_target(false).init(),
        false => log.event_format(Talk).init(),
    }
}

/// `peelfs: warning: …`, as every other message to the user.
struct Talk;

impl<S, N> FormatEvent<S, N> for Talk
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(out, "peelfs: {}: ", word(*event.metadata().level()))?;
        ctx.format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}
