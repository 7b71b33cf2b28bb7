import "../clock.js";
import "../time-titles.js";
