"""What axe finds on a page, in both themes, and texts that are too small for a phone."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

#: Rules that axe leaves off: targets of 24 px, and names that hold what is written.
STRICT: dict[str, Any] = {
    "rules": {"target-size": {"enabled": True}, "label-content-name-mismatch": {"enabled": True}}
}
#: Rules that look at colours.
COLOURS: dict[str, Any] = {"runOnly": ["color-contrast", "link-in-text-block"]}

#: The rows in the middle of a long grid, which are like those around them.
ALIKE = "#rows > tr:nth-child(n + 13):nth-last-child(n + 6)"

#: How wide a phone is.
PHONE = 390

#: Waits until scripts that follow the width have run, and what they changed is laid out.
LAID_OUT = """() => new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve)));
})"""

#: Finds what is written smaller than 12 px, but for the labels of a diagram, which people enlarge
#: with it.
SMALL = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set();
    while (walker.nextNode()) {
        const { parentElement: element, data } = walker.currentNode;
        if (!data.trim() || !element.checkVisibility() || element.closest("svg.diagram")) continue;
        const size = parseFloat(getComputedStyle(element).fontSize);
        if (size < 12) found.add(`${element.tagName} ${element.className}: ${size} px`);
    }
    return [...found];
}"""


#: Nothing is loading, styles neither, and no transition is between two colours.
_IS_AT_REST = """() => document.readyState === "complete" &&
  (document.getElementById("loading")?.hidden ?? true) &&
  document.getAnimations().every(
    ({ playState, effect }) =>
      playState !== "running" || effect.getComputedTiming().endTime === Infinity)"""


def violations(
    page: Page,
    options: dict[str, Any] | None = None,
    within: str | None = None,
    *,
    dark: bool = True,
) -> list[str]:
    """Return what axe finds in both themes, on the page or `within` parts of it that have come.
    Only colours differ in the dark one, so only they are looked at again; at a second width they
    are the same, so it may do without."""
    if page.evaluate("window.axe === undefined"):
        page.evaluate(AXE_SCRIPT)
    found = []
    for scheme, rules in (("dark", COLOURS), ("light", options or {}))[not dark :]:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(_IS_AT_REST)
        response = page.evaluate(
            "([where, rules]) => axe.run(where, rules)",
            [
                {"include": [[within or "html"]], "exclude": [[ALIKE]]},
                {"resultTypes": ["violations"], "preload": False, **rules},
            ],
        )
        applied = [response[kind] for kind in ("passes", "violations", "incomplete")]
        assert any(applied), "no rule applied"
        found += [
            f"{scheme}, {violation['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
            for violation in response["violations"]
            for node in violation["nodes"]
        ]
    return found


def axe_finds_nothing(page: Page, within: str | None = None, *, dark: bool = True) -> None:
    found = violations(page, within=within, dark=dark)
    assert not found, "\n".join(found)
