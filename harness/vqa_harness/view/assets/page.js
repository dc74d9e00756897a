// Small things that every part of the page uses.
export const byId = (name) => document.getElementById(name);

export function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function shown(value) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3).replace("-", "−");
}

export function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}` : `${seconds.toFixed(2)} s`;
}

let timer = null;

export function say(text, bad = false) {
  const place = byId("said");
  place.textContent = text;
  place.classList.toggle("bad", bad);
  clearTimeout(timer);
  if (text && !bad) timer = setTimeout(() => (place.textContent = ""), 6000);
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

export function theme(redraw) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const set = (name) => {
    root.dataset.theme = name;
    redraw();
  };
  set(dark.matches ? "dark" : "light");
  dark.addEventListener("change", (event) => set(event.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => set(root.dataset.theme === "dark" ? "light" : "dark"));
}
