//! Word that a thread is about to wait, for whoever has work that must not wait with it.

use std::cell::RefCell;
use std::rc::Rc;

/// What is to be done before a wait.
type Hook = Rc<dyn Fn()>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Has something done, from now on, before this thread waits.
pub fn before_waiting(hook: impl Fn() + 'static) {
    HOOK.set(Some(Rc::new(hook)));
}

/// To be called before what may take longer than a small answer does: a read from a disk, the decoding of a block,
/// another thread's work.
pub fn announce() {
    // A hook that waits itself finds none; nor does one whose thread is ending.
    let hook = HOOK.try_with(|hook| hook.try_borrow().ok()?.clone());
    if let Ok(Some(hook)) = hook {
        hook();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_hook_of_the_waiting_thread_is_run() {
        let count = Rc::new(Cell::new(0));
        announce();
        let own = count.clone();
        before_waiting(move || own.set(own.get() + 1));
        announce();
        std::thread::spawn(announce).join().unwrap();
        announce();
        assert_eq!(count.get(), 2);
    }
}
