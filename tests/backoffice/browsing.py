"""Pages asked of a server over HTTP as a browser asks: with cookies, and forms as they came."""

from typing import Any

import requests

from tests.backoffice.pages import hidden

SIGN_IN = "/admin/login/"
PATIENCE_SECONDS = 60


class Browser:
    """Somebody's browser, which may ask several things at once. It follows no redirect."""

    def __init__(self, port: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Connection"] = "close"  # one that idles may end as it is used again

    def get(self, address: str, headers: dict[str, str] | None = None) -> requests.Response:
        return self._ask("get", address, headers=headers)

    def post(self, address: str, fields: dict[str, str]) -> requests.Response:
        return self._ask("post", address, data=fields)

    def form(self, address: str, *names: str) -> dict[str, str]:
        """Open a form; gives its token and other hidden fields, by name."""
        page = self.get(address)
        return {name: hidden(page, name) for name in ("csrfmiddlewaretoken", *names)}

    def sign_in(self, username: str, password: str) -> requests.Response:
        entered = {"username": username, "password": password}
        return self.post(SIGN_IN, self.form(SIGN_IN) | entered)

    def _ask(self, method: str, address: str, **more: Any) -> requests.Response:
        url = self._base + address
        return self._session.request(
            method, url, allow_redirects=False, timeout=PATIENCE_SECONDS, **more
        )
