// Puts the parts together: what is opened, what changes when the state changes, what keys do.
import { ask, blob, send, wait } from "./api.js";
import { keys } from "./keys.js";
import { Notes, Worst } from "./lists.js";
import { Loupe } from "./loupe.js";
import { byId, make, say, shown, theme } from "./page.js";
import { Stage } from "./stage.js";
import { begin, listen, set, state } from "./state.js";
import { Timeline, timeText } from "./timeline.js";

const GAINS = [1, 2, 4, 8, 16, 32, 64];
const ASKING = 300;

begin();
const stage = new Stage();
const loupe = new Loupe(stage);
const seek = (frame) => set({ frame: Math.max(0, Math.min(count() - 1, frame)) });
const timeline = new Timeline(seek);
const worst = new Worst(seek);
const notes = new Notes(seek);
let session = null;
let scores = null;
let pairing = null;

function count() {
  return (pairing?.numbers?.distorted.length ?? scores?.frames) || 1;
}

async function openEncode() {
  const encode = state.encode;
  scores = pairing = null;
  stage.open(null);
  timeline.setMarks([], 0);
  byId("wait").textContent = "looking for the pairs…";
  try {
    const found = await ask(`encodes/${encode}/scores`);
    if (encode !== state.encode) return;
    scores = found;
    notes.open(scores, encode);
    worst.open(scores);
    frames();
    remarks();
    await timeline.open(scores, encode);
    worst.update();
    moved();
  } catch (error) {
    say(error.message, true);
  }
  await openPairs(encode);
}

async function openPairs(encode) {
  for (;;) {
    let found = null;
    try {
      found = await ask(`encodes/${encode}/pairing`);
    } catch (error) {
      byId("wait").textContent = error.message;
      return;
    }
    if (encode !== state.encode) return;
    if (found.state === "failed") {
      byId("wait").textContent = `no pictures: ${found.error}`;
      return;
    }
    if (found.state === "ready") {
      pairing = found;
      break;
    }
    byId("wait").textContent = found.done ? `pairing: ${found.done} of ${found.expected ?? "?"} frames` : "looking for the pairs…";
    await wait(ASKING);
  }
  byId("wait").textContent = "";
  frames();
  remarks();
  const events = (scores?.events ?? []).map((one) => ({ ...one, event: true }));
  timeline.setMarks([...pairing.bands, ...events], count());
  byId("timeline-section").hidden = !timeline.marks.length && !scores?.features.length;
  if (state.frame >= count()) seek(count() - 1);
  stage.open(pairing);
  moved();
}

function frames() {
  byId("seek").max = byId("frame").max = count() - 1;
}

function remarks() {
  const lines = [...new Set([...(pairing?.mapping ?? []), ...(pairing?.remarks ?? []), ...(scores?.warnings ?? [])])];
  byId("remarks").replaceChildren(...lines.map((text) => make("li", "", text)));
  byId("remarks-section").hidden = !lines.length;
}

function moved() {
  byId("seek").value = state.frame;
  if (document.activeElement !== byId("frame")) byId("frame").value = state.frame;
  const numbers = pairing?.numbers;
  const words = [`of ${count() - 1}`];
  const time = timeText(scores, state.frame);
  if (time) words.push(time);
  if (numbers) {
    const own = numbers.distorted[state.frame];
    const other = numbers.reference?.[state.frame];
    if (own !== state.frame || (other !== undefined && other !== state.frame)) {
      words.push(other === undefined ? `decoded frame ${own}` : `distorted ${own}, reference ${other}`);
    }
  }
  byId("where").textContent = words.join(" · ");
  byId("seek").setAttribute("aria-valuetext", `frame ${state.frame} ${words.join(", ")}`);
  timeline.move();
  byId("scores").replaceChildren(
    ...timeline.valuesAt(state.frame).map(([feature, value]) => {
      const pair = make("div");
      pair.append(make("dt", "", feature.name), make("dd", "", shown(value) + (feature.unit ? " " + feature.unit : "")));
      return pair;
    }),
  );
  notes.update();
  worst.update();
}

listen((changed) => {
  if (changed.has("encode")) {
    byId("encode").value = state.encode;
    openEncode();
    return;
  }
  if (changed.has("frame")) {
    moved();
    loupe.update();
  }
  if (changed.has("from") || changed.has("to")) timeline.zoomed();
  if (changed.has("metric")) worst.update();
  if (["frame", "mode", "gain", "mapping", "fit"].some((name) => changed.has(name))) stage.update();
  else if (changed.has("wipe")) stage.layOut();
});

let playing = null;

function play() {
  stage.playing = !stage.playing;
  byId("play").setAttribute("aria-pressed", String(stage.playing));
  clearInterval(playing);
  if (!stage.playing) return stage.sharpenLater();
  const rate = Math.min(60, scores?.rate || 25);
  const start = performance.now();
  const first = state.frame >= count() - 1 ? 0 : state.frame;
  const step = () => {
    const frame = first + Math.floor(((performance.now() - start) / 1000) * rate);
    if (frame >= count() - 1) {
      seek(count() - 1);
      if (stage.playing) play();
    } else seek(frame);
  };
  step();
  playing = setInterval(step, 1000 / rate);
}

function step(by) {
  return (event) => {
    if (stage.playing) play();
    stage.repeating = event?.repeat ?? false;
    stage.direction = by;
    seek(state.frame + by);
  };
}

const rested = () => {
  if (!stage.repeating) return;
  stage.repeating = false;
  stage.sharpenLater();
};

async function savePair() {
  const frame = state.frame;
  try {
    const data = await blob(`encodes/${state.encode}/pairs/${frame}/pair.png`);
    const link = make("a");
    link.href = URL.createObjectURL(data);
    link.download = `frame-${String(frame).padStart(6, "0")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(`saved the pair of frame ${frame}`);
  } catch (error) {
    say(error.message, true);
  }
}

async function writeMarked() {
  const pairs = notes.marked;
  if (!pairs.length) return say("no frame is marked; m marks the one that is shown");
  say(`writing ${pairs.length} pairs…`);
  try {
    const answer = await send("POST", `encodes/${state.encode}/export`, { pairs });
    say(`wrote ${answer.files} pictures into ${answer.folder}`);
  } catch (error) {
    say(error.message, true);
  }
}

function gain(by) {
  const at = GAINS.findIndex((one) => one >= state.gain);
  set({ gain: GAINS[Math.max(0, Math.min(GAINS.length - 1, at + by))] });
}

function encode(by) {
  const all = session.encodes.length;
  set({ encode: (state.encode + by + all) % all });
}

const mode = (name) => () => set({ mode: name });
const { help } = keys([
  { keys: ["ArrowLeft"], text: "one frame back", run: step(-1), up: rested },
  { keys: ["ArrowRight"], text: "one frame on", run: step(1), up: rested },
  { keys: ["Shift+ArrowLeft", "PageUp"], text: "ten frames back", run: step(-10) },
  { keys: ["Shift+ArrowRight", "PageDown"], text: "ten frames on", run: step(10) },
  { keys: ["Home"], text: "first frame", run: () => seek(0) },
  { keys: ["End"], text: "last frame", run: () => seek(count() - 1) },
  { keys: [" "], text: "play and stop", run: play },
  { keys: ["n"], text: "next worst frame", run: () => worst.go(1) },
  { keys: ["p"], text: "worst frame before", run: () => worst.go(-1) },
  { keys: [".", ","], text: "next mark of alignment or event, and the one before", run: (event) => timeline.next(event.key === "." ? 1 : -1) },
  { keys: ["1"], text: "side by side", run: mode("side") },
  { keys: ["2"], text: "wipe", run: mode("wipe") },
  { keys: ["f"], text: "flicker; then it flips by itself", run: mode("flicker") },
  { keys: ["x"], text: "flip the flicker by hand", run: () => { stage.hold(true); stage.flip(true); } },
  { keys: ["3"], text: "distorted alone", run: mode("distorted") },
  { keys: ["4"], text: "reference alone", run: mode("reference") },
  { keys: ["d"], text: "difference", run: mode("difference") },
  { keys: ["+", "-"], text: "more or less gain of the difference", run: (event) => gain(event.key === "+" ? 1 : -1) },
  { keys: ["5"], text: "map of SSIM", run: mode("ssim") },
  { keys: ["z"], text: "fit or full size", run: () => set({ fit: !state.fit }) },
  { keys: ["l"], text: "loupe with code values", run: () => loupe.toggle() },
  { keys: ["Shift+ArrowUp"], text: "move the loupe up", run: () => loupe.move(0, -1) },
  { keys: ["Shift+ArrowDown"], text: "move the loupe down", run: () => loupe.move(0, 1) },
  { keys: ["[", "]"], text: "move the loupe left, right", run: (event) => loupe.move(event.key === "]" ? 1 : -1, 0) },
  { keys: ["m"], text: "mark this frame", run: () => notes.mark("marked") },
  { keys: ["a"], text: "accept this frame", run: () => notes.mark("accepted") },
  { keys: ["c"], text: "write a note", run: () => byId("note").focus() },
  { keys: ["s"], text: "save this pair as a PNG", run: savePair },
  { keys: ["e"], text: "write the marked frames into a folder", run: writeMarked },
  { keys: ["j", "k"], text: "next encode, and the one before", run: (event) => encode(event.key === "j" ? 1 : -1) },
  { keys: ["0"], text: "show all of the timeline", run: () => set({ from: null, to: null }) },
  { keys: ["?"], text: "these keys", run: () => help() },
]);

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("stage").focus();
});
byId("gain").replaceChildren(...GAINS.map((one) => new Option(`×${one}`, one)));
byId("gain").addEventListener("change", (event) => set({ gain: Number(event.target.value) }));
byId("mapping").addEventListener("change", (event) => set({ mapping: event.target.value }));
byId("fit").addEventListener("click", () => set({ fit: !state.fit }));
byId("encode").addEventListener("change", (event) => set({ encode: Number(event.target.value) }));
byId("save-pair").addEventListener("click", savePair);
byId("save-marked").addEventListener("click", writeMarked);
byId("frame").addEventListener("change", (event) => seek(Number(event.target.value) || 0));
byId("seek").addEventListener("input", (event) => {
  stage.dragging = true;
  stage.direction = Number(event.target.value) >= state.frame ? 1 : -1;
  seek(Number(event.target.value));
});
byId("seek").addEventListener("change", () => {
  stage.dragging = false;
  stage.sharpenLater();
});
theme(() => timeline.redraw());

try {
  session = await ask("session");
  document.title = `${session.title} – viewer`;
  byId("title").textContent = session.title;
  byId("encode").replaceChildren(...session.encodes.map((one, i) => new Option(one.group ? `${one.group}: ${one.label}` : one.label, i)));
  byId("encode-label").hidden = session.encodes.length < 2;
  if (state.encode >= session.encodes.length) state.encode = 0;
  byId("encode").value = state.encode;
  await openEncode();
} catch (error) {
  byId("wait").textContent = `the server does not answer (${error.message})`;
}
