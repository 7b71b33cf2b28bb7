"""Signing in with a browser: through the provider, with a code of an app, with a passkey."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect
from redis import Redis

from tests.accessibility import PHONE, STRICT, violations
from tests.identity_provider import IdentityProvider, identity_provider
from tests.servers import free_port, web_server

RIGHT = "correct horse 7"
#: What a laptop with a fingerprint reader does.
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with identity_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def site(
    provider: IdentityProvider,
    product_environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A site with everything about signing in switched on. A passkey needs a name, not a number."""
    more = provider.environment(
        SECOND_FACTOR="optional",
        EMAIL_URL="smtp://127.0.0.1:9",
        OIDC_GROUPS="cortex-operators=Operators",
    )
    port = free_port()
    log: Path = tmp_path_factory.mktemp("site") / "web.log"
    server = web_server(log, product_environment | more, port)
    yield f"http://localhost:{port}"
    server.stop()


@pytest.fixture
def profile(
    browser: Browser, site: str, transactional_db: None, redis: Redis
) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def tab(profile: BrowserContext) -> Iterator[Page]:
    """A tab. An uncaught error fails, and so does a script that the policy of the page stops."""
    page = profile.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "script-src" in said.text else None)
    yield page
    assert not errors, errors


@pytest.fixture
def looks_right(tab: Page) -> Callable[[], None]:
    """Check a page in both themes, and on a phone."""

    def looking() -> None:
        assert not violations(tab, STRICT)
        size = tab.viewport_size
        assert size is not None
        tab.set_viewport_size({"width": PHONE, "height": 844})
        assert not tab.evaluate(TOO_WIDE)
        tab.set_viewport_size(size)

    return looking


def enter(tab: Page, name: str = "ada") -> None:
    tab.goto("/login/?next=/account/")
    tab.get_by_label("Username").fill(name)
    tab.get_by_label("Password").fill(RIGHT)
    tab.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(tab: Page) -> None:
    tab.goto("/account/")
    tab.get_by_role("button", name="Sign out", exact=True).first.click()
    tab.wait_for_url("**/login/")


def test_a_passkey_signs_in_alone_or_after_the_password(
    tab: Page, looks_right: Callable[[], None]
) -> None:
    User.objects.create_user("ada", password=RIGHT)
    session = tab.context.new_cdp_session(tab)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    enter(tab)
    tab.get_by_role("link", name="Add a passkey").click()
    looks_right()
    tab.get_by_label("Name").fill("Laptop <b>")
    tab.get_by_role("button", name="Add a passkey").click()
    expect(tab.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    expect(tab.locator(".recovery-codes li")).to_have_count(10)
    looks_right()
    tab.get_by_role("link", name="Back to your account").click()
    expect(tab.locator(".security")).to_contain_text("Laptop <b>")
    looks_right()
    sign_out(tab)
    looks_right()
    tab.get_by_role("button", name="Sign in with a passkey").click()
    tab.wait_for_url(lambda url: "/login/" not in url)
    sign_out(tab)
    enter(tab)
    expect(tab.get_by_role("heading", name="One more step")).to_be_visible()
    looks_right()
    tab.get_by_role("button", name="Use a passkey").click()
    tab.wait_for_url("**/account/")
    expect(tab.locator("[aria-labelledby=lately]")).to_contain_text("password and passkey")
    tab.get_by_role("link", name="Rename Laptop <b>").click()
    tab.get_by_label("Name").fill("Old laptop")
    tab.get_by_role("button", name="Rename").click()
    tab.get_by_role("link", name="Remove Old laptop").click()
    looks_right()
    tab.get_by_role("button", name="Remove the passkey").click()
    expect(tab.locator(".security")).not_to_contain_text("laptop")
    assert not Authenticator.objects.exists()


def test_a_passkey_that_is_not_there_is_said(tab: Page) -> None:
    session = tab.context.new_cdp_session(tab)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    tab.goto("/login/")
    tab.get_by_role("button", name="Sign in with a passkey").click()
    expect(tab.get_by_role("alert")).to_contain_text("No passkey was used")


def test_an_app_is_added_and_its_code_asked_for(tab: Page, looks_right: Callable[[], None]) -> None:
    User.objects.create_user("ada", password=RIGHT)
    enter(tab)
    tab.get_by_role("link", name="Add an app").click()
    assert tab.locator(".code-to-scan").evaluate("image => image.naturalWidth > 0")
    looks_right()
    secret = tab.locator(".secret-key").inner_text()
    field = tab.get_by_label("Code that the app shows")
    field.fill("000000")
    field.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("Incorrect code")
    assert tab.locator(".secret-key").inner_text() == secret  # nothing is lost
    period = int(time.time() // 30)
    field.fill(format_hotp_value(hotp_value(secret, period)))
    field.press("Enter")
    expect(tab.locator(".recovery-codes li")).to_have_count(10)
    sign_out(tab)
    enter(tab)
    tab.get_by_label("Code of your app").fill(format_hotp_value(hotp_value(secret, period + 1)))
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.wait_for_url("**/account/")


def test_a_company_signs_in_through_its_provider(
    tab: Page, provider: IdentityProvider, looks_right: Callable[[], None]
) -> None:
    claims = {"preferred_username": "grace", "name": "Grace Hopper", "groups": ["cortex-operators"]}
    provider.person("grace", **claims)
    tab.goto("/login/?next=/account/")
    tab.get_by_role("link", name="Sign in with Acme").click()
    tab.wait_for_url(f"{provider.url}/**")
    tab.locator("input[name=sub]").fill("grace")
    tab.locator("input[name=sub]").press("Enter")
    tab.wait_for_url("**/account/")
    expect(tab.locator(".person-card")).to_contain_text("Grace Hopper")
    expect(tab.locator(".person-card")).to_contain_text("Operators")
    looks_right()


def test_signing_the_others_out_asks_first(tab: Page, site: str, browser: Browser) -> None:
    User.objects.create_user("ada", password=RIGHT)
    enter(tab)
    other = browser.new_context(base_url=site)
    elsewhere = other.new_page()
    enter(elsewhere)
    expect(elsewhere.locator("[data-live]")).to_contain_text("Live")
    tab.reload()
    tab.get_by_role("button", name="Sign the others out…").click()
    tab.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(tab.locator("#notices")).to_contain_text("Signed out elsewhere: 1")
    expect(elsewhere.locator("[data-live]")).to_contain_text("Signed out")
    other.close()


def test_a_forgotten_password(tab: Page, looks_right: Callable[[], None]) -> None:
    tab.goto("/login/")
    tab.get_by_role("link", name="Forgotten your password?").click()
    looks_right()
    tab.get_by_label("Mail address").fill("ada@acme.example")
    tab.get_by_role("button", name="Send the link").click()
    expect(tab.get_by_role("status")).to_contain_text("a mail with a link is on its way")
    looks_right()
