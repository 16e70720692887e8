// Which event is shown: the class and hours that are chosen, kept in the address so that a link shows the same.

const switches = () => document.getElementById("switches");

function chosenCode() {
  const form = switches();
  const codes = JSON.parse(form.dataset.codes);
  const of = (name) => form.querySelector(`input[name="${name}"]:checked`)?.value;
  return codes[of("class")]?.[of("hours")];
}

function find(code) {
  for (const [name, hours] of Object.entries(JSON.parse(switches().dataset.codes))) {
    for (const [window, one] of Object.entries(hours)) if (one === code) return [name, window];
  }
  return null;
}

function check(name, value) {
  for (const input of switches().querySelectorAll(`input[name="${name}"]`)) input.checked = input.value === value;
}

// What a class has no hours for cannot be chosen with it; the first hours that it has are taken.
function allow() {
  const form = switches();
  const hours = JSON.parse(form.dataset.codes)[form.querySelector('input[name="class"]:checked').value];
  for (const input of form.querySelectorAll('input[name="hours"]')) input.disabled = !(input.value in hours);
  if (!chosenCode()) check("hours", Object.keys(hours)[0]);
}

function put(element, value) {
  const text = element.querySelector(".text") ?? element;
  text.textContent = value ? value[0] : "–";
  element.querySelector("rect.fill")?.setAttribute("width", value ? value[1] : 0);
  if (value) element.dataset.level = value[2];
  else delete element.dataset.level;
}

export function showChoice() {
  if (!switches()) return;
  allow();
  const code = chosenCode();
  const form = switches();
  const card = form.querySelector('input[name="class"]:checked').closest("label");
  const hours = form.querySelector('input[name="hours"]:checked').value;
  const said = `of ${card.querySelector(".name").textContent} within ${hours} h`;
  for (const one of document.querySelectorAll("[data-chosen]")) one.textContent = said;
  for (const one of document.querySelectorAll("[data-hours-shares]")) put(one, JSON.parse(one.dataset.hoursShares)[hours]);
  for (const one of document.querySelectorAll("[data-shares]")) {
    const value = JSON.parse(one.dataset.shares)[code];
    put(one, value);
    if (one.dataset.name) one.setAttribute("aria-label", `${one.dataset.name}: ${value ? value[0] : "no forecast"} ${said}`);
  }
  for (const one of document.querySelectorAll("[data-changes]")) {
    one.textContent = JSON.parse(one.dataset.changes)[code] ?? "";
  }
  for (const one of document.querySelectorAll("[data-code]")) one.classList.toggle("on", one.dataset.code === code);
  carry(code);
}

// What a screen reader says after a choice.
function announce() {
  const share = document.querySelector(".whole .text, .headline .text")?.textContent;
  const said = document.querySelector("[data-chosen]")?.textContent;
  document.getElementById("said").textContent = `Probability ${said}: ${share}`;
}

// Links to other days and regions show the same event.
function carry(code) {
  const first = switches().dataset.first;
  for (const link of document.querySelectorAll('a[href^="/days/"], a[href^="/regions/"], a[href^="/forecasts/"], a.mark')) {
    const address = link.getAttribute("href").split("#")[0];
    link.setAttribute("href", code === first ? address : `${address}#${code}`);
  }
}

export function keepChoice() {
  const read = () => {
    const found = switches() && find(decodeURIComponent(location.hash.slice(1)));
    if (!found) return;
    check("class", found[0]);
    check("hours", found[1]);
  };
  read();
  addEventListener("hashchange", () => { read(); showChoice(); });
  document.addEventListener("change", (event) => {
    if (!event.target.closest("#switches")) return;
    showChoice();
    announce();
    history.replaceState(history.state, "", `#${chosenCode()}`);
  });
  document.addEventListener("submit", (event) => { if (event.target.id === "switches") event.preventDefault(); });
}

// Another page's part arrived: what was chosen stays chosen.
export function chooseAgain(code) {
  const found = find(code);
  if (!found) return;
  check("class", found[0]);
  check("hours", found[1]);
}

export { chosenCode };
