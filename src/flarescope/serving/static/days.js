// Which day is shown: the slider fetches the page of a day and puts its parts in place, so that nothing else moves.

import { chooseAgain, chosenCode } from "/static/choice.js";

const PARTS = ["pages", "warnings", "title", "day-before", "day-after", "view", "know"];

// "2014-10-17+10 2014-11-02+1" -> each day, as `page_values.day_runs` writes them.
export function daysOf(runs) {
  return runs.split(" ").filter(Boolean).flatMap((run) => {
    const [first, count] = run.split("+");
    return Array.from({ length: Number(count) }, (_, i) => {
      const day = new Date(`${first}T00:00:00Z`);
      day.setUTCDate(day.getUTCDate() + i);
      return day.toISOString().slice(0, 10);
    });
  });
}

let asked = 0;

async function show(address, arrived) {
  const mine = ++asked;
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const text = await answer.text();
  if (mine !== asked) return false; // another day was chosen since
  const page = new DOMParser().parseFromString(text, "text/html");
  const code = chosenCode();
  for (const id of PARTS) document.getElementById(id)?.replaceWith(document.adoptNode(page.getElementById(id)));
  document.title = page.title;
  chooseAgain(code);
  arrived();
  return true;
}

export function followDays(arrived) {
  const slider = document.getElementById("days");
  if (!slider) return;
  const days = daysOf(slider.dataset.runs);
  const output = document.getElementById("day");
  const say = () => {
    output.textContent = days[slider.value];
    slider.setAttribute("aria-valuetext", days[slider.value]);
  };
  const go = (day) => {
    const address = `${slider.dataset.base}${day}`;
    show(address, arrived)
      .then((shown) => { if (shown) history.replaceState(null, "", `${address}${location.hash}`); })
      .catch(() => location.assign(address));
  };
  slider.addEventListener("input", say);
  slider.addEventListener("change", () => { say(); go(days[slider.value]); });
  document.addEventListener("click", (event) => {
    const step = event.target.closest("a.step");
    if (!step || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const day = step.getAttribute("href")?.match(/\d{4}-\d\d-\d\d/)?.[0];
    if (day === undefined) return;
    slider.value = days.indexOf(day);
    say();
    go(day);
    requestAnimationFrame(() => document.getElementById(step.id)?.focus());
  });
}
