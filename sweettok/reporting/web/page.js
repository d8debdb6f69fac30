"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// One item of a group is a tab stop; arrow keys move among the others: along the row, or to the nearest one above or below.
function roving(group, selector) {
  const items = () => all(selector, group);
  const stop = (item) => items().forEach((one) => (one.tabIndex = one === item ? 0 : -1));
  stop(items().find((item) => item.ariaSelected === "true") ?? items()[0]);
  group.addEventListener("focusin", ({ target }) => target.matches(selector) && stop(target));
  group.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!way || !event.target.matches(selector)) return;
    event.preventDefault();
    const along = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const next = along ? items()[items().indexOf(event.target) + way] : above(event.target, items(), way);
    next?.focus();
  });
}

function above(from, items, way) {
  const { x, y } = from.getBoundingClientRect();
  const far = (item) => [way * (item.getBoundingClientRect().y - y), Math.abs(item.getBoundingClientRect().x - x)];
  const others = items.map((item) => [...far(item), item]).filter(([down]) => down > 4);
  return others.sort((a, b) => (Math.abs(a[0] - b[0]) > 4 ? a[0] - b[0] : a[1] - b[1]))[0]?.[2];
}

// Tabs: one panel at a time. Without this script, and on paper, all of them stand below each other.
for (const list of all("[role=tablist]")) {
  const tabs = all("[role=tab]", list);
  const select = (chosen) => {
    for (const tab of tabs) {
      tab.ariaSelected = String(tab === chosen);
      document.getElementById(tab.getAttribute("aria-controls")).classList.toggle("folded", tab !== chosen);
    }
  };
  list.hidden = false;
  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("focus", () => select(tab));
  }
  select(tabs[0]);
  roving(list, "[role=tab]");
}

// A header's button sorts each block of its table; pressed again, the other way round. Cells without a value always come last.
for (const button of all("thead button")) button.addEventListener("click", () => sortBy(button.closest("th")));
for (const table of all("table")) if (table.querySelector(".how")) roving(table, ".how");

function sortBy(header) {
  const falling = header.ariaSort === "ascending";
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.ariaSort = falling ? "descending" : "ascending";
  for (const body of header.closest("table").tBodies) {
    const keyed = all("tr:not(.block)", body).map((row) => [keyOf(row.cells[header.cellIndex]), row]);
    keyed.sort(([a], [b]) => compare(a, b, falling ? -1 : 1));
    body.append(...keyed.map(([, row]) => row));
  }
}

function keyOf(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  const text = cell.textContent.trim();
  return text === "-" ? null : text;
}

function compare(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return direction * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
}

// Films: every tile of a player shows the same frame of the same clip. They stand still where the reader's system asks for it.
for (const player of all(".player")) {
  const [play, frame, next] = [".play", "input", ".next"].map((part) => player.querySelector(part));
  const { frames, clips, milliseconds } = player.dataset;
  const names = all(".shown li", player);
  let [clip, timer] = [0, null];
  const show = (at) => {
    frame.value = 1 + ((at + +frames) % frames);
    player.style.setProperty("--frame", frame.value - 1);
  };
  const turn = (to) => {
    clip = (to + +clips) % clips;
    player.style.setProperty("--clip", clip);
    names.forEach((name, place) => (name.hidden = place !== clip));
  };
  const run = (running) => {
    clearInterval(timer);
    timer = running ? setInterval(() => show(+frame.value), milliseconds) : null;
    play.textContent = running ? "Pause" : "Play";
  };
  const step = (way) => {
    run(false);
    show(frame.value - 1 + way);
  };
  const keys = {
    " ": () => run(!timer),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => turn(clip - 1),
    ArrowDown: () => turn(clip + 1),
  };
  play.addEventListener("click", keys[" "]);
  next.addEventListener("click", keys.ArrowDown);
  frame.addEventListener("input", () => step(0));
  player.addEventListener("keydown", (event) => {
    if (!keys[event.key] || (event.key === " " && event.target.matches("button"))) return;
    event.preventDefault();
    keys[event.key]();
  });
  player.querySelector(".controls").hidden = false;
  run(!matchMedia("(prefers-reduced-motion: reduce)").matches);
}

// A clip's words: the chosen token marks its place on the frames that it stands for.
const nearest = new Map(all(".glossary dt").map((word) => [word.textContent, word.nextElementSibling.textContent]));
for (const latent of all(".latent")) {
  const facts = latent.closest(".panel").querySelector(".token-facts");
  const tokens = all(".tokens button", latent);
  const choose = (token) => {
    const grid = token.parentNode.dataset;
    const at = [...token.parentNode.children].indexOf(token);
    const [row, column] = [Math.floor(at / grid.side), at % grid.side];
    for (const one of tokens) {
      one.classList.toggle("same", one.textContent === token.textContent);
      one.classList.toggle("chosen", one === token);
    }
    for (const frame of all("figure", latent)) {
      const mark = frame.querySelector(".mark");
      mark.hidden = +frame.dataset.latent < +grid.first || +frame.dataset.latent > +grid.last;
      mark.style.cssText = `--side: ${grid.side}; --row: ${row}; --column: ${column}`;
    }
    const known = token.textContent.split(" ").filter((word) => nearest.has(word));
    const lines = (known.length ? known : [token.textContent]).map((word) => {
      const line = document.createElement("div");
      line.append(Object.assign(document.createElement("b"), { textContent: word }), ` ${nearest.get(word) ?? "a learned code"}`);
      return line;
    });
    facts.replaceChildren(...lines, `${grid.group} token, ${grid.name}, row ${row + 1} and column ${column + 1} of ${grid.side}`);
  };
  const chosen = ({ target }) => target.matches(".tokens button") && choose(target);
  for (const event of ["pointerover", "focusin", "click"]) latent.addEventListener(event, chosen);
  for (const frame of all(".frame", latent)) {
    frame.addEventListener("pointermove", (event) => {
      const { x, y, width, height } = frame.getBoundingClientRect();
      const time = +frame.parentNode.dataset.latent;
      const grid = all(".tokens", latent).find(({ dataset }) => time >= +dataset.first && time <= +dataset.last);
      const [row, column] = [(event.y - y) / height, (event.x - x) / width].map((part) => Math.floor(part * grid.dataset.side));
      const token = grid.children[row * grid.dataset.side + column];
      if (token) choose(token);
    });
  }
  for (const grid of all(".tokens", latent)) roving(grid, "button");
}

// Paper shows what is folded away.
addEventListener("beforeprint", () => all("details").forEach((folded) => (folded.open = true)));
