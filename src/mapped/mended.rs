//! What comes from a file that may turn out to be damaged, and can be made again.

use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::wait;

/// Makes the same thing without the file.
type Again<T> = Box<dyn Fn() -> Option<T> + Send + Sync>;

/// Something that is used as it stands in a file for as long as the file is whole.
pub struct Mended<T> {
    first: T,
    again: OnceLock<T>,
    mend: Option<Mutex<Again<T>>>,
}

impl<T> Mended<T> {
    /// Something that is in no file.
    pub fn sound(first: T) -> Mended<T> {
        Mended { first, again: OnceLock::new(), mend: None }
    }

    /// Something of a file, and how to make the very same without it.
    pub fn new(first: T, mend: impl Fn() -> Option<T> + Send + Sync + 'static) -> Mended<T> {
        Mended { first, again: OnceLock::new(), mend: Some(Mutex::new(Box::new(mend))) }
    }

    /// As it stands now.
    pub fn get(&self) -> &T {
        self.again.get().unwrap_or(&self.first)
    }

    /// The same, for good.
    pub fn into_inner(self) -> T {
        self.again.into_inner().unwrap_or(self.first)
    }

    /// Asks a question; if the answer is that the file is damaged, makes the thing again and asks once more.
    pub fn ask<'a, A, E>(
        &'a self,
        is_damage: impl Fn(&E) -> bool,
        question: impl Fn(&'a T) -> Result<A, E>,
    ) -> Result<A, E> {
        match question(self.get()) {
            Err(error) if is_damage(&error) => match self.mend() {
                Some(again) => question(again),
                None => Err(error),
            },
            answer => answer,
        }
    }

    /// Whoever comes meanwhile waits: the work is done once. If it fails, the next one may have more luck.
    fn mend(&self) -> Option<&T> {
        wait::announce();
        let mend = self.mend.as_ref()?.lock();
        if self.again.get().is_none() {
            let again = mend()?;
            return Some(self.again.get_or_init(|| again));
        }
        self.again.get()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Mended<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_to_mend_is_not_for_ever() {
        let tries = std::sync::atomic::AtomicU32::new(0);
        let mended = Mended::new(7, move || {
            (tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0).then_some(8)
        });
        let is_eight = |&n: &i32| if n == 8 { Ok(n) } else { Err("damaged") };
        assert_eq!(mended.ask(|_| true, is_eight), Err("damaged"));
        assert_eq!(mended.ask(|_| true, is_eight), Ok(8));
    }

    #[test]
    fn what_is_damaged_is_made_again_once() {
        let made = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = made.clone();
        let mended = Mended::new(7, move || {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Some(8)
        });
        assert_eq!(mended.ask(|_: &()| true, |&n| Ok(n)), Ok(7));
        let is_eight = |&n: &i32| if n == 8 { Ok(n) } else { Err("damaged") };
        assert_eq!(mended.ask(|_| true, is_eight), Ok(8));
        assert_eq!(mended.ask(|_| true, is_eight), Ok(8));
        assert_eq!(*mended.get(), 8);
        assert_eq!(made.load(std::sync::atomic::Ordering::Relaxed), 1);
        assert_eq!(Mended::sound(7).ask(|_| true, is_eight), Err("damaged"));
        assert_eq!(mended.ask(|error| *error == "damaged", |_| Err::<i32, _>("other")), Err("other"));
    }
}
