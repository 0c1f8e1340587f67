//! A stand-in for the few types of gpui that the examples of the rules use. It runs nothing by itself: it counts the
//! tasks that are alive and the subscriptions that are held, in each thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};

thread_local! {
    static NEXT: Cell<usize> = Cell::new(0);
    static TASKS: RefCell<HashMap<usize, Pin<Box<dyn Future<Output = ()>>>>> = RefCell::new(HashMap::new());
    static SUBSCRIPTIONS: RefCell<HashMap<usize, Box<dyn std::any::Any>>> = RefCell::new(HashMap::new());
}

fn next() -> usize {
    NEXT.with(|next| next.replace(next.get() + 1))
}

/// How many tasks are alive in this thread.
pub fn tasks() -> usize {
    TASKS.with(|tasks| tasks.borrow().len())
}

/// How many subscriptions are held in this thread.
pub fn subscriptions() -> usize {
    SUBSCRIPTIONS.with(|held| held.borrow().len())
}

/// Poll every task once.
pub fn tick() {
    let all: Vec<_> = TASKS.with(|tasks| tasks.borrow_mut().drain().collect());
    for (id, mut task) in all {
        let waker = waker();
        let mut context = std::task::Context::from_waker(&waker);
        if task.as_mut().poll(&mut context).is_pending() {
            TASKS.with(|tasks| tasks.borrow_mut().insert(id, task));
        }
    }
}

struct Quiet;

impl std::task::Wake for Quiet {
    fn wake(self: std::sync::Arc<Self>) {}
}

fn waker() -> std::task::Waker {
    std::sync::Arc::new(Quiet).into()
}

pub struct Entity<T>(Rc<RefCell<T>>);
pub struct WeakEntity<T>(Weak<RefCell<T>>);

impl<T> Clone for Entity<T> {
    fn clone(&self) -> Self {
        Entity(self.0.clone())
    }
}

impl<T> Clone for WeakEntity<T> {
    fn clone(&self) -> Self {
        WeakEntity(self.0.clone())
    }
}

impl<T: 'static> Entity<T> {
    pub fn downgrade(&self) -> WeakEntity<T> {
        WeakEntity(Rc::downgrade(&self.0))
    }

    pub fn update<C, R>(&self, _: &mut C, change: impl FnOnce(&mut T, &mut Context<T>) -> R) -> R {
        change(
            &mut self.0.borrow_mut(),
            &mut Context(Some(self.downgrade())),
        )
    }
}

impl<T: 'static> WeakEntity<T> {
    pub fn upgrade(&self) -> Option<Entity<T>> {
        self.0.upgrade().map(Entity)
    }

    pub fn update<C, R>(
        &self,
        cx: &mut C,
        change: impl FnOnce(&mut T, &mut Context<T>) -> R,
    ) -> Option<R> {
        self.upgrade().map(|entity| entity.update(cx, change))
    }
}

pub struct Context<T>(Option<WeakEntity<T>>);
pub struct AsyncApp;
pub trait EventEmitter<E> {}

impl Context<()> {
    /// What a program starts with.
    pub fn root() -> Self {
        Context(None)
    }
}

impl<T: 'static> Context<T> {
    pub fn new<N: 'static>(&mut self, make: impl FnOnce(&mut Context<N>) -> N) -> Entity<N> {
        let mut made = None;
        let entity = Rc::new_cyclic(|weak| {
            let mut context = Context(Some(WeakEntity(weak.clone())));
            made = Some(());
            RefCell::new(make(&mut context))
        });
        made.unwrap();
        Entity(entity)
    }

    pub fn entity(&self) -> Entity<T> {
        self.weak_entity().upgrade().unwrap()
    }

    pub fn weak_entity(&self) -> WeakEntity<T> {
        self.0.clone().unwrap()
    }

    pub fn notify(&mut self) {}

    pub fn subscribe<N: EventEmitter<E> + 'static, E: 'static>(
        &mut self,
        _: &Entity<N>,
        handler: impl FnMut(&mut T, Entity<N>, &E, &mut Context<T>) + 'static,
    ) -> Subscription {
        let id = next();
        SUBSCRIPTIONS.with(|held| held.borrow_mut().insert(id, Box::new(handler)));
        Subscription(id)
    }

    pub fn spawn<R: 'static, F: Future<Output = R> + 'static>(
        &mut self,
        run: impl FnOnce(WeakEntity<T>, AsyncApp) -> F,
    ) -> Task<R> {
        let id = next();
        let future = run(self.weak_entity(), AsyncApp);
        TASKS.with(|tasks| {
            tasks
                .borrow_mut()
                .insert(id, Box::pin(async move { drop(future.await) }))
        });
        Task(id, std::marker::PhantomData)
    }
}

/// Ends when it is dropped, unless it was detached.
#[must_use]
pub struct Task<R>(usize, std::marker::PhantomData<R>);

impl<R> Task<R> {
    pub fn detach(self) {
        std::mem::forget(self);
    }
}

impl<R> Drop for Task<R> {
    fn drop(&mut self) {
        let gone = TASKS.with(|tasks| {
            tasks
                .try_borrow_mut()
                .map(|mut tasks| tasks.remove(&self.0))
        });
        drop(gone);
    }
}

/// Ends when it is dropped, unless it was detached.
#[must_use]
pub struct Subscription(usize);

impl Subscription {
    pub fn detach(self) {
        std::mem::forget(self);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let gone = SUBSCRIPTIONS.with(|held| held.borrow_mut().remove(&self.0));
        drop(gone);
    }
}
