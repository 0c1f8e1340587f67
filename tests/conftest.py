"""Settings of all tests: properties have no deadline of their own, since machines differ; pytest-timeout has one."""

from hypothesis import settings

settings.register_profile("repairbot", deadline=None)
settings.load_profile("repairbot")
