// Store the state of a login in the platform's storage, then go on to the platform.

import { put } from "./storage.js";

const start = JSON.parse(document.getElementById("start").textContent);
const stored = await put(start);
location.replace(stored === start.state ? start.next : start.otherwise);
