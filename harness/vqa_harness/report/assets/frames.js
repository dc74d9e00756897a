"use strict";
const UNDEFINED = 65535;
const LEVELS = 65534;
const TIP_ROWS = 9;
const TIME_STEPS = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

function unpack(packed, count) {
  if (!packed) return new Array(count).fill(null);
  const text = atob(packed.data);
  const span = packed.hi - packed.lo || 1;
  const values = new Array(count).fill(null);
  for (let i = 0; i < count && 2 * i + 1 < text.length; i++) {
    const level = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 8);
    if (level !== UNDEFINED) values[i] = packed.lo + (level * span) / LEVELS;
  }
  return values;
}

function position(grid, index) {
  if (grid.bucket === 1) return index;
  return Math.floor(index / 2) * grid.bucket + (index % 2 ? grid.bucket / 2 : 0);
}

function gridTimes(grid) {
  const times = new Array(grid.count);
  for (let i = 0; i < grid.count; i++) {
    const frame = position(grid, i);
    times[i] = grid.seconds ? grid.start + frame * grid.seconds : frame;
  }
  return times;
}

function clockText(seconds, step, long) {
  if (!long) return axisNumber(seconds, step);
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return parts[0] ? `${parts[0]}:${two(parts[1])}:${two(parts[2])}` : `${parts[1]}:${two(parts[2])}`;
}

function timeAxis(grid) {
  if (!grid.seconds) return axis("frame", {});
  const long = grid.count * grid.bucket * grid.seconds >= 120;
  const values = (plot, splits) => splits.map((v) => clockText(v, splits[1] - splits[0] || 1, long));
  return axis(long ? "time [minutes:seconds]" : "time [s]", { values, incrs: TIME_STEPS });
}

function framesTip(plot, box, feature, grid, videos, unit) {
  const { idx, left, top } = plot.cursor;
  if (idx === null || idx === undefined || left < 0 || !plot.over.matches(":hover")) {
    box.hidden = true;
    return;
  }
  const first = Math.floor(position(grid, idx) / grid.bucket) * grid.bucket;
  const frames = grid.bucket === 1 ? `frame ${first}` : `frames ${first} to ${first + grid.bucket - 1}`;
  const seconds = grid.seconds ? ` · ${(grid.start + first * grid.seconds).toFixed(2)} s` : "";
  const rows = [];
  videos.forEach((video, i) => {
    if (video.shown && plot.data[i + 1][idx] !== null) {
      rows.push(tipRow(lineColour(video.style), videos.length > 1 ? video.label : feature, shown(plot.data[i + 1][idx]) + unit));
    }
  });
  const rest = rows.splice(TIP_ROWS).length;
  if (rest) rows.push(element("div", "head", `and ${rest} more`));
  box.replaceChildren(element("div", "head", frames + seconds), ...rows);
  placeTip(plot, box, left, top);
}

function framesChart(host) {
  const feature = host.dataset.feature;
  const section = sectionOf(host);
  const { videos } = section.frames;
  const chart = section.frames.features[feature];
  const grid = section.frames.grids[chart.grid];
  const unit = chart.unit ? " " + chart.unit : "";
  let box = null;
  const plot = addPlot(
    host,
    {
      scales: { x: { time: false }, y: { range: yRange } },
      axes: [timeAxis(grid), yAxis(feature + (chart.unit ? ` [${chart.unit}]` : ""))],
      series: [
        {},
        ...videos.map((video, i) => ({
          show: video.shown, stroke: () => lineColour(video.style), width: 1.4, dash: lineDash(video.style), points: { show: false },
        })),
      ],
      cursor: { sync: { key: section.id, scales: ["x", null] }, drag: { x: true, y: false }, points: { size: 6 }, y: false },
      hooks: { setCursor: [(u) => box && framesTip(u, box, feature, grid, videos, unit)] },
    },
    [gridTimes(grid), ...chart.columns.map((packed) => unpack(packed, grid.count))],
  );
  plot.section = section.id;
  box = tooltip(plot);
  if (grid.bucket > 1) {
    host.parentElement.querySelector(".bucket").textContent =
      `Lowest and highest of every ${grid.bucket} frames; no outlier is left out.`;
  }
}

function chips(host) {
  const section = sectionOf(host);
  if (section.frames.videos.length < 2) return;
  section.frames.videos.forEach((video, i) => {
    const chip = element("button", "chip");
    const line = element("i");
    line.style.borderTopStyle = ["solid", "dashed", "dotted"][Math.floor(video.style / COLOURS) % 3];
    chip.type = "button";
    chip.style.setProperty("--own", `var(--c${video.style % COLOURS})`);
    chip.append(line, element("span", "", video.label));
    chip.setAttribute("aria-pressed", String(video.shown));
    chip.addEventListener("click", () => {
      video.shown = !video.shown;
      chip.setAttribute("aria-pressed", String(video.shown));
      for (const { plot } of PLOTS) {
        if (plot.section === section.id) plot.setSeries(i + 1, { show: video.shown });
      }
    });
    host.append(chip);
  });
}

document.querySelectorAll(".chips").forEach(chips);
drawAll(".plot.frames", framesChart);
