"""The language-neutral model of lifetimes: operations, control flow, containers, summaries, intents."""
