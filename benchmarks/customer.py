"""A customer's phone before the pages of an order: takes it over, goes to the wallet, says yes there."""

from __future__ import annotations

import re
import threading
import time

import requests

PATIENCE_S = 30


class Phone:
    """One phone in a plain browser, that has scanned the code of an order."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._page = url, f"{url}/o/{token}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._yes = ("", "")
        self._saying = threading.Thread(target=self._say_yes, daemon=True)
        self._confirmed_at = 0.0

    def go_to_wallet(self) -> None:
        """Take the order over and go on to the wallet it leads to: the sandbox or a make-believe Alipay.

        Raises LookupError where a page has not the button, and requests' errors.
        """
        self._press(self._page, "/take")
        left = self._press(self._page, "/pay")
        onward = re.search(r'data-go[^>]* href="([^"]*)"', left.text)
        if onward is None:
            path, csrf = _button(left.text, "/approve")
            self._yes = (self._url + path, csrf)
            return
        wallet = self._session.get(onward.group(1), timeout=PATIENCE_S)
        path, _ = _button(wallet.text, r"/pay/[0-9A-Za-z]+")
        self._yes = (_origin(onward.group(1)) + path, "")

    def approve(self) -> None:
        """Say yes in the wallet, on a thread of its own: whoever calls goes on living."""
        self._saying.start()

    def confirmed_at(self) -> float:
        """Return when the wallet confirmed, as `time.perf_counter` counts: the sandbox when it was
        asked to, a make-believe provider when its notification left."""
        self._saying.join()
        return self._confirmed_at

    def _say_yes(self) -> None:
        address, csrf = self._yes
        sent_at = time.perf_counter()
        answer = self._session.post(
            address, data={"csrf": csrf}, timeout=PATIENCE_S, allow_redirects=False
        )
        answer.raise_for_status()
        self._confirmed_at = float(answer.headers.get("sent-at", sent_at))

    def _press(self, page: str, action: str) -> requests.Response:
        shown = self._session.get(page, timeout=PATIENCE_S)
        shown.raise_for_status()
        path, csrf = _button(shown.text, action)
        answer = self._session.post(self._url + path, data={"csrf": csrf}, timeout=PATIENCE_S)
        answer.raise_for_status()
        return answer


def _button(page: str, action: str) -> tuple[str, str]:
    """Return where the form of an action leads, and the secret it sends, "" for none."""
    found = re.search(
        rf"""action=["']([^"']*{action})["']>\s*(?:<input type="hidden" name="csrf" value="([^"]*)")?""",
        page,
    )
    if found is None:
        raise LookupError(f"no button leads to {action}")
    return found.group(1), found.group(2) or ""


def _origin(address: str) -> str:
    return "/".join(address.split("/")[:3])
