"""What each language's libraries acquire and release, as data: one TOML file a language."""
