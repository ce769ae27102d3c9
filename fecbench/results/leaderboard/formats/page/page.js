"use strict";

// Turns the headings of sortable tables into buttons. Without this script the tables keep their order.
const words = new Intl.Collator("en", { numeric: true });

function compare(one, other, kind, sign) {
  if (kind === "words") return sign * words.compare(one.textContent.trim(), other.textContent.trim());
  const values = [one, other].map((cell) => ("value" in cell.dataset ? Number(cell.dataset.value) : null));
  if (values.includes(null)) return (values[0] === null) - (values[1] === null); // missing values stay last
  return sign * (values[0] - values[1]);
}

function sort(table, head) {
  const { column, kind } = head.dataset;
  const first = kind === "numbers" ? "descending" : "ascending"; // the best scores first
  const turned = { ascending: "descending", descending: "ascending" };
  const order = turned[head.getAttribute("aria-sort")] ?? first;
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  const rows = [...table.tBodies[0].rows];
  rows.sort((one, other) => compare(one.cells[column], other.cells[column], kind, order === "ascending" ? 1 : -1));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const head of table.querySelectorAll("th[data-column]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head));
    head.append(button);
  }
}
