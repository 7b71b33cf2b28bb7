import "../shell.js";
import "../problems.js";
import "../watch.js";
import "../live.js";
