"""What is recognised of tasks, subscriptions, registries and cycles: each shape once, found and quiet."""

from __future__ import annotations

import pytest

from tests.languages.rust.lowering import said

STORE = """
struct Store {{
    ids: HashMap<Id, Vec<u32>>,
    running: bool,
    _subscriptions: Vec<Subscription>,
}}

impl Store {{
    fn go(&mut self, id: Id, other: &Entity<Other>, cx: &mut Context<Self>) {{
        {body}
    }}

    fn stopped(&mut self, id: &Id) {{
        if let Some(ids) = self.ids.remove(id) {{
            self.registry.remove(&ids);
        }}
    }}
}}
"""

FOUND = {
    "a task whose entry is removed": (
        STORE.format(
            body="cx.spawn(async move |this, cx| { this.update(cx, |this, _| this.ids.insert(id, vec![])) }).detach();"
        ),
        ["dangling-task 10 ids"],
    ),
    "an entry overwritten": (
        STORE.format(body="self.ids.insert(id, vec![1]);"),
        ["duplicate-registration 10 ids"],
    ),
    "a task that a flag stands for": (
        STORE.format(
            body="if self.running { return; } self.running = true;"
            " cx.spawn(async move |this, cx| { this.update(cx, |this, _| { this.running = false; }) }).detach();"
        ),
        ["dangling-task 10 running"],
    ),
    "a subscription beside a member for them": (
        STORE.format(body="cx.subscribe(other, Self::changed).detach();"),
        ["unremoved-listener 10 subscribe"],
    ),
    "the callback captures what it was taken on": (
        """
        fn f(other: &Entity<Other>, cx: &mut Context<Other>) {
            let other = other.clone();
            cx.subscribe(&other, move |_, _, cx| other.show(cx)).detach();
        }
        """,
        ["strong-self-capture 3 other"],
    ),
    "a task without an end holds its object": (
        """
        impl Store {
            fn watch(&mut self, mut rx: Receiver, cx: &mut ModelContext<Self>) {
                cx.spawn(|this, mut cx| async move {
                    while let Some(event) = rx.next().await {
                        this.update(&mut cx, |this, cx| this.apply(event, cx));
                    }
                })
                .detach();
            }
        }
        """,
        ["strong-self-capture 4 this"],
    ),
    "a closure in the object's own map": (
        """
        impl Client {
            fn on(self: &Arc<Self>, id: Id) {
                let client = self.clone();
                let mut state = self.state.write();
                state.handlers.insert(id, Box::new(move |event| client.handle(event)));
            }
        }
        """,
        ["strong-self-capture 4 client"],
    ),
    "a set that nobody drains": (
        """
        async fn serve(listener: Listener) {
            let mut tasks = JoinSet::new();
            loop {
                let socket = listener.accept().await;
                tasks.spawn(handle(socket));
            }
        }
        """,
        ["unbounded-collection 3 tasks"],
    ),
    "an arm that only failures reach": (
        """
        async fn serve(listener: Listener, mut tasks: JoinSet<()>) {
            loop {
                tokio::select! {
                    socket = listener.accept() => { tasks.spawn(handle(socket)); }
                    Some(Err(e)) = tasks.join_next(), if !tasks.is_empty() => log(e),
                }
            }
        }
        """,
        ["unbounded-collection 6 tasks.join_next()"],
    ),
    "aborted on an error and not on a cancellation": (
        """
        async fn lead(client: Client) -> Result<Leader> {
            let beat = tokio::spawn(keep_alive(client.clone()));
            if let Err(error) = client.campaign().await {
                beat.abort();
                return Err(error);
            }
            Ok(Leader { client, beat })
        }
        """,
        ["dangling-task 3 beat"],
    ),
    "entries under counted keys": (
        """
        struct Agent {
            next_id: u64,
            requests: HashMap<u64, String>,
        }

        impl Agent {
            fn ask(&mut self, text: String) {
                let id = self.next_id;
                self.next_id += 1;
                self.requests.insert(id, text);
            }
        }
        """,
        ["unbounded-collection 11 self.requests"],
    ),
    "a child without a Drop": (
        "use std::process::Child;\nstruct Server {\n    process: Child,\n}\n",
        ["incomplete-teardown 3 self.process"],
    ),
    "raw and left": (
        """
        fn f(io: Io) -> io::Result<File> {
            let fd = io.into_raw_fd();
            let flags = fcntl(fd);
            if flags == -1 {
                return Err(last());
            }
            Ok(File::from_raw_fd(fd))
        }
        """,
        ["forgotten-memory 3 fd"],
    ),
}

QUIET = {
    "a task that ends by itself": STORE.format(
        body="cx.spawn(async move |this, cx| work(id).await).detach();"
    ),
    "the entry is looked at first": STORE.format(
        body="if !self.ids.contains_key(&id) { self.seen(); self.ids.insert(id, vec![]); }"
    ).replace("self.seen(); ", "self.ids.len(); "),
    "the old entry is taken back": STORE.format(
        body="if let Some(old) = self.ids.insert(id, vec![]) { self.registry.remove(&old); }"
    ),
    "a subscription that is kept": STORE.format(
        body="self._subscriptions.push(cx.subscribe(other, Self::changed));"
    ),
    "a weak handle": """
        fn f(other: &Entity<Other>, cx: &mut Context<Other>) {
            let weak = other.downgrade();
            cx.subscribe(other, move |_, _, cx| weak.upgrade().map(|other| other.show(cx))).detach();
        }
        """,
    "the channel runs out": """
        impl Store {
            fn search(&mut self, paths: Vec<P>, cx: &mut ModelContext<Self>) {
                let (tx, mut rx) = channel();
                cx.background().spawn(async move { for path in paths { tx.send(path).await; } }).detach();
                cx.spawn(|this, mut cx| async move {
                    while let Some(path) = rx.next().await {
                        this.update(&mut cx, |this, cx| this.add(path, cx));
                    }
                })
                .detach();
            }
        }
        """,
    "a set that is drained": """
        async fn serve(listener: Listener) {
            let mut tasks = JoinSet::new();
            loop {
                tokio::select! {
                    socket = listener.accept() => { tasks.spawn(handle(socket)); }
                    Some(_) = tasks.join_next() => {}
                }
            }
        }
        """,
    "a set with a known number of tasks": """
        async fn all(jobs: Vec<Job>) {
            let mut tasks = JoinSet::new();
            for job in jobs { tasks.spawn(job.run()); }
            while let Some(_) = tasks.join_next().await {}
        }
        """,
    "a child that is killed": """
        use std::process::Child;
        struct Server { process: Child }
        impl Server { fn stop(&mut self) { self.process.kill().ok(); } }
        """,
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    source, expected = FOUND[name]
    assert said(source) == expected


@pytest.mark.parametrize("name", QUIET)
def test_quiet(name: str) -> None:
    assert said(QUIET[name]) == []
