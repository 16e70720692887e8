"""Firefox, driven by its own protocol (Marionette): the Firefox of Playwright is a build of its own."""

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from waiting import wait_until

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
PREFERENCES = {
    "marionette.port": 0,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "browser.startup.page": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Firefox:
    """A session with one window."""

    def __init__(self, port: int) -> None:
        """Connect, and begin a session."""
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # it says who it is
        self.do("NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})

    def close(self) -> None:
        """Let go of it."""
        self._stream.close()
        self._socket.close()

    def do(self, command: str, *, of: str = "WebDriver", **options: Any) -> Any:
        """Have a command done."""
        self._number += 1
        text = json.dumps([0, self._number, f"{of}:{command}", options]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            one = self._stream.read(1)
            assert one, "Firefox ended"
            size += one
        return json.loads(self._stream.read(int(size[:-1])))

    def open(self, address: str) -> None:
        """Go to a page, and wait until it is there."""
        self.do("Navigate", url=address)

    def run(self, script: str, *arguments: Any) -> Any:
        """Give what a script returns."""
        return self.do("ExecuteScript", script=script, args=list(arguments))["value"]

    def click(self, css: str) -> None:
        """Click on what a selector names, as a mouse does."""
        (element,) = self.do("FindElement", using="css selector", value=css)["value"].values()
        self.do("ElementClick", id=element)

    def press(self, css: str, keys: str) -> None:
        """Press keys on what a selector names."""
        (element,) = self.do("FindElement", using="css selector", value=css)["value"].values()
        self.do("ElementSendKeys", id=element, text=keys)

    def text(self, css: str) -> str:
        """Give the text of what a selector names."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", css))

    def wait(self, script: str) -> None:
        """Wait until a script returns true."""
        wait_until(lambda: self.run(script))

    def complaints(self, address: str) -> list[str]:
        """Give what the browser complained of on pages of an address."""
        self.do("SetContext", of="Marionette", value="chrome")
        told = self.run(
            "return Services.console.getMessageArray().filter(one => one instanceof Ci.nsIScriptError)"
            ".filter(one => one.sourceName.startsWith(arguments[0])).map(one => one.errorMessage)",
            address,
        )
        self.do("SetContext", of="Marionette", value="content")
        return list(told)


@contextlib.contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Start Firefox without a window; it ends with the block."""
    assert FIREFOX is not None
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    options = ["--headless", "--marionette", "-remote-allow-system-access", "--no-remote", "--profile", str(profile)]
    process = subprocess.Popen([FIREFOX, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    port = profile / "MarionetteActivePort"
    try:
        wait_until(lambda: port.is_file() and port.read_text().strip())
        with contextlib.closing(Firefox(int(port.read_text()))) as page:
            yield page
    finally:
        process.terminate()
        process.wait()
