// Finds anything from anywhere, and the shortcuts. It shows what the page that the form leads to
// holds; names of pages are sorted out here, numbers and ids by the server.

const PAUSE_MILLISECONDS = 200;
const SEQUENCE_MILLISECONDS = 1500;
const SHORTEST = 3;

const palette = document.getElementById("palette");
const shortcuts = document.getElementById("shortcuts");
const form = palette.querySelector("form");
const input = form.elements.q;
const output = document.getElementById("palette-found");
let known = null;
let running = null;
let timer = 0;

async function hits(asked, signal) {
  const answer = await fetch(`${form.action}?${new URLSearchParams(asked)}`, { signal });
  if ((!answer.ok && answer.status !== 422) || answer.redirected) {
    throw new Error(`The page answered ${answer.status}.`);
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[data-hits]");
}

const links = () => [...output.querySelectorAll("li:not([hidden]) a")];

function show(found) {
  output.replaceChildren(...found.cloneNode(true).childNodes);
  narrow();
}

// Leaves the names that hold every word, and marks the one that Enter leads to.
function narrow() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const asked = output.dataset.of === input.value.trim();
  for (const section of output.querySelectorAll("section")) {
    for (const item of section.querySelectorAll("li")) {
      const text = item.textContent.toLowerCase();
      item.hidden = !asked && !words.every((word) => text.includes(word));
    }
    section.hidden = !section.querySelector("li:not([hidden])");
  }
  links().forEach((link, place) => link.classList.toggle("first", place === 0));
}

async function look() {
  const text = input.value.trim();
  running?.abort();
  running = new AbortController();
  try {
    const found = await hits({ q: text, stay: "yes" }, running.signal);
    output.dataset.of = text;
    show(found);
  } catch (error) {
    if (error.name === "AbortError") return;
    output.textContent = palette.dataset.failed;
  }
  timer = 0;
}

function typed() {
  clearTimeout(timer);
  timer = 0;
  running?.abort();
  delete output.dataset.of;
  if (known) show(known);
  const text = input.value.trim();
  const isRecord = text.length >= SHORTEST && (/[\d_:]/.test(text) || links().length === 0);
  if (isRecord) timer = setTimeout(look, PAUSE_MILLISECONDS);
}

async function open() {
  if (palette.open) return;
  input.value = "";
  palette.showModal();
  input.focus();
  try {
    known = await hits({});
    if (!output.dataset.of) typed();
  } catch {
    output.textContent = palette.dataset.failed;
  }
}

function move(step) {
  const all = [input, ...links()];
  const place = all.indexOf(document.activeElement);
  all[(place + step + all.length) % all.length].focus();
}

input.addEventListener("input", typed);
// While a number is still being looked up the form itself leads to where it belongs.
form.addEventListener("submit", (event) => {
  const first = output.querySelector("a.first");
  if (first && !timer) {
    event.preventDefault();
    first.click();
  }
});
palette.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    move(step);
  } else if (event.key === "Escape") {
    // Browsers would only empty the field.
    event.preventDefault();
    palette.close();
  } else if (event.target !== input && event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    input.focus();
  }
});

for (const dialog of [palette, shortcuts]) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
}

const finder = document.getElementById("finder");
finder.querySelector("input").addEventListener("mousedown", (event) => {
  event.preventDefault();
  open();
});

// A g, then the letter of a page.
let begun = 0;

function go(key) {
  const isSecond = Date.now() - begun < SEQUENCE_MILLISECONDS;
  begun = key === "g" ? Date.now() : 0;
  if (isSecond) shortcuts.querySelector(`[data-key="${CSS.escape(key)}"]`)?.click();
}

const isTyping = (element) => element.closest("input, select, textarea, [contenteditable]");

function pressed(event) {
  const isPalette = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
  const isPlain = !isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isPalette || (isPlain && event.key === "/")) {
    event.preventDefault();
    open();
  } else if (isPlain && !document.querySelector("dialog[open]")) {
    if (event.key === "?") shortcuts.showModal();
    else go(event.key);
  }
}

const opener = document.getElementById("shortcuts-open");
opener.hidden = false;
opener.addEventListener("click", () => shortcuts.showModal());

if (!("off" in shortcuts.dataset)) {
  document.addEventListener("keydown", pressed);
  document.querySelector("#finder kbd").hidden = false;
}
