// How files that are dropped or chosen are forecast: sent to the server, and shown with what it says of each.

const LARGEST_SHOWN = 20e6; // bytes of a PNG that is shown beside its forecast

const MAP_WORDS = "As flarescope explain draws it, without its checks, and as the image lies in its file (HMI's own have south up). It explains this model's number, not the Sun.";

function element(name, text, classes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function percent(probability) {
  const value = 100 * probability;
  return value < 1 ? "<1 %" : value > 99 ? ">99 %" : `${Math.round(value)} %`;
}

// A model of one event says `probability`; one of several `probability_M1.0_24h` for each, and `yes_M1.0_24h`.
function probabilities(one, of) {
  if (one.probability !== undefined) return [[one.event ? of : "", one.probability]];
  const several = Object.entries(one).filter(([name]) => name.startsWith("probability_"));
  return several.map(([name, share]) => {
    const event = name.slice("probability_".length);
    return [`${event.replaceAll("_", " ")}: ${one[`yes_${event}`] ? "a flare is forecast" : "no flare is forecast"}`, share];
  });
}

function picture(file, name) {
  if (!file || !file.name.toLowerCase().endsWith(".png") || file.size > LARGEST_SHOWN) return null;
  const image = element("img");
  image.width = image.height = 224;
  image.alt = `The image ${name}, as it was sent`;
  image.src = URL.createObjectURL(file);
  image.addEventListener("load", () => URL.revokeObjectURL(image.src));
  return image;
}

// Where the model sees its forecast: asked for by a button, for it takes the network some time.
function askForMap(button, of, ask) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Looking, up to a minute …";
    try {
      const answer = await ask();
      if (!answer.ok) throw new Error((await answer.json()).detail);
      const figure = element("figure", undefined, "map");
      const frame = element("div", undefined, "scroll");
      frame.tabIndex = 0;
      frame.setAttribute("role", "region");
      frame.setAttribute("aria-label", `Map of ${of}`);
      const image = element("img");
      image.alt = `Where in ${of} the model sees its forecast: a map over the magnetogram`;
      image.src = URL.createObjectURL(await answer.blob());
      await image.decode(); // its size is known before it stands on the page
      frame.append(image);
      figure.append(frame, element("figcaption", MAP_WORDS));
      button.replaceWith(figure);
    } catch (error) {
      button.replaceWith(element("p", `No map: ${error.message}`, "muted"));
    }
  });
}

function mapButton(file, name, model, event, nan) {
  const button = element("button", `Where in the image?${event ? ` (${event})` : ""}`, "quiet");
  button.type = "button";
  button.setAttribute("aria-label", `Where in the image ${name} does the model see its forecast?`);
  askForMap(button, name, () => {
    const body = new FormData();
    body.append("images", file, file.name);
    return fetch(`/api/v1/maps?model=${encodeURIComponent(model)}${nan}`, { method: "POST", body });
  });
  return button;
}

export function mapsOfPatches() {
  for (const button of document.querySelectorAll("button[data-map]")) {
    askForMap(button, button.dataset.of, () => fetch(button.dataset.map));
  }
}

function result(one, file, model, of, events, nan) {
  const item = element("li", undefined, "result");
  item.append(element("b", one.filename));
  if (one.reason) {
    item.classList.add("refused");
    item.append(element("span", one.reason));
    return item;
  }
  const shown = picture(file, one.filename);
  if (shown) item.append(shown);
  for (const [event, share] of probabilities(one, of)) {
    item.append(element("span", percent(share), "big"));
    if (event) item.append(element("span", event, "muted"));
  }
  const said = [
    one.noaa_ar ? `NOAA ${one.noaa_ar}` : "",
    one.time ? `${one.time.slice(0, 16).replace("T", " ")} UTC` : "",
    one.flare === undefined ? "" : one.flare ? "a flare is forecast" : "no flare is forecast",
  ];
  item.append(element("span", said.filter(Boolean).join(", "), "muted"));
  if (one.flags) item.append(element("span", one.flags, "muted"));
  if (file) item.append(mapButton(file, one.filename, model, events.length > 1 ? events[0] : "", nan));
  return item;
}

// What pixels without a value do.
const nanOf = (form) => (form.elements.nan.checked ? "&nan=zero" : "");

async function send(form, files, place) {
  place.replaceChildren(element("p", `Forecasting ${files.length} image${files.length === 1 ? "" : "s"} …`));
  const body = new FormData();
  for (const file of files) body.append("images", file, file.name);
  const model = form.elements.model.value;
  const nan = nanOf(form);
  let answer;
  let found;
  try {
    answer = await fetch(`${form.action}?model=${encodeURIComponent(model)}${nan}`, { method: "POST", body });
    found = await answer.json();
  } catch {
    place.replaceChildren(element("p", "The server did not answer; try again.", "warning"));
    return;
  }
  if (!answer.ok) {
    place.replaceChildren(element("p", `${found.title ?? answer.status}: ${found.detail ?? ""}`, "warning"));
    return;
  }
  const said = [...(found.warnings ?? [])].map((text) => element("p", text, "warning"));
  const list = element("ul", undefined, "results");
  const byName = new Map(); // of two files of one name the server calls the second by its number too
  files.forEach((file, number) => byName.set(byName.has(file.name) ? `${number}-${file.name}` : file.name, file));
  for (const one of found.forecasts) list.append(result(one, byName.get(one.filename), model, found.of, found.events, nan));
  const notes = [...(found.notes ?? [])].map((text) => element("p", text, "muted"));
  place.replaceChildren(...said, list, ...notes, element("p", found.notice, "muted"));
}

export function acceptFiles() {
  const form = document.getElementById("uploads");
  if (!form) return;
  const place = document.getElementById("uploaded");
  const input = document.getElementById("images");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, [...input.files], place);
  });
  input.addEventListener("change", () => { if (input.files.length) send(form, [...input.files], place); });
  // A file that misses the field would else be opened instead of the page.
  let depth = 0;
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = () => document.body.classList.toggle("dropping", depth > 0);
  addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; mark(); } });
  addEventListener("dragleave", (event) => { if (holdsFiles(event)) { depth -= 1; mark(); } });
  addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    mark();
    form.scrollIntoView({ block: "nearest" });
    send(form, [...event.dataTransfer.files], place);
  });
}
