import "../shell.js";
import "../request-errors.js";
import "../loading-indicator.js";
import "../confirm.js";
import "../count-down.js";
import "../watches.js";
import "../cron-boxes.js";
import "../schedules.js";
