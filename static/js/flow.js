// The page of one flow: how many executions are where, kept fresh; its blocks by keyboard.

import { applyZoom } from "./diagram.js";
import "./charts.js";
import "./diagram-navigation.js";
import { patchElement } from "./dom-patch.js";
import { parseParts, refreshOnChange } from "./page-parts.js";

const SETTLE = 1100; // milliseconds after a change: the server's counts are good for a second
const page = () => document.getElementById("flow");

if (page()?.dataset.liveUrl) {
  refreshOnChange(
    page,
    (html) => {
      for (const part of parseParts(html)) patchElement(document.getElementById(part.id), part);
      applyZoom(page().querySelector("[data-canvas]"));
    },
    { pause: SETTLE, settle: SETTLE },
  );
}
