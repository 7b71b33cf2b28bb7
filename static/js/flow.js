// The page of one flow: how many executions are where, kept fresh; its blocks by keyboard.

import { applyZoom } from "./diagram.js";
import "./diagram-walk.js";
import { morph } from "./morph.js";
import { elementsOf, keepFresh } from "./parts.js";

const SETTLE = 1100; // milliseconds after a change: the server's counts are good for a second
const page = () => document.getElementById("flow");

if (page()?.dataset.liveUrl) {
  keepFresh(
    page,
    (html) => {
      for (const part of elementsOf(html)) morph(document.getElementById(part.id), part);
      applyZoom(page().querySelector("[data-canvas]"));
    },
    { pause: SETTLE, settle: SETTLE },
  );
}
