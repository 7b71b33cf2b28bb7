import "../passkeys.js";
