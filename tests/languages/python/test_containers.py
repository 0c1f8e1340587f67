"""Members of classes and modules: where they are made, and what each mention does to them."""

from __future__ import annotations

import textwrap

import pytest

from repairbot.languages.python.containers import collect
from repairbot.languages.python.syntax import Module
from repairbot.lifetimes.ops import Container, Event, Kind, Resource

FILE = Resource("file", "a file", ("open",), (".close",), scope="releases")
PIPE = Resource("pipe", "a pipe", ("os.pipe",), ("os.close",), slots=(0, 1))
LOCK = Resource("lock", "a lock", (".acquire_lock",), (".release",))


def containers(source: str) -> dict[str, Container]:
    module = Module(textwrap.dedent(source).encode(), "x.py")
    return {each.name: each for each in collect(module, (FILE, PIPE, LOCK))}


def events(source: str, member: str, owner: str = "Server") -> list[Event]:
    return containers(source)[owner].members[member].events


def told(source: str, member: str = "jobs", owner: str = "Server") -> list[str]:
    """What happens to the member besides its making and plain reads: `kind how`."""
    return [
        f"{event.kind} {event.how}".strip()
        for event in events(source, member, owner)
        if event.kind not in (Kind.INIT, Kind.READ)
    ]


def method(body: str, made: str = "[]") -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
    head = f"class Server:\n    def __init__(self):\n        self.jobs = {made}\n\n"
    return f"{head}    def work(self, job, key):\n{lines}\n"


@pytest.mark.parametrize(
    ("made", "detail", "argument"),
    [
        ("[]", "list", ""),
        ("[1, 2]", "list", "filled"),
        ("list()", "list", ""),
        ("{}", "dict", ""),
        ("set()", "set", ""),
        ("deque()", "deque", ""),
        ("deque(maxlen=10)", "deque", "10"),
        ("deque([], 10)", "deque", "10"),
        ("deque(maxlen=None)", "deque", ""),
        ("collections.defaultdict(list)", "defaultdict(list)", ""),
        ("OrderedDict()", "OrderedDict", ""),
        ("asyncio.Queue()", "queue", ""),
        ("asyncio.Queue(8)", "queue", "8"),
        ("defaultdict(lambda: deque(maxlen=9))", "defaultdict(lambda: deque(maxlen=9))", "9"),
        ("dict[str, int]()", "dict", ""),
        ("(\n            WeakValueDictionary()\n        )", "WeakValueDictionary", ""),
    ],
)
def test_made(made: str, detail: str, argument: str) -> None:
    first = events(method("self.jobs.append(job)\nself.jobs.put(job)", made), "jobs")[0]
    assert (first.kind, first.detail, first.argument, first.method) == (
        Kind.INIT,
        detail,
        argument,
        "__init__",
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("self.jobs.append(job)", ["grow append"]),
        ("self.jobs += [job]", ["grow +="]),
        ("self.jobs = self.jobs + [job]", ["grow =+"]),
        ("self.jobs[key] = job", ["grow setitem"]),
        ("self.jobs[key].append(job)", ["grow append"]),
        ("self.jobs.setdefault(key, []).append(job)", ["grow setdefault", "grow append"]),
        ("self.jobs.get(key).append(job)", ["grow append"]),
        ("heapq.heappush(self.jobs, job)", ["grow heappush"]),
        ("add = self.jobs.append\nadd(job)", ["grow append"]),
        ("jobs = self.jobs\njobs.append(job)", ["grow append"]),
        ("jobs = self.jobs[key] = []\njobs.append(job)", ["grow set empty"]),
        ("self.jobs.update({'a': job})", []),
        ("self.jobs.append(job)\nself.jobs.pop(key, None)", ["grow append", "shrink pop"]),
        ("self.jobs.append(job)\ndel self.jobs[key]", ["grow append", "shrink del"]),
        ("self.jobs.append(job)\ndel self.jobs[:-9]", ["grow append", "shrink slice", "bound slice"]),
        ("self.jobs.append(job)\nself.jobs = self.jobs[-9:]", ["grow append", "shrink replace", "bound slice"]),
        ("self.jobs.append(job)\nself.jobs[:] = []", ["grow append", "clear slice"]),
        ("self.jobs.append(job)\nself.jobs.clear()", ["grow append", "clear clear"]),
        ("self.jobs.append(job)\nself.jobs = None", ["grow append", "clear none"]),
        ("self.jobs.add(job)\njob.add_done_callback(self.jobs.discard)", ["grow add", "shrink discard"]),
        ("self.jobs.append(job)\njobs = self.jobs\nwhile jobs:\n    jobs.pop()", ["grow append", "shrink pop"]),
        ("self.jobs.append(job)\nif len(self.jobs) > 100:\n    raise ValueError", ["grow append", "bound len"]),
        ("self.jobs.append(job)\nif len(self.jobs) > 0:\n    raise ValueError", ["grow append"]),
        ("self.jobs[key].add(job)\nfor a in self.jobs.values():\n    a.discard(job)", ["grow add", "shrink discard"]),
        ("self.jobs[key] += 1", ["grow count"]),
        ("self.jobs[key] = job\nself.jobs[key] -= {job}", ["grow setitem", "shrink -="]),
        ("self.jobs[key] = 1\nself.jobs = {k: 1 for k in self.jobs if k}", ["grow setitem", "shrink replace"]),
    ],
)  # fmt: skip
def test_what_happens(body: str, expected: list[str]) -> None:
    assert told(method(body)) == expected


def test_a_swap_makes_it_anew() -> None:
    found = events(method("self.jobs.append(job)\njobs, self.jobs = self.jobs, []"), "jobs")
    assert [(e.kind, e.detail, e.repeats) for e in found if e.kind is Kind.INIT] == [
        (Kind.INIT, "list", False),
        (Kind.INIT, "list", True),
    ]


def test_the_key_the_depth_and_the_text_of_the_target() -> None:
    grow = next(e for e in events(method("self.jobs[key].append(job)"), "jobs") if e.kind is Kind.GROW)
    assert (grow.key, grow.depth, grow.target, grow.argument) == ("key", 1, "self.jobs[key]", "job")
    assert grow.repeats
    assert not grow.conditional


@pytest.mark.parametrize(
    ("body", "detail", "argument"),
    [
        ("return self.jobs[-100:]", "last", "100"),
        ("return self.jobs[-self.window:]", "last", "self.window"),
        ("return self.jobs[:10]", "slice", ":10"),
        ("return len(self.jobs)", "len", ""),
        ("return job if self.jobs else None", "truth", ""),
        ("return self.jobs", "escape", ""),
        ("json.dump(self.jobs, job)", "saved", ""),
        ("return sorted(self.jobs)", "all", ""),
    ],
)
def test_reads(body: str, detail: str, argument: str) -> None:
    reads = [e for e in events(method(f"self.jobs.append(job)\n{body}"), "jobs") if e.kind is Kind.READ]
    assert [(e.detail, e.argument) for e in reads] == [(detail, argument)]


def test_a_method_that_only_the_constructor_calls_runs_once() -> None:
    source = """
        class Server:
            def __init__(self):
                self.jobs = []
                self._fill()

            def _fill(self):
                self.jobs.append(1)

            def work(self):
                self.jobs.append(2)
    """
    grows = [e for e in events(source, "jobs") if e.kind is Kind.GROW]
    assert [(e.method, e.repeats) for e in grows] == [("_fill", False), ("work", True)]


def test_removed_by_a_subclass_and_from_outside() -> None:
    source = """
        class Server:
            def __init__(self):
                self.jobs = {}

            def work(self, job):
                self.jobs[job.id] = job

        class Quick(Server):
            def done(self, job):
                del self.jobs[job.id]

        def sweep(server):
            server.jobs.clear()
    """
    assert told(source) == ["grow setitem", "shrink del", "clear clear"]
    assert [e.method for e in events(source, "jobs") if e.kind is Kind.CLEAR] == ["sweep"]


def test_another_class_with_the_same_name_is_another() -> None:
    source = """
        class Server:
            def __init__(self):
                self.jobs = []

            def work(self, job):
                self.jobs.append(job)

        class Other:
            def __init__(self):
                self.jobs = []

            def drop(self):
                self.jobs.clear()
    """
    assert told(source) == ["grow append"]


def test_followed_through_a_getter() -> None:
    source = """
        class Server:
            def __init__(self):
                self.jobs = {}

            def bucket(self, key):
                return self.jobs[key]

            def work(self, key, job):
                self.bucket(key).append(job)
    """
    grow = next(e for e in events(source, "jobs") if e.kind is Kind.GROW)
    assert (grow.method, grow.depth, grow.alias) == ("work", 1, True)


def test_names_of_the_module() -> None:
    source = """
        JOBS = {}
        OTHER = {}

        def put(job):
            JOBS[job.id] = job

        def local():
            OTHER = {}
            OTHER[1] = 2
            return OTHER

        def take(job, pop=JOBS.pop):
            return pop(job.id)
    """
    assert told(source, "JOBS", "<module>") == ["grow setitem", "shrink pop"]
    found = containers(source)["<module>"].members.get("OTHER")
    assert found is None or not found.of(Kind.GROW)


def test_members_of_the_class_body_grow_with_every_instance() -> None:
    source = """
        class Server:
            all = {}

            def __init__(self, key):
                Server.all[key] = self
    """
    grow = next(e for e in events(source, "all") if e.kind is Kind.GROW)
    assert grow.repeats
    assert events(source, "all")[0].method == ""


def test_a_bound_is_told_under_the_name_that_methods_see() -> None:
    source = """
        class Server:
            def __init__(self, window: int = 10):
                self.window = window
                self.recent = deque(maxlen=window)

            def work(self, job):
                self.recent.append(job)
    """
    bounds = [e for e in events(source, "recent") if e.kind is Kind.BOUND]
    assert [e.argument for e in bounds] == ["self.window"]


def test_limits_that_nothing_applies() -> None:
    source = """
        class Server:
            def __init__(self):
                self.max_jobs = 10
                self.cache_size = 5
                self.jobs = []

            def work(self, job):
                self.jobs.append(job)
                return self.cache_size
    """
    assert containers(source)["Server"].limits == {"self.max_jobs": 4}


RESOURCES = """
    class Server:
        def __init__(self, path):
            self.log = open(path)
            self.read, self.write = os.pipe()
            self.files = []

        def close(self):
            {body}
"""


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ("self.log.close()", "log"),
        ("log, self.log = self.log, None; log.close()", "log"),
        ("with self.log: pass", "log"),
        ("getattr(self, 'log').close()", "log"),
        ("os.close(self.read)", "read"),
        ("os.close(self.write)", "write"),
    ],
)
def test_releases(body: str, member: str) -> None:
    found = events(RESOURCES.format(body=body), member)
    assert found[0].resource is not None
    assert [e.method for e in found if e.kind is Kind.RELEASE] == ["close"]


def test_a_list_of_resources_is_released_in_a_loop() -> None:
    source = """
        class Server:
            def __init__(self, path):
                self.log = None

            def reopen(self, path):
                self.log = open(path)

            def close(self):
                if self.log is not None:
                    self.log.close()
    """
    found = events(source, "log")
    assert [(e.kind, e.method, e.repeats) for e in found if e.kind in (Kind.INIT, Kind.CLEAR)] == [
        (Kind.CLEAR, "__init__", False),
        (Kind.INIT, "reopen", True),
    ]


def test_a_resource_that_is_handed_on() -> None:
    found = events(RESOURCES.format(body="registry.add(self.log)"), "log")
    assert [e.detail for e in found if e.kind is Kind.READ] == ["escape"]


@pytest.mark.parametrize(
    ("head", "lives"),
    [
        ("class JobServer:", "long"),
        ("class Worker(threading.Thread):", "long"),
        ("class JobParser:", "short"),
        ("class Result(NamedTuple):", "short"),
        ("@dataclass\nclass Numbers:", "short"),
        ("class Thing:", "unknown"),
    ],
)
def test_how_long_one_lives(head: str, lives: str) -> None:
    source = method("self.jobs.append(job)").replace("class Server:", head)
    assert next(iter(containers(source).values())).lives == lives


def test_an_instance_of_the_module_lives_long() -> None:
    source = method("self.jobs.append(job)").replace("Server", "Thing") + "\n\nTHING = Thing()\n"
    thing = containers(source)["Thing"]
    assert thing.lives == "long"
    assert thing.evidence[0].line == source.splitlines().index("THING = Thing()") + 1


def test_teardowns_strongest_first() -> None:
    source = """
        class Server:
            def __init__(self):
                self.log = open("x")

            def __exit__(self, *error):
                self.close()

            def close(self):
                pass
    """
    assert containers(source)["Server"].teardowns == ("close", "__exit__")


def test_a_cache_on_a_method() -> None:
    source = """
        class Server:
            @functools.cache
            def look(self, key):
                return key

            @staticmethod
            @functools.cache
            def free(key):
                return key
    """
    members = containers(source)["Server"].members
    assert list(members) == ["look"]
    assert members["look"].events[0].argument == "key"


@pytest.mark.parametrize(
    "source",
    ["", "x = [", "class A:\n    x = [\n", "self.x = []\n", "class A:\n  def f(self):\n    self.x = "],
)
def test_broken_sources_do_no_harm(source: str) -> None:
    containers(source)
