// Scores over the frames, and above them what alignment and quality control found.
import { ask } from "./api.js";
import { byId, clock, colour, make, shown } from "./page.js";
import { set, state } from "./state.js";

const COLOURS = 8;
const MOST_AT_FIRST = 3;
const KINDS = {
  dropped: "reference frame missing", duplicated: "repeated frame", frozen: "standing still", unmatched: "without partner",
};

export class Timeline {
  constructor(onseek) {
    this.onseek = onseek;
    this.plots = [];
    this.marks = [];
    this.host = byId("plots");
    byId("unzoom").addEventListener("click", () => set({ from: null, to: null }));
    new ResizeObserver(() => this.resize()).observe(this.host);
  }

  async open(scores, encode) {
    this.clear();
    this.scores = scores;
    this.encode = encode;
    const names = scores.features.map((one) => one.name);
    const leading = scores.features.filter((one) => one.leading).map((one) => one.name);
    this.on = new Set((leading.length ? leading : names).slice(0, MOST_AT_FIRST));
    this.chips();
    await this.draw();
  }

  clear() {
    for (const one of this.plots) one.plot.destroy();
    this.plots = [];
    this.host.replaceChildren();
  }

  chips() {
    byId("chips").replaceChildren(
      ...this.scores.features.map((feature, i) => {
        const chip = make("button", "chip");
        chip.type = "button";
        chip.style.setProperty("--own", `var(--c${i % COLOURS})`);
        chip.append(make("i"), make("span", "", feature.name));
        chip.setAttribute("aria-pressed", String(this.on.has(feature.name)));
        chip.addEventListener("click", async () => {
          if (!this.on.delete(feature.name)) this.on.add(feature.name);
          chip.setAttribute("aria-pressed", String(this.on.has(feature.name)));
          await this.draw();
        });
        return chip;
      }),
    );
  }

  async values(i) {
    const feature = this.scores.features[i];
    feature.values ??= await ask(`encodes/${this.encode}/values/${i}`);
    return feature.values;
  }

  async draw() {
    const scores = this.scores;
    const turn = (this.turn = (this.turn || 0) + 1);
    const chosen = scores.features.map((one, i) => i).filter((i) => this.on.has(scores.features[i].name));
    const values = await Promise.all(chosen.map((i) => this.values(i)));
    if (turn !== this.turn || scores !== this.scores) return;
    this.clear();
    chosen.forEach((i, place) => this.plot(scores.features[i], i, values[place]));
    this.lane();
    this.zoomed();
    this.move();
  }

  plot(feature, i, values) {
    const figure = make("figure", "chart");
    const direction = { 1: ", higher is better", "-1": ", lower is better", 0: "" }[feature.sign] ?? "";
    const caption = make("figcaption", "", feature.name + (feature.unit ? ` [${feature.unit}]` : ""));
    const value = make("span", "now", "");
    caption.append(make("span", "", direction), value);
    const host = make("div", "plot");
    host.setAttribute("role", "img");
    host.setAttribute("aria-label", `${feature.name} of every frame${direction}; mean ${shown(feature.mean)}`);
    figure.append(caption, host);
    this.host.append(figure);
    const frames = values.map((_, n) => n);
    const axis = { font: "12px system-ui, sans-serif", stroke: () => colour("muted"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { stroke: () => colour("line"), width: 1, size: 4 }, gap: 5 };
    const plot = new uPlot(
      {
        width: Math.max(200, host.clientWidth),
        height: 132,
        legend: { show: false },
        scales: { x: { time: false }, y: { range: (u, low, high) => this.range(low, high) } },
        axes: [{ ...axis, size: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000] }, { ...axis, size: 46 }],
        series: [{}, { stroke: () => colour(`c${i % COLOURS}`), width: 1.3, points: { show: false }, spanGaps: false }],
        cursor: { sync: { key: "timeline", scales: ["x", null] }, drag: { x: true, y: false, dist: 6 }, y: false, points: { size: 6 } },
        hooks: {
          setCursor: [(u) => this.hover(u)],
          setSelect: [(u) => this.select(u)],
          draw: [(u) => this.line(u)],
        },
      },
      [frames, values],
      host,
    );
    let pressed = null;
    plot.over.addEventListener("pointerdown", (event) => (pressed = event.clientX));
    plot.over.addEventListener("click", (event) => {
      if (pressed !== null && Math.abs(event.clientX - pressed) > 5) return;
      const box = plot.over.getBoundingClientRect();
      this.onseek(Math.round(plot.posToVal(event.clientX - box.left, "x")));
    });
    plot.over.addEventListener("wheel", (event) => this.wheel(event, plot), { passive: false });
    plot.over.addEventListener("mouseleave", () => this.tips(null));
    plot.over.addEventListener("dblclick", () => set({ from: null, to: null }));
    this.plots.push({ plot, host, value, feature, values });
  }

  range(low, high) {
    if (low === null || high === null) return [0, 1];
    const pad = (high - low) * 0.07 || Math.abs(high) * 0.02 || 1;
    return [low - pad, high + pad];
  }

  get count() {
    return this.frames || (this.scores && this.scores.frames) || 1;
  }

  get span() {
    const last = this.count - 1;
    const from = Math.min(state.from ?? 0, last);
    return [from, Math.max(from + 1, Math.min(state.to ?? last, last))];
  }

  wheel(event, plot) {
    event.preventDefault();
    const [from, to] = this.span;
    const box = plot.over.getBoundingClientRect();
    const at = plot.posToVal(event.clientX - box.left, "x");
    const share = event.deltaY < 0 ? 0.7 : 1 / 0.7;
    this.zoom(at - (at - from) * share, at + (to - at) * share);
  }

  zoom(from, to) {
    const last = this.count - 1;
    const [low, high] = [Math.max(0, Math.round(from)), Math.min(last, Math.round(to))];
    if (low <= 0 && high >= last) set({ from: null, to: null });
    else if (high - low >= 4) set({ from: low, to: high });
  }

  select(plot) {
    const { left, width } = plot.select;
    if (width < 6) return;
    this.zoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  zoomed() {
    const [min, max] = this.span;
    for (const { plot } of this.plots) plot.setScale("x", { min, max });
    byId("unzoom").hidden = state.from === null && state.to === null;
    this.lane();
  }

  hover(plot) {
    if (!plot.over.matches(":hover")) return;
    this.tips(plot.cursor.idx ?? null);
  }

  tips(frame) {
    const at = frame ?? state.frame;
    for (const { value, values, feature } of this.plots) {
      value.textContent = at < values.length ? ` · frame ${at}: ${shown(values[at])}${feature.unit ? " " + feature.unit : ""}` : "";
    }
  }

  line(plot) {
    const x = Math.round(plot.valToPos(state.frame, "x", true));
    const { left, top, width, height } = plot.bbox;
    if (x < left || x > left + width) return;
    plot.ctx.save();
    plot.ctx.fillStyle = colour("accent");
    plot.ctx.fillRect(x - devicePixelRatio, top, 2 * devicePixelRatio, height);
    plot.ctx.restore();
  }

  move() {
    for (const { plot } of this.plots) plot.redraw(false);
    this.tips(null);
  }

  redraw() {
    for (const { plot } of this.plots) plot.redraw(false);
  }

  resize() {
    for (const { plot, host } of this.plots) {
      const width = Math.max(200, host.clientWidth);
      if (Math.abs(width - plot.width) > 1) plot.setSize({ width, height: 132 });
    }
    this.lane();
  }

  setMarks(marks, frames) {
    this.marks = marks;
    this.frames = frames;
    this.lane();
  }

  lane() {
    const [from, to] = this.span;
    const lane = byId("lane");
    const drawn = this.plots[0];
    const share = (frame) => (100 * (frame - 0.5 - from)) / (to - from);
    if (drawn) {
      const { left, width } = drawn.plot.bbox;
      const inset = drawn.host.getBoundingClientRect().left - this.host.getBoundingClientRect().left;
      lane.style.marginLeft = `${inset + left / devicePixelRatio}px`;
      lane.style.width = `${width / devicePixelRatio}px`;
    }
    const shownMarks = this.marks.filter((one) => one.stop >= from && one.start <= to);
    lane.hidden = !this.marks.length;
    lane.replaceChildren(
      ...shownMarks.slice(0, 1500).map((one) => {
        const mark = make("button", `mark ${one.event ? "event" : one.kind}`);
        mark.type = "button";
        mark.tabIndex = -1;
        mark.title = one.text;
        const left = Math.max(0, share(one.start));
        const right = Math.min(100, share(one.stop));
        mark.style.left = `${left}%`;
        mark.style.width = `${Math.max(0, right - left)}%`;
        mark.addEventListener("click", () => this.onseek(Math.min(one.start, this.count - 1)));
        return mark;
      }),
    );
    const kinds = [...new Set(this.marks.map((one) => (one.event ? "event" : one.kind)))];
    const keys = byId("keys-of-lane");
    keys.hidden = !kinds.length;
    keys.replaceChildren(...kinds.map((kind) => make("span", `key ${kind}`, KINDS[kind] ?? "event of quality control")));
    byId("lane-text").textContent = this.marks.slice(0, 50).map((one) => one.text).join("; ");
  }

  next(direction) {
    const starts = [...new Set(this.marks.map((one) => Math.min(one.start, this.count - 1)))].sort((a, b) => a - b);
    const found = direction > 0 ? starts.find((n) => n > state.frame) : starts.reverse().find((n) => n < state.frame);
    if (found !== undefined) this.onseek(found);
  }

  valuesAt(frame) {
    return this.plots.map(({ feature, values }) => [feature, values[frame] ?? null]);
  }
}

export function timeText(scores, frame) {
  const time = scores?.times?.[frame];
  return time === null || time === undefined ? "" : clock(time);
}
