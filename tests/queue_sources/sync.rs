//! In place of `fabrica/src/queue/sync.rs`.

use std::cell::RefCell;
use std::future::Future;
use std::ops::Add;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub use shuttle::sync::MutexGuard;
pub use shuttle::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}

#[derive(Default)]
struct Clock {
    now: Duration,
    alarms: Vec<(Duration, Waker)>,
}

thread_local! {
    // Shuttle runs all tasks of a schedule on one thread.
    static CLOCK: RefCell<Clock> = RefCell::default();
}

/// Starts the clock anew, for a new schedule.
pub fn reset() {
    CLOCK.with(|clock| std::mem::take(&mut *clock.borrow_mut()));
}

/// Moves the clock and rings the alarms that are due.
pub fn advance(by: Duration) {
    let due: Vec<Waker> = CLOCK.with(|clock| {
        let mut clock = clock.borrow_mut();
        clock.now += by;
        let now = clock.now;
        let due = clock.alarms.extract_if(.., |(at, _)| *at <= now);
        due.map(|(_, waker)| waker).collect()
    });
    due.into_iter().for_each(Waker::wake);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    pub fn now() -> Self {
        Self(CLOCK.with(|clock| clock.borrow().now))
    }

    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0 + by)
    }
}

pub struct Sleep(Instant);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.0 {
            return Poll::Ready(());
        }
        CLOCK.with(|clock| {
            clock.borrow_mut().alarms.push((self.0.0, cx.waker().clone()));
        });
        Poll::Pending
    }
}

pub fn alarm(deadline: Instant) -> Pin<Box<Sleep>> {
    Box::pin(Sleep(deadline))
}

pub fn poll_budget(_: &mut Context<'_>) -> Poll<()> {
    Poll::Ready(())
}
