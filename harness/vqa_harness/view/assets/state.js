// What is shown now. It stands in the address, behind #, so that a colleague opens the same view.
const DEFAULTS = {
  encode: 0, frame: 0, mode: "side", gain: 8, mapping: "shown", fit: true, wipe: 50, metric: "", from: null, to: null,
};
const MODES = ["side", "wipe", "flicker", "distorted", "reference", "difference", "ssim"];
const whole = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
const READ = {
  encode: whole,
  frame: whole,
  gain: whole,
  wipe: whole,
  from: whole,
  to: whole,
  mode: (text) => (MODES.includes(text) ? text : undefined),
  mapping: (text) => (["shown", "codes"].includes(text) ? text : undefined),
  fit: (text) => (text === "1" ? true : text === "0" ? false : undefined),
  metric: (text) => text.slice(0, 200),
};
const listeners = [];

export const state = { ...DEFAULTS };

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = { ...DEFAULTS };
  for (const [name, text] of given) {
    const value = Object.hasOwn(READ, name) ? READ[name](text) : undefined;
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function written() {
  const kept = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (value !== DEFAULTS[name]) kept.set(name, typeof value === "boolean" ? (value ? "1" : "0") : value);
  }
  return "#" + kept.toString();
}

let timer = null;

// Browsers allow only so many changes of the address in a while, so it follows when things rest.
function put() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (location.hash !== written()) history.replaceState(null, "", written());
  }, 120);
}

export function listen(listener) {
  listeners.push(listener);
}

export function set(changes) {
  const changed = new Set(Object.keys(changes).filter((name) => state[name] !== changes[name]));
  if (!changed.size) return;
  Object.assign(state, changes);
  put();
  for (const listener of listeners) listener(changed);
}

export function begin() {
  Object.assign(state, read());
  addEventListener("hashchange", () => set(read()));
}
