"""Repairs of TypeScript and JavaScript: a module for each kind of intent, found by walking.

Each names in `WRITES` what it writes and offers `write(source, intent)`: byte edits that keep the file's own way of
writing. Modules that start with an underscore are shared.
"""
