//! A stand-in for the few types of tokio that the examples of the rules use: tasks are run where they are spawned.

pub mod task {
    use std::future::Future;
    use std::pin::Pin;

    type Run<T> = Pin<Box<dyn Future<Output = T>>>;

    /// Keeps what was spawned until somebody asks for it.
    pub struct JoinSet<T>(Vec<Run<T>>);

    impl<T: 'static> JoinSet<T> {
        pub fn new() -> Self {
            JoinSet(Vec::new())
        }

        pub fn spawn(&mut self, task: impl Future<Output = T> + 'static) {
            self.0.push(Box::pin(task));
            super::LARGEST.with(|largest| largest.set(largest.get().max(self.0.len())));
        }

        pub fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub fn try_join_next(&mut self) -> Option<Result<T, ()>> {
            self.0.pop().map(|task| Ok(super::now(task)))
        }
    }
}

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;

thread_local! {
    static LARGEST: Cell<usize> = Cell::new(0);
}

/// The most tasks that one set has kept in this thread.
pub fn largest() -> usize {
    LARGEST.with(Cell::get)
}

struct Quiet;

impl std::task::Wake for Quiet {
    fn wake(self: std::sync::Arc<Self>) {}
}

/// What a future that is ready gives.
pub fn now<T>(mut future: Pin<Box<dyn Future<Output = T>>>) -> T {
    let waker = std::sync::Arc::new(Quiet).into();
    match future
        .as_mut()
        .poll(&mut std::task::Context::from_waker(&waker))
    {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}
