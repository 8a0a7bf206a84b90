"""The customer in the demo's story: a phone that opens the QR's address, takes the order, and pays.

Speaks plain HTTP and HTML forms, as a phone without JavaScript does.
"""

from __future__ import annotations

import html.parser
from urllib.parse import urljoin

import requests

_TIMEOUT_S = 10


class Phone:
    """A phone's browser with its own cookies. `text` and `url` are of the page it shows."""

    def __init__(self, language: str = "zh-CN") -> None:
        self._session = requests.Session()
        self._session.headers["Accept-Language"] = language
        self._session.headers["User-Agent"] = "Mozilla/5.0 (Linux; Android 14) Mobile"
        self.url = ""
        self.text = ""
        self.status = 0

    def open(self, url: str) -> None:
        """Open an address."""
        self._show(self._session.get(url, timeout=_TIMEOUT_S))

    def press(self, action: str) -> None:
        """Send the form whose address ends in `action`. Raises LookupError if there is none."""
        for address, fields in _forms(self.text):
            if address.endswith(action):
                target = urljoin(self.url, address)
                self._show(self._session.post(target, data=fields, timeout=_TIMEOUT_S))
                return
        raise LookupError(f"no form {action!r} on {self.url} ({self.status})")

    def close(self) -> None:
        """Put the phone away."""
        self._session.close()

    def _show(self, answer: requests.Response) -> None:
        self.url, self.text, self.status = answer.url, answer.text, answer.status_code


class _FormReader(html.parser.HTMLParser):
    """Collects (address, fields) of every form."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of forms and their fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and self.forms and given.get("name"):
            self.forms[-1][1][given["name"]] = given.get("value", "")


def _forms(page: str) -> list[tuple[str, dict[str, str]]]:
    reader = _FormReader()
    reader.feed(page)
    return reader.forms
