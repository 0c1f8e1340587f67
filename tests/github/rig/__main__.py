"""Fetch what the rig needs by npm, once, so that no test waits for it: `python -m tests.github.rig`."""

from tests import npm
from tests.github.rig.descriptions import PACKAGES, description
from tests.github.rig.prism import installed

for name in PACKAGES:
    print(description(name))
print(installed())
print(npm.package(npm.EMULATE))
