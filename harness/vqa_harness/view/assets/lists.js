// The worst frames and stretches of a metric, and the notes.
import { send } from "./api.js";
import { byId, make, say, shown } from "./page.js";
import { set, state } from "./state.js";
import { timeText } from "./timeline.js";

const SAVING = 400;

function entry(frame, text, current, onclick) {
  const item = make("li");
  const button = make("button", "link", text);
  button.type = "button";
  if (current) button.setAttribute("aria-current", "true");
  button.addEventListener("click", onclick);
  item.append(button);
  return item;
}

export class Worst {
  constructor(onseek) {
    this.onseek = onseek;
    byId("worst-of").addEventListener("change", (event) => set({ metric: event.target.value }));
  }

  open(scores) {
    this.scores = scores;
    const named = scores.features.filter((one) => one.frames.length);
    byId("worst-of").replaceChildren(...named.map((one) => new Option(one.name, one.name)));
    byId("lists-section").classList.toggle("no-scores", !named.length);
    byId("lists-title").textContent = named.length ? "Worst" : "Notes";
    this.update();
  }

  get feature() {
    const named = this.scores.features.filter((one) => one.frames.length);
    return named.find((one) => one.name === state.metric) ?? named.find((one) => one.leading) ?? named[0];
  }

  update() {
    const feature = this.scores && this.feature;
    if (!feature) {
      byId("worst-frames").replaceChildren();
      byId("worst-stretches").replaceChildren();
      return;
    }
    byId("worst-of").value = feature.name;
    byId("worst-frames").replaceChildren(
      ...feature.frames.map((frame) => {
        const value = feature.values?.[frame];
        const score = value === undefined ? "" : `: ${shown(value)}`;
        return entry(frame, `frame ${frame} ${timeText(this.scores, frame)}${score}`, frame === state.frame, () => this.onseek(frame));
      }),
    );
    byId("worst-stretches").replaceChildren(
      ...feature.stretches.map(([start, stop, mean]) =>
        entry(start, `frames ${start} to ${stop - 1}: ${shown(mean)}`, false, () => {
          this.onseek(start);
          const margin = stop - start;
          set({ from: Math.max(0, start - margin), to: stop + margin });
        }),
      ),
    );
  }

  go(step) {
    const frames = this.scores && this.feature ? this.feature.frames : [];
    if (!frames.length) return;
    const at = frames.indexOf(state.frame);
    this.onseek(frames[at < 0 ? 0 : (at + step + frames.length) % frames.length]);
  }
}

export class Notes {
  constructor(onseek) {
    this.onseek = onseek;
    this.notes = new Map();
    byId("mark").addEventListener("click", () => this.mark("marked"));
    byId("accept").addEventListener("click", () => this.mark("accepted"));
    byId("note").addEventListener("input", (event) => this.put({ text: event.target.value }));
  }

  open(scores, encode) {
    this.encode = encode;
    this.notes = new Map(scores.notes.map((one) => [one.frame, one]));
    this.update();
  }

  get marked() {
    return [...this.notes.values()].filter((one) => one.mark === "marked").map((one) => one.frame).sort((a, b) => a - b);
  }

  mark(mark) {
    const now = this.notes.get(state.frame)?.mark;
    this.put({ mark: now === mark ? "" : mark });
  }

  put(change) {
    const frame = state.frame;
    const note = { frame, mark: "", text: "", ...this.notes.get(frame), ...change };
    if (note.mark || note.text) this.notes.set(frame, note);
    else this.notes.delete(frame);
    this.update();
    clearTimeout(this.timer);
    const encode = this.encode;
    const notes = [...this.notes.values()];
    this.timer = setTimeout(() => this.save(encode, notes), SAVING);
  }

  async save(encode, notes) {
    try {
      const answer = await send("PUT", `encodes/${encode}/notes`, { schema: 1, notes });
      say(`notes saved in ${answer.file}`);
    } catch (error) {
      say(`the notes are not saved: ${error.message}`, true);
    }
  }

  update() {
    const note = this.notes.get(state.frame);
    byId("mark").setAttribute("aria-pressed", String(note?.mark === "marked"));
    byId("accept").setAttribute("aria-pressed", String(note?.mark === "accepted"));
    const field = byId("note");
    if (document.activeElement !== field || this.noted !== state.frame) field.value = note?.text ?? "";
    this.noted = state.frame;
    const sorted = [...this.notes.values()].sort((a, b) => a.frame - b.frame);
    byId("notes").replaceChildren(
      ...sorted.map((one) => {
        const sign = { marked: "⚑ ", accepted: "✓ " }[one.mark] ?? "";
        return entry(one.frame, `${sign}frame ${one.frame}${one.text ? ": " + one.text : ""}`, one.frame === state.frame, () => this.onseek(one.frame));
      }),
    );
  }
}
