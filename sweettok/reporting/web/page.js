"use strict";

// A header's button sorts its table; pressed again, the other way round. Cells without a value always come last.
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}

function sortBy(header) {
  const body = header.closest("table").tBodies[0];
  const falling = header.getAttribute("aria-sort") === "ascending";
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const keyed = Array.from(body.rows, (row) => [keyOf(row.cells[header.cellIndex]), row]);
  keyed.sort(([a], [b]) => compare(a, b, falling ? -1 : 1));
  body.append(...keyed.map(([, row]) => row));
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

// Clips stand still where the reader's system asks for it; the button overrides that.
const control = document.getElementById("motion");
if (control) {
  let still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const show = () => {
    for (const source of document.querySelectorAll("source.still")) source.media = still ? "all" : "not all";
    control.textContent = still ? "Play clips" : "Pause clips";
  };
  control.addEventListener("click", () => {
    still = !still;
    show();
  });
  control.hidden = false;
  show();
}

// Paper shows what is folded away.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
