"""Waymark: watches a fleet of agents and says which of them are unwell."""
