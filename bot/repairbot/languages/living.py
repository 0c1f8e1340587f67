"""What the name of a class tells of how long its objects live, in any language."""

from __future__ import annotations

import re
from typing import Final

LONG: Final = re.compile(
    r"(?:Server|Manager|Cache|Registry|Client|Engine|Tracker|Handler|Extension|Service|Monitor|Monitoring|Pool|Queue"
    r"|Dispatcher|Scheduler|Broker|Worker|Bot|App|Application|Hub|Store|Adapter|Middleware|Resolver|Collector"
    r"|Recorder|Logger|Bus|Controller|Coordinator|Supervisor|Daemon|Agent|Gateway|Limiter|Throttler|Proxy|Router"
    r"|Semaphore|Lock|Loop|System|Backend|Exporter|Watcher|Listener|Consumer|Producer|Orchestrator|Profiler|Tracer"
    r"|Breaker|Balancer|Repository|Storage|Platform|Bridge|Singleton|Memory|Sessions|State|Group|Analytics|Metrics"
    r"|Stats|Log|History|Journal|Ledger|Reactor|Protocol|Factory|Reporter)$"
)
SHORT: Final = re.compile(
    r"(?:Parser|Builder|Results?|Response|Request|Messages?|Visitor|Transformer|Formatter|Writer|Reader|Node|Token"
    r"|Tokenizer|Lexer|Compiler|Generator|Options|Config|Configuration|Settings|Spec|Schema|Report|Test|Tests|TestCase"
    r"|Context|Event|Iterator|Form|Field|Query|Row|Record|Page|Plot|Figure|Document|Command|Args|Arguments|Info|Data"
    r"|Error|Exception|Warning|Mixin|Serializer|Encoder|Decoder|Renderer|Template|Graph|Tree|Stack|Path|Matcher|Dict"
    r"|List|Set|Map|Array|Frame|Model|Converter|Loader|Dumper|Importer|Printer|Checker|Validator|Analyzer|Inspector"
    r"|Stub|Mock|Fake|Sphinx|Directive|Command|Migration|Dataset|Trainer|Layer|Module|Block|Scope|Plan|Item|Entry)$"
)
