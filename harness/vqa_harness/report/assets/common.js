"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const ROOT = document.documentElement;
const PLOTS = [];
const COLOURS = 8;
const DASHES = [[], [8, 4], [2, 3]];
const PRINT_WIDTH = 660;

const colour = (name) => getComputedStyle(ROOT).getPropertyValue("--" + name).trim();
const lineColour = (index) => colour("c" + (index % COLOURS));
const lineDash = (index) => DASHES[Math.floor(index / COLOURS) % DASHES.length];
const sectionOf = (element) => DATA.sections.find((one) => one.id === element.dataset.section);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function shown(value) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3).replace("-", "−");
}

function axisNumber(value, step) {
  let places = 0;
  while (places < 6 && Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6) places++;
  return value.toFixed(places).replace("-", "−");
}

function axis(label, more) {
  return Object.assign(
    {
      label,
      labelFont: "12px system-ui, sans-serif",
      labelSize: 20,
      labelGap: 0,
      font: "12px system-ui, sans-serif",
      stroke: () => colour("muted"),
      grid: { stroke: () => colour("grid"), width: 1 },
      ticks: { stroke: () => colour("line"), width: 1, size: 4 },
      gap: 5,
      size: 30,
    },
    more,
  );
}

function yAxis(label) {
  return axis(label, {
    size: 46,
    values: (plot, splits) => splits.map((v) => axisNumber(v, splits[1] - splits[0] || 1)),
  });
}

function yRange(plot, low, high) {
  if (low === null || high === null) return [0, 1];
  const pad = (high - low) * 0.07 || Math.abs(high) * 0.02 || 1;
  return [low - pad, high + pad];
}

function plotWidth(host) {
  return Math.max(240, Math.floor(host.clientWidth));
}

function addPlot(host, options, data) {
  const height = host.classList.contains("rate") ? 330 : 220;
  const plot = new uPlot(
    Object.assign({ width: plotWidth(host), height, legend: { show: false } }, options),
    data,
    host,
  );
  new ResizeObserver(() => {
    const width = plotWidth(host);
    if (Math.abs(width - plot.width) > 1 && !ROOT.dataset.printing) plot.setSize({ width, height });
  }).observe(host);
  PLOTS.push({ plot, host, height });
  return plot;
}

// Every chart is drawn at once, so that a print or a picture of the whole page has it; in what is
// folded away there is no room to draw in before somebody opens it.
function drawAll(selector, build) {
  for (const host of document.querySelectorAll(selector)) {
    const folded = host.closest("details:not([open])");
    if (folded) folded.addEventListener("toggle", () => build(host), { once: true });
    else build(host);
  }
}

function tooltip(plot) {
  const box = element("div", "tip");
  box.hidden = true;
  plot.over.appendChild(box);
  plot.over.addEventListener("mouseleave", () => (box.hidden = true));
  return box;
}

function placeTip(plot, box, left, top) {
  box.hidden = false;
  const width = plot.over.clientWidth;
  const beside = left + 16 + box.offsetWidth > width ? left - 14 - box.offsetWidth : left + 14;
  const x = Math.max(-40, Math.min(beside, width - box.offsetWidth));
  const y = Math.max(0, Math.min(top - box.offsetHeight / 2, plot.over.clientHeight - box.offsetHeight));
  box.style.transform = `translate(${x}px, ${y}px)`;
}

function tipRow(swatch, label, value) {
  const row = element("div", "row");
  if (swatch) {
    const dot = element("i");
    dot.style.background = swatch;
    row.append(dot);
  }
  row.append(element("span", "", label), element("b", "", value));
  return row;
}

function setTheme(name) {
  ROOT.dataset.theme = name;
  for (const { plot } of PLOTS) plot.redraw(false);
}

const darkWanted = matchMedia("(prefers-color-scheme: dark)");
setTheme(darkWanted.matches ? "dark" : "light");
darkWanted.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => {
  setTheme(ROOT.dataset.theme === "dark" ? "light" : "dark");
});
addEventListener("beforeprint", () => {
  ROOT.dataset.printing = ROOT.dataset.theme;
  ROOT.dataset.theme = "light";
  for (const { plot, height } of PLOTS) plot.setSize({ width: PRINT_WIDTH, height });
});
addEventListener("afterprint", () => {
  const before = ROOT.dataset.printing || "light";
  delete ROOT.dataset.printing;
  for (const { plot, host, height } of PLOTS) plot.setSize({ width: plotWidth(host), height });
  setTheme(before);
});
for (const table of document.querySelectorAll("table")) {
  const rows = [...table.tBodies[0].rows];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const texts = rows.map((row) => row.cells[column].textContent.trim());
    const numeric = texts.every((text) => /^[-+x−]?\s*[\d.,]+( ?(%|●|○|kbit\/s))?$|^-$/.test(text));
    if (!numeric || texts.every((text) => text === "-")) return;
    for (const cell of [head, ...rows.map((row) => row.cells[column])]) cell.classList.add("num");
  });
}
