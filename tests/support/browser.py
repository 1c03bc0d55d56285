"""A real Chromium for tests, told what to do by chromedriver (W3C WebDriver), and a small server for its page."""

import base64
import json
import shutil
import subprocess
from collections.abc import Mapping
from email.utils import formatdate
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import time
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.support.world import PATIENCE, answers, free_port, wait_for

PHONE = (360, 640)
"""CSS pixels of a small phone's screen."""
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    # Nothing outside this machine can be reached; titik.test is another name for it, and no secure one.
    "--host-resolver-rules=MAP titik.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class Browser:
    """A headless Chromium with a profile of its own, ended with its ``with`` block; skips where there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._driver: subprocess.Popen[bytes] | None = None
        self._open = build_opener(ProxyHandler({})).open  # loopback needs no proxy
        self._at = ""

    def __enter__(self) -> Self:
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if not chromium or not driver:
            pytest.skip("chromium or chromedriver is not installed. Next: tools/setup test")
        port = free_port()
        with (self._folder / "chromedriver.log").open("ab") as log:
            self._driver = subprocess.Popen([driver, f"--port={port}"], stdout=log, stderr=log)
        try:
            wait_for(lambda: answers(port), what="chromedriver listens")
            self._at = f"http://127.0.0.1:{port}"
            options = {"binary": chromium, "args": [*_FLAGS, f"--user-data-dir={self._folder / 'profile'}"]}
            wanted = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
                "timeouts": {"script": int(PATIENCE * 1000), "pageLoad": int(PATIENCE * 1000)},
            }
            session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._at += f"/session/{session['sessionId']}"
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._ask("DELETE", "")
        finally:
            self._end()

    def _end(self) -> None:
        if self._driver is not None:
            self._driver.kill()
            self._driver.wait()

    def _ask(self, method: str, path: str, told: Mapping[str, Any] | None = None) -> Any:
        body = None if method in {"GET", "DELETE"} else json.dumps(told or {}).encode()
        request = Request(self._at + path, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - loopback
        try:
            with self._open(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise AssertionError(f"{method} {path}: {json.load(error)['value']['message']}") from None

    def open(self, url: str) -> None:
        """Load *url*; when it returns, the page has loaded and its script has run once."""
        self._ask("POST", "/url", {"url": url})

    def reload(self) -> None:
        """Load the same page again."""
        self._ask("POST", "/refresh")

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what *script*, the body of a function, returns in the page; a promise is waited for."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Return the answer to a command of the DevTools protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screen(self, size: tuple[int, int] = PHONE, *, ratio: int = 2, dark: bool = False) -> None:
        """Make the screen that of a phone: CSS pixels, device pixels for each of them, and the shade."""
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": ratio, "mobile": True}
        self.devtools("Emulation.setDeviceMetricsOverride", **metrics)
        shade = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[shade])

    def picture(self, file: Path) -> Path:
        """Write what is on the screen as a PNG to *file*, and return it."""
        file.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))
        return file

    def text(self, selector: str) -> str:
        """Return the words of one element as they are seen, an empty text if it is hidden or not there."""
        words = (
            "const e = document.querySelector(arguments[0]); return e && e.getClientRects().length ? e.innerText : ''"
        )
        return str(self.run(words, selector)).strip()

    def click(self, selector: str) -> None:
        """Press one element, which need not be in view."""
        self.run("document.querySelector(arguments[0]).click()", selector)

    def requested(self) -> list[str]:
        """Return the addresses that pages asked for since this was last called."""
        entries = self._ask("POST", "/se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [str(one["request"]["url"]) for one in sent]

    def complaints(self) -> list[str]:
        """Return what the browser's console said since this was last called."""
        return [str(entry["message"]) for entry in self._ask("POST", "/se/log", {"type": "browser"})]


class Site:
    """A folder served on loopback at an origin that nothing was ever kept for; ended with its ``with`` block."""

    def __init__(self, folder: Path) -> None:
        self.clock = 0.0
        """Seconds that this server's clock is ahead."""
        self.asked: list[tuple[str, str]] = []
        """Method and path of what was asked for."""
        self._folder = folder
        self._server: ThreadingHTTPServer | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://localhost:{self.port}/"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Handler, site=self))
        self._server.daemon_threads = False  # then closing waits for them, a second at most
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="site")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the network; twice does no harm."""
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def file(self, name: str) -> Path:
        """Return where the file *name* of this site lies."""
        return self._folder / name


class _Handler(SimpleHTTPRequestHandler):
    timeout = 0.5  # a browser also opens connections that it then says nothing on

    def __init__(self, *arguments: Any, site: Site) -> None:
        self._site = site
        super().__init__(*arguments, directory=str(site.file(".")))

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(time() + self._site.clock if timestamp is None else timestamp, usegmt=True)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size
        self._site.asked.append((self.command, self.path))

    def log_message(self, *arguments: Any) -> None:
        """Say nothing: a test's output is for what failed."""
