// The pictures: which are asked for, when, and how the two lie beside or over each other.
import { Refused, blob } from "./api.js";
import { byId, make } from "./page.js";
import { set, state } from "./state.js";

const LABELS = {
  side: "Side by side", wipe: "Wipe", flicker: "Flicker", distorted: "Distorted", reference: "Reference",
  difference: "Difference", ssim: "SSIM map",
};
const KEYS = { side: "1", wipe: "2", flicker: "f", distorted: "3", reference: "4", difference: "d", ssim: "5" };
const SINGLE = ["distorted"];
const STEP = 64;
const RESTING = 180;
const FLICKER = 400;

export class Stage {
  constructor() {
    this.host = byId("stage");
    this.pairing = null;
    this.images = new Map();
    this.urls = new Map();
    this.running = false;
    this.wanted = false;
    this.moved = 0;
    this.direction = 1;
    this.flipped = false;
    this.rest = null;
    this.shownFrame = null;
    this.onpicture = () => {};
    this.makeModes();
    setInterval(() => this.flip(), FLICKER);
    new ResizeObserver(() => this.layOut()).observe(this.host);
    this.host.addEventListener("pointerdown", (event) => this.wipeFrom(event));
  }

  makeModes() {
    this.buttons = new Map();
    for (const [mode, label] of Object.entries(LABELS)) {
      const button = make("button", "", label);
      button.type = "button";
      button.title = `${label} (${KEYS[mode]})`;
      button.addEventListener("click", () => set({ mode }));
      byId("modes").append(button);
      this.buttons.set(mode, button);
    }
  }

  open(pairing) {
    this.pairing = pairing;
    this.forget();
    const both = Boolean(pairing && pairing.sides.reference);
    for (const [mode, button] of this.buttons) button.hidden = !both && !SINGLE.includes(mode);
    byId("mapping-label").hidden = !pairing || !Object.values(pairing.sides).some((one) => one.hdr);
    this.update();
  }

  forget() {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
    this.images.clear();
    this.host.replaceChildren();
    this.layout = "";
  }

  get mode() {
    const both = Boolean(this.pairing && this.pairing.sides.reference);
    return both || SINGLE.includes(state.mode) ? state.mode : "distorted";
  }

  get parts() {
    const mode = this.mode;
    return ["side", "wipe", "flicker"].includes(mode) ? ["reference", "distorted"] : [mode];
  }

  update() {
    for (const [mode, button] of this.buttons) button.setAttribute("aria-pressed", String(mode === this.mode));
    byId("gain-label").hidden = this.mode !== "difference";
    byId("gain").value = String(state.gain);
    byId("mapping").value = state.mapping;
    byId("fit").setAttribute("aria-pressed", String(state.fit));
    if (!this.pairing) return;
    this.layOut();
    this.moved = performance.now();
    this.ask();
  }

  layOut() {
    if (!this.pairing) return;
    const { width, height } = this.pairing.sides.distorted;
    const sar = this.pairing.sides.distorted.sar || 1;
    const wanted = this.parts.join() + this.mode;
    if (this.layout !== wanted) this.build(wanted);
    const columns = this.mode === "side" && this.host.clientWidth > 620 ? 2 : 1;
    this.host.dataset.mode = this.mode;
    this.host.style.setProperty("--columns", columns);
    const room = (this.host.clientWidth - (columns - 1) * 4) / columns;
    const shape = (width * sar) / height;
    const tall = Math.max(180, innerHeight * (columns === 1 && this.mode === "side" ? 0.36 : 0.62));
    const fitted = Math.min(room, tall * shape);
    const across = state.fit ? fitted : (width * sar) / devicePixelRatio;
    this.host.style.setProperty("--across", `${Math.floor(across)}px`);
    this.host.style.setProperty("--shape", shape);
    this.host.style.setProperty("--wipe", `${Math.min(100, state.wipe)}%`);
    this.host.classList.toggle("full", !state.fit);
    const need = Math.ceil((Math.ceil(across * devicePixelRatio) / sar) / STEP) * STEP;
    const asked = Math.min(width, need);
    if (asked !== this.asked) {
      this.asked = asked;
      this.moved = performance.now();
      this.ask();
    }
    for (const image of this.images.values()) image.parentElement.classList.toggle("crisp", !state.fit);
  }

  build(wanted) {
    this.layout = wanted;
    this.images.clear();
    const frames = this.parts.map((part) => {
      const figure = make("figure", `shot ${part}`);
      const image = make("img");
      image.alt = "";
      image.draggable = false;
      figure.append(image, make("figcaption", "", LABELS[part]));
      this.images.set(part, image);
      return figure;
    });
    const stack = make("div", "stack");
    stack.append(...frames);
    if (this.mode === "wipe") stack.append(this.handle());
    this.host.replaceChildren(stack);
    this.flipped = false;
  }

  handle() {
    const bar = make("input", "wipe-bar");
    bar.type = "range";
    bar.min = 0;
    bar.max = 100;
    bar.value = state.wipe;
    bar.setAttribute("aria-label", "Where the wipe stands: the reference left, the distorted right");
    bar.addEventListener("input", () => set({ wipe: Number(bar.value) }));
    return bar;
  }

  wipeFrom(event) {
    if (this.mode !== "wipe" || event.target.tagName === "INPUT") return;
    const shot = this.host.querySelector(".shot");
    const move = (one) => {
      const box = shot.getBoundingClientRect();
      const share = Math.round((100 * (one.clientX - box.left)) / box.width);
      set({ wipe: Math.max(0, Math.min(100, share)) });
      const bar = this.host.querySelector(".wipe-bar");
      if (bar) bar.value = state.wipe;
    };
    move(event);
    const end = () => removeEventListener("pointermove", move);
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  }

  flip(now = false) {
    if (this.mode !== "flicker" || (this.held && !now)) return;
    this.flipped = !this.flipped;
    this.host.classList.toggle("flipped", this.flipped);
  }

  hold(held) {
    this.held = held;
  }

  path(part, form) {
    const query = new URLSearchParams({ width: this.asked, form });
    if (part === "difference") query.set("gain", state.gain);
    if (state.mapping !== "shown") query.set("mapping", state.mapping);
    if (this.direction > 0) query.set("ahead", 2);
    return `encodes/${state.encode}/pairs/${state.frame}/${part}?${query}`;
  }

  // One set of pictures is asked for at a time, and always the one that is wanted by then: whoever
  // scrubs sees as many as the server can make, and never waits for those that went by.
  async ask() {
    this.wanted = true;
    if (this.running) return;
    this.running = true;
    while (this.wanted) {
      this.wanted = false;
      await this.fetchOnce(performance.now() - this.moved < RESTING && this.scrubbing ? "jpeg" : "png");
    }
    this.running = false;
  }

  get scrubbing() {
    return this.playing || this.dragging || this.repeating;
  }

  async fetchOnce(form) {
    if (!this.pairing || !this.asked) return;
    const frame = state.frame;
    const encode = state.encode;
    const parts = this.parts;
    const paths = parts.map((part) => this.path(part, form));
    this.host.classList.add("loading");
    try {
      const blobs = await Promise.all(paths.map((path) => blob(path)));
      if (encode !== state.encode || parts.join() !== this.parts.join()) return;
      await Promise.all(parts.map((part, i) => this.put(part, blobs[i])));
      this.shownFrame = frame;
      this.host.dataset.frame = String(frame);
      this.host.dataset.form = form;
      this.host.setAttribute("aria-label", `${LABELS[this.mode]}, frame ${frame}`);
      byId("wait").textContent = "";
      this.onpicture(frame);
      if (form === "jpeg") this.sharpenLater();
    } catch (error) {
      if (error instanceof Refused && error.status === 503) {
        this.wanted = true;
        return;
      }
      byId("wait").textContent = error instanceof Refused ? error.message : "the server does not answer; is it still running?";
    } finally {
      this.host.classList.remove("loading");
    }
  }

  async put(part, data) {
    const image = this.images.get(part);
    if (!image) return;
    const url = URL.createObjectURL(data);
    const old = this.urls.get(part);
    image.src = url;
    this.urls.set(part, url);
    try {
      await image.decode();
    } catch {
      return; // another picture was put in its place meanwhile
    } finally {
      if (old) URL.revokeObjectURL(old);
    }
  }

  sharpenLater() {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      if (this.host.dataset.form === "jpeg") this.ask();
    }, RESTING + 20);
  }
}
