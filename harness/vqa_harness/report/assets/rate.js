"use strict";
const SHAPES = ["circle", "square", "triangle", "diamond"];

function shapePath(shape, x, y, r) {
  const path = new Path2D();
  if (shape === "circle") path.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") path.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
  else {
    const corners =
      shape === "triangle"
        ? [[0, -1.2], [1.1, 0.85], [-1.1, 0.85]]
        : [[0, -1.3], [1.15, 0], [0, 1.3], [-1.15, 0]];
    corners.forEach(([dx, dy], i) => path[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
    path.closePath();
  }
  return path;
}

function bitrateSplits(plot, index, low, high) {
  const found = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade++) {
    for (const digit of [1, 2, 5]) {
      const value = digit * 10 ** decade;
      if (value >= low && value <= high) found.push(value);
    }
  }
  if (found.length > 2) return found;
  const steps = 5;
  return Array.from({ length: steps }, (_, i) => {
    const value = low * (high / low) ** ((i + 0.5) / steps);
    return Number(value.toPrecision(2));
  });
}

function bitrateRange(plot, low, high) {
  if (!(low > 0)) return [1, 10];
  const pad = Math.max(1.06, (high / low) ** 0.05);
  return [low / pad, high * pad];
}

function shapeOf(heights, point) {
  return SHAPES[heights.indexOf(point.height) % SHAPES.length];
}

function rateData(chart) {
  const points = chart.series.flatMap((one, index) => one.points.map((p) => ({ ...p, index, series: one.name })));
  const rates = [...new Set(points.map((p) => p.kbps))].sort((a, b) => a - b);
  const line = (wanted) => {
    const values = new Map(points.filter(wanted).map((p) => [p.kbps, p.value]));
    return rates.map((x) => values.get(x) ?? null);
  };
  const lines = chart.series.map((_, index) => line((p) => p.index === index && p.curve));
  return { points, data: [rates, line((p) => chart.hull.includes(p.rung)), ...lines] };
}

function drawPoints(plot, points, heights) {
  const { ctx } = plot;
  const radius = 4.4 * devicePixelRatio;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left - radius, top - radius, width + 2 * radius, height + 2 * radius);
  ctx.clip();
  for (const point of points) {
    const x = plot.valToPos(point.kbps, "x", true);
    const y = plot.valToPos(point.value, "y", true);
    const path = shapePath(shapeOf(heights, point), x, y, radius);
    ctx.lineWidth = 1.6 * devicePixelRatio;
    ctx.strokeStyle = point.curve ? colour("card") : lineColour(point.index);
    ctx.fillStyle = point.curve ? lineColour(point.index) : colour("card");
    ctx.fill(path);
    ctx.stroke(path);
  }
  ctx.restore();
}

function nearest(plot, points) {
  const { left, top } = plot.cursor;
  let best = null;
  let distance = 34 ** 2;
  for (const point of points) {
    const dx = plot.valToPos(point.kbps, "x") - left;
    const dy = plot.valToPos(point.value, "y") - top;
    if (dx * dx + dy * dy < distance) {
      distance = dx * dx + dy * dy;
      best = point;
    }
  }
  return best;
}

function placeOf(chart, point) {
  if (chart.hull.includes(point.rung)) return "on the convex hull";
  if (chart.front.includes(point.rung)) return "on the Pareto front, below the convex hull";
  return "another rung is as good for less";
}

function rateTip(plot, box, chart, feature, points) {
  const point = plot.cursor.left >= 0 ? nearest(plot, points) : null;
  if (!point) {
    box.hidden = true;
    return;
  }
  const unit = chart.unit ? " " + chart.unit : "";
  box.replaceChildren(
    tipRow(lineColour(point.index), point.series, ""),
    element("div", "head", [point.size, point.setting].filter(Boolean).join(" · ")),
    tipRow("", "bitrate", shown(point.kbps) + " kbit/s"),
    tipRow("", `${feature}, ${chart.pool}`, shown(point.value) + unit),
    element("div", "head", placeOf(chart, point)),
  );
  placeTip(plot, box, plot.valToPos(point.kbps, "x"), plot.valToPos(point.value, "y"));
}

function swatch(draw) {
  const holder = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  holder.setAttribute("viewBox", "0 0 18 12");
  const mark = document.createElementNS("http://www.w3.org/2000/svg", draw.tag);
  for (const [name, value] of Object.entries(draw.attributes)) mark.setAttribute(name, value);
  holder.append(mark);
  return holder;
}

function rateLegend(host, chart, heights) {
  const add = (mark, text) => {
    const entry = element("span");
    entry.append(swatch(mark), text);
    host.append(entry);
  };
  chart.series.forEach((one, index) => {
    const style = `stroke: var(--c${index % COLOURS})`;
    add({ tag: "path", attributes: { d: "M0 6H18", "stroke-width": 3, style } }, one.name);
  });
  const hull = { d: "M0 6H18", "stroke-width": 1.5, "stroke-dasharray": "4 3", style: "stroke: var(--ink)" };
  add({ tag: "path", attributes: hull }, "convex hull");
  if (heights.length < 2) return;
  const outlines = { circle: "M9 2a4 4 0 1 0 .01 0z", square: "M5.5 2.5h7v7h-7z", triangle: "M9 1.5l4.5 8h-9z", diamond: "M9 1l5 5-5 5-5-5z" };
  heights.slice(0, SHAPES.length).forEach((height, i) => {
    const attributes = { d: outlines[SHAPES[i]], style: "fill: var(--muted)" };
    add({ tag: "path", attributes }, `${height}p`);
  });
}

function rateChart(host) {
  const feature = host.dataset.feature;
  const chart = sectionOf(host).rate[feature];
  const { points, data } = rateData(chart);
  const heights = [...new Set(points.map((p) => p.height))].sort((a, b) => a - b);
  const unit = chart.unit ? ` [${chart.unit}]` : "";
  const line = (index) => ({
    stroke: () => lineColour(index), width: 2, dash: lineDash(index), spanGaps: true, points: { show: false },
  });
  const hull = { stroke: () => colour("ink"), width: 1.2, dash: [5, 4], alpha: 0.65, spanGaps: true, points: { show: false } };
  let box = null;
  const plot = addPlot(
    host,
    {
      scales: { x: { time: false, distr: 3, range: bitrateRange }, y: { range: yRange } },
      axes: [
        axis("bitrate [kbit/s]", { splits: bitrateSplits, filter: (u, splits) => splits, values: (u, splits) => splits.map((v) => v.toLocaleString("en")), space: 40 }),
        yAxis(`${feature}${unit}, ${chart.pool}`),
      ],
      series: [{}, hull, ...chart.series.map((_, index) => line(index))],
      cursor: { drag: { x: true, y: true, uni: 24 }, points: { show: false } },
      hooks: {
        draw: [(u) => drawPoints(u, points, heights)],
        setCursor: [(u) => box && rateTip(u, box, chart, feature, points)],
      },
    },
    data,
  );
  box = tooltip(plot);
  rateLegend(host.parentElement.querySelector(".legend"), chart, heights);
}

drawAll(".plot.rate", rateChart);
