"""The rig: a small stateful GitHub on loopback, over a real bare repository; every request is judged.

`descriptions` fetches GitHub's own descriptions, `judge` holds requests against them, `repository` is the git
side, `state` what the rig remembers, `rest` and `graph` answer, `server` listens, `faults` spoils answers.
"""
