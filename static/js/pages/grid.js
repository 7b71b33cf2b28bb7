import "../shell.js";
import "../problems.js";
import "../watch.js";
import "../grid.js";
import "../layout.js";
import "../query.js";
