// What happens on the pages: an event is chosen, a day is chosen, files are forecast, times are shown as one's own.
// Without this script the pages show the event that is chosen first, and all probabilities in a table.

import { keepChoice, showChoice } from "/static/choice.js";
import { followDays } from "/static/days.js";
import { localTimes } from "/static/times.js";
import { acceptFiles, mapsOfPatches } from "/static/uploads.js";

function arrived() {
  localTimes(document);
  lightUp();
  showChoice();
  mapsOfPatches();
}

// A region is lit in the table and on the disk at once.
function lightUp() {
  for (const one of document.querySelectorAll("[data-ar]")) {
    const same = document.querySelectorAll(`[data-ar="${CSS.escape(one.dataset.ar)}"]`);
    const light = (on) => () => same.forEach((other) => other.classList.toggle("lit", on));
    for (const [name, on] of [["mouseenter", true], ["focusin", true], ["mouseleave", false], ["focusout", false]]) {
      one.addEventListener(name, light(on));
    }
  }
}

keepChoice();
followDays(arrived);
acceptFiles();
arrived();
