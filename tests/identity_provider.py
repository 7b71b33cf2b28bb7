"""A real OpenID Connect provider on loopback, in a process of its own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from django.test import Client

from tests.servers import Process, free_port

CLIENT_ID, CLIENT_SECRET = "cortexweb", "its secret"


@dataclass(frozen=True)
class IdentityProvider:
    """The provider, and what it says of whom."""

    url: str

    def person(self, sub: str, **claims: Any) -> None:
        """Have somebody with these claims, instead of those from before."""
        httpx.put(f"{self.url}/users/{sub}", json=claims).raise_for_status()

    def environment(self, **more: str) -> dict[str, str]:
        """The environment in which the product uses this provider."""
        return {
            "OIDC_ISSUER": self.url,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "OIDC_NAME": "Acme",
            **more,
        }

    def answer(self, address: str, **form: str) -> str:
        """Answer its page at an address as a person does, and return where that leads."""
        answer = httpx.post(address, data=form)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def sign_in(self, client: Client, sub: str, after: str = "/help/") -> Any:
        """Sign somebody in, from the button on; return the site's last answer."""
        begun = client.get("/login/oidc/", {"next": after})
        assert begun.status_code == 302, begun.content
        return client.get(self.answer(begun["Location"], sub=sub))


def use_provider(settings: Any, provider: IdentityProvider) -> None:
    """Set this process up for a provider."""
    settings.OIDC_ISSUER, settings.OIDC_NAME = provider.url, "Acme"
    app = {
        "provider_id": "oidc",
        "name": "Acme",
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "settings": {"server_url": provider.url},
    }
    providers = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"] | {"APPS": [app]}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": providers}


@contextmanager
def identity_provider(folder: Path) -> Iterator[IdentityProvider]:
    """Run the provider."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = Process("provider", command, folder / "provider.log", dict(os.environ), cwd=folder)
    provider = IdentityProvider(f"http://127.0.0.1:{port}")

    def is_ready() -> bool:
        try:
            return httpx.get(f"{provider.url}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False

    try:
        process.wait_until(is_ready)
        yield provider
    finally:
        process.kill()
