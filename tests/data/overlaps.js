// What is wrong with how a page is laid out, in words: texts and controls that lie over each other,
// texts that are cut off and said in full nowhere, and boxes that are wider than the window.
() => {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} px wide`);

  const isAside = (element) => {
    // On top of the rest by intent, or for screen readers only.
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.position === "fixed" || style.opacity === "0" || style.visibility !== "visible") return true;
      if (style.clipPath !== "none" || one.matches("svg, .map-box, .zoom, .to-flow, .skip, .resize-handle, option, dialog, [popover], noscript")) return true;
    }
    return false;
  };
  /** The part of a box that its surroundings let be seen, and the element that cuts it off. */
  const seen = (box, element) => {
    let { left, right, top, bottom } = box;
    let cutBy = null;
    for (let one = element; one && one !== root; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const edge = one.getBoundingClientRect();
      const inner = { left: edge.left + one.clientLeft, top: edge.top + one.clientTop };
      inner.right = inner.left + one.clientWidth;
      inner.bottom = inner.top + one.clientHeight;
      if (style.overflowX === "hidden" && (right > inner.right + 1 || left < inner.left - 1)) cutBy ??= one;
      left = Math.max(left, inner.left);
      right = Math.min(right, inner.right);
      top = Math.max(top, inner.top);
      bottom = Math.min(bottom, inner.bottom);
      if (style.position === "sticky") break;
    }
    return { left, right, top, bottom, cutBy };
  };
  const told = (text) => text.replace(/\s+/g, " ").trim();
  const isSaid = (element, text) => {
    for (let one = element; one; one = one.parentElement) {
      if (told(one.getAttribute("title") ?? "").includes(text)) return true;
    }
    return false;
  };

  /** Whether a mark that has no room is said in the title of what it belongs to. */
  const isMarkSaid = (element) => {
    element.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    return element.matches("span") && isSaid(element, told(element.textContent));
  };

  const things = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const text = told(node.data);
    const element = node.parentElement;
    if (!text || !element.checkVisibility() || isAside(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    let cut = null;
    for (const box of range.getClientRects()) {
      const part = seen(box, element);
      cut ??= part.cutBy;
      const inset = (part.bottom - part.top) / 4;
      if (part.right - part.left > 2 && inset > 1) things.push({ ...part, top: part.top + inset, bottom: part.bottom - inset, element, text });
      const pane = element.closest(".pane");
      const end = Math.min(box.right, part.cutBy?.getBoundingClientRect().right ?? Infinity);
      if (pane && end > pane.getBoundingClientRect().left + pane.clientWidth + 1 && !element.closest("table, pre, .collapsible-json, .gantt")) found.push(`“${text.slice(0, 40)}” (${element.tagName} ${element.className}) leaves its pane`);
      if (!part.cutBy && part.right > root.clientWidth + 1 && part.bottom > part.top && part.top < innerHeight && !element.closest(".pane, .tabs, .canvas, .scroller, .wide, .chips, .actions, pre")) found.push(`“${text.slice(0, 40)}” (${element.className || element.tagName}) leaves the window`);
    }
    if (cut) {
      element.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
      if (!isSaid(element, text)) found.push(`“${text.slice(0, 40)}” (${element.tagName} ${element.className}) is cut by ${cut.tagName} ${cut.className} and said nowhere, but ${element.closest("[title]")?.title.slice(0, 60)}`);
    }
  }
  for (const element of document.querySelectorAll("button, input:not([type=hidden]), select, textarea, .tag, .status-pill, .btn")) {
    if (isAside(element) || !element.checkVisibility()) continue;
    const part = seen(element.getBoundingClientRect(), element.parentElement);
    if (part.right - part.left > 2 && part.bottom - part.top > 2) things.push({ ...part, element, text: element.ariaLabel || told(element.textContent) || element.name });
    if (part.cutBy && !element.closest(".tabs, .chips, .actions") && !isMarkSaid(element)) found.push(`control “${(element.ariaLabel || told(element.textContent) || element.name || "").slice(0, 30)}” is cut by ${part.cutBy.tagName} ${part.cutBy.className}`);
  }
  things.sort((a, b) => a.top - b.top);
  for (const [index, one] of things.entries()) {
    for (let other = index + 1; other < things.length && things[other].top < one.bottom - 1; other += 1) {
      const two = things[other];
      if (one.element.contains(two.element) || two.element.contains(one.element)) continue;
      const across = Math.min(one.right, two.right) - Math.max(one.left, two.left);
      if (across > 1.5 && Math.min(one.bottom, two.bottom) - two.top > 1.5 && !isStuck(one, two)) {
        found.push(`“${one.text.slice(0, 40)}” (${one.element.tagName} ${one.element.className}) lies over “${two.text.slice(0, 40)}” (${two.element.tagName} ${two.element.className})`);
      }
    }
  }
  /** Heads that stay while what is below them scrolls, and labels in fields, lie over something. */
  function isStuck(one, two) {
    return [one, two].some(({ element }) => {
      for (let at = element; at; at = at.parentElement) {
        if (["sticky", "absolute"].includes(getComputedStyle(at).position)) return true;
      }
      return false;
    });
  }
  return [...new Set(found)];
}
