// Puts the state of a login into the platform's storage, then goes on to the platform.

import { put } from "./storage.js";

const start = JSON.parse(document.getElementById("start").textContent);
const kept = await put(start);
location.replace(kept === start.state ? start.next : start.otherwise);
