// Lists that are kept fresh, on pages where nothing else has to be known of them.

import { keepListFresh } from "./held-list.js";

for (const list of document.querySelectorAll("[data-held-list]")) keepListFresh(list.id);
