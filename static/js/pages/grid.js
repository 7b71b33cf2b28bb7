import "../shell.js";
import "../problems.js";
import "../loading.js";
import "../confirm.js";
import "../watch.js";
import "../grid.js";
import "../layout.js";
import "../query.js";
