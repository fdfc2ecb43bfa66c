//! Many cases, a few at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How many cases are tried at once.
const AT_ONCE: usize = 2;

/// Tries a case for each number, in their order, until one says that it was enough. A case that panics ends it all.
pub fn in_parallel(numbers: impl Iterator<Item = u64> + Send, case: impl Fn(u64) -> bool + Sync) {
    let numbers = Mutex::new(numbers);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // Also if a case panics.
                let _over = Finally(|| is_over.store(true, Ordering::Relaxed));
                let next = || numbers.lock().unwrap().next();
                while let Some(number) = next().filter(|_| !is_over.load(Ordering::Relaxed)) {
                    if !case(number) {
                        break;
                    }
                }
            });
        }
    });
}

struct Finally<F: Fn()>(F);

impl<F: Fn()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
