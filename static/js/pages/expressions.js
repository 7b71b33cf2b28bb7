import "../shell.js";
import "../request-errors.js";
import "../loading-indicator.js";
import "../confirm.js";
import "../watches.js";
import "../copy-buttons.js";
import "../functions.js";
import "../fresh-lists.js";
