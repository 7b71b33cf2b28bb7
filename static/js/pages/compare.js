import "../shell.js";
import "../problems.js";
import "../watch.js";
import "../diagram.js";
import "../diagram-walk.js";
