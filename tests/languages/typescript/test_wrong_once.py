"""Repairs that were wrong once, found by reading what an audit of public repositories offered.

Each piece of code is right: nothing is said of it with a confidence that is shown.
"""

from __future__ import annotations

import pytest

from repairbot import languages
from repairbot.examine import examine
from repairbot.model import Settings

RIGHT = {
    "one of several listeners goes when the state changes": """\
import { EventEmitter } from "node:events";

class Client extends EventEmitter {
  constructor(socket) {
    super();
    this.socket = socket;
    this.onSocketData = this.onData.bind(this);
    this.onSocketError = this.onError.bind(this);
    this.socket.on("data", this.onSocketData);
    this.socket.on("error", this.onSocketError);
  }

  onData(data) {
    if (data.length > 4) this.handleResponse(data);
  }

  onError(error) {
    this.emit("error", error);
    this.destroy();
  }

  destroy() {
    if (!this.socket.destroyed) this.socket.destroy();
  }

  handleResponse(data) {
    this.socket.removeListener("data", this.onSocketData);
    this.emit("connected", data);
  }
}

module.exports = { Client };
""",
    "a member of the object is the object": """\
import { createConnection, Socket } from "node:net";

export class Sentinel {
  readonly _self: Sentinel;
  #socket: Socket;

  constructor(port: number) {
    this._self = this;
    this.#socket = createConnection(port);
  }

  destroy() {
    return this._self.#socket.destroy();
  }
}
""",
}


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_nothing_is_said_of_what_is_right(source: str) -> None:
    language = languages.walk()["typescript" if "readonly" in source else "javascript"]
    findings = examine(source.encode(), "client", language, Settings()).result.findings
    assert [(each.line, each.rule, each.variable) for each in findings if each.confidence != "low"] == []
