import "../live-connection.js";
import "../wall.js";
