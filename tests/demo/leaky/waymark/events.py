"""A small bus: whoever wants to know says so."""

from collections.abc import Callable

Handler = Callable[[str], None]


class EventBus:
    """One for the whole server."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}

    def add_listener(self, event: str, handler: Handler) -> None:
        """Call `handler` for every such event from now on."""
        self._handlers.setdefault(event, []).append(handler)

    def remove_listener(self, event: str, handler: Handler) -> None:
        """Call it no longer."""
        handlers = self._handlers.get(event, [])
        if handler in handlers:
            handlers.remove(handler)

    def emit(self, event: str, agent: str) -> None:
        """Tell all who asked."""
        for handler in list(self._handlers.get(event, ())):
            handler(agent)


class Dashboard:
    """One for each browser tab that is open."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self.lines: list[str] = []
        self.bus.add_listener("unwell", self.on_unwell)
        self.bus.add_listener("recovered", self.on_recovered)

    def on_unwell(self, agent: str) -> None:
        """Show it."""
        self.lines = [*self.lines[-9:], f"{agent} is unwell"]

    def on_recovered(self, agent: str) -> None:
        """Show that too."""
        self.lines = [*self.lines[-9:], f"{agent} is well again"]

    def close(self) -> None:
        """The tab was closed."""
        self.bus.remove_listener("unwell", self.on_unwell)
