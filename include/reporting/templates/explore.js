"use strict";
// Works on what the page already shows; without it everything can still be read.
(() => {
  for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const moveTip = (event) => {
    const room = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, window.innerWidth - room.width - 8);
    const isLow = event.clientY + room.height + 24 > window.innerHeight;
    const top = isLow ? event.clientY - room.height - 12 : event.clientY + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, top)}px`;
  };
  document.addEventListener("pointerover", (event) => {
    const element = event.target.closest?.("[data-tip]");
    tip.hidden = !element;
    document.querySelectorAll(".lit").forEach((lit) => lit.classList.remove("lit"));
    if (!element) return;
    tip.textContent = element.dataset.tip;
    if (element.classList.contains("heat")) element.classList.add("lit");
    moveTip(event);
  });
  document.addEventListener("pointermove", (event) => { if (!tip.hidden) moveTip(event); });

  const buttons = [...document.querySelectorAll("[data-heat]")];
  const paint = (measure) => {
    for (const cell of document.querySelectorAll(".heat")) {
      const text = measure === "rank" && cell.dataset.rank ? cell.dataset.rank : cell.dataset.value;
      const value = Number(text);
      cell.classList.toggle("neg", value < 0);
      cell.classList.toggle("pos", value >= 0);
      cell.setAttribute("fill-opacity", Math.abs(value).toFixed(3));
      const label = cell.parentNode.querySelector("text");
      if (!label) continue;
      label.textContent = value.toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", "\u2212");
      label.classList.toggle("is-deep", Math.abs(value) >= 0.6);
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      paint(button.dataset.heat);
    });
  }

  const table = document.getElementById("pairs-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const find = document.getElementById("find");
  const measure = document.getElementById("measure");
  const least = document.getElementById("least");
  const filter = () => {
    const text = find.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const names = `${row.cells[0].textContent}\n${row.cells[1].textContent}`.toLowerCase();
      row.hidden = !names.includes(text)
        || (measure.value !== "" && row.dataset.measure !== measure.value)
        || Number(row.dataset.strength) < Number(least.value);
      if (!row.hidden) shown += 1;
    }
    document.getElementById("least-value").textContent = Number(least.value).toFixed(2);
    document.getElementById("shown").textContent = `${shown} of ${rows.length} pairs`;
  };
  for (const control of [find, measure, least]) control.addEventListener("input", filter);
  filter();

  const keyOf = (row, place, kind) => {
    const cell = row.cells[place];
    return kind === "number" ? Number(cell.dataset.key) : cell.textContent.toLowerCase();
  };
  table.querySelectorAll("th[data-sort]").forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const kind = head.dataset.sort;
      const isFalling = head.ariaSort ? head.ariaSort === "ascending" : kind === "number";
      table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", isFalling ? "descending" : "ascending");
      const place = head.cellIndex;
      rows.sort((a, b) => {
        const [x, y] = [keyOf(a, place, kind), keyOf(b, place, kind)];
        const order = x < y ? -1 : x > y ? 1 : 0;
        return isFalling ? -order : order;
      });
      body.append(...rows);
    });
  });
})();
