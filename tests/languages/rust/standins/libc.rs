//! A stand-in for the few functions of libc that the examples of the rules use: it counts what is open.

use std::cell::RefCell;
use std::sync::atomic::{AtomicI32, Ordering};

pub const O_RDONLY: i32 = 0;
pub const F_GETFL: i32 = 3;
pub const F_SETFL: i32 = 4;
pub const O_NONBLOCK: i32 = 2048;

const F_DUPFD: i32 = 0;
const F_GETFD: i32 = 1;

mod real {
    extern "C" {
        pub fn open(path: *const i8, flags: i32, ...) -> i32;
        pub fn close(fd: i32) -> i32;
        pub fn fcntl(fd: i32, command: i32, ...) -> i32;
    }
}

/// Descriptors of their own range: no other thread gets the number of one that was closed.
static NEXT: AtomicI32 = AtomicI32::new(200);

thread_local! {
    static OPENED: RefCell<Vec<i32>> = RefCell::new(Vec::new());
}

/// How many of the descriptors that this thread opened are still open.
pub fn open_descriptors() -> usize {
    let open = |fd: &&i32| unsafe { real::fcntl(**fd, F_GETFD) } != -1;
    OPENED.with(|opened| opened.borrow().iter().filter(open).count())
}

/// # Safety
/// The path ends with a zero.
pub unsafe fn open<C>(path: *const C, flags: i32) -> i32 {
    let low = real::open(path.cast(), flags);
    let fd = real::fcntl(low, F_DUPFD, NEXT.fetch_add(1, Ordering::Relaxed));
    real::close(low);
    OPENED.with(|opened| opened.borrow_mut().push(fd));
    fd
}

/// Nothing can be asked or set.
///
/// # Safety
/// There is nothing to mind.
pub unsafe fn fcntl(_: i32, _: i32, _: i32) -> i32 {
    -1
}

/// # Safety
/// Nobody else owns the descriptor.
pub unsafe fn close(fd: i32) -> i32 {
    real::close(fd)
}
