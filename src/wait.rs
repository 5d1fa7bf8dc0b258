//! Word that a thread is about to wait, for whoever has work that must not wait with it.

use std::cell::Cell;

/// What is to be done before a wait.
type Hook = Box<dyn Fn()>;

thread_local! {
    static HOOK: Cell<Option<Hook>> = const { Cell::new(None) };
}

/// Has something done, from now on, before this thread waits.
pub fn before_waiting(hook: impl Fn() + 'static) {
    HOOK.set(Some(Box::new(hook)));
}

/// To be called before what may take longer than a small answer does: a read from a disk, the decoding of a
/// block, another thread's work. A hook that waits itself finds no hook.
pub fn announce() {
    // A thread that is ending has none any more.
    if let Ok(Some(hook)) = HOOK.try_with(Cell::take) {
        hook();
        HOOK.set(Some(hook));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn the_hook_of_the_waiting_thread_is_run_and_none_within_it() {
        let count = Rc::new(Cell::new(0));
        announce();
        let own = count.clone();
        before_waiting(move || {
            own.set(own.get() + 1);
            announce();
        });
        announce();
        std::thread::spawn(announce).join().unwrap();
        announce();
        assert_eq!(count.get(), 2);
    }
}
