"use strict";
const SHOTS = [...document.querySelectorAll(".shots.full")];
const VIEWER = document.getElementById("viewer");
const SIDES = ["distorted", "reference"];
const view = { at: 0, side: 0, pixels: false };
const part = (name) => VIEWER.querySelector("." + name);

function stageSize(pictures) {
  const { naturalWidth: width, naturalHeight: height } = pictures[pictures.length - 1];
  const room = part("view");
  const fit = Math.min(1, room.clientWidth / width, room.clientHeight / height);
  const scale = view.pixels ? 1 / devicePixelRatio : fit;
  return [width * scale, height * scale];
}

function showSide() {
  const pictures = [...part("stage").children];
  const side = pictures.length > 1 ? view.side : 0;
  pictures.forEach((picture, i) => (picture.style.visibility = i === side ? "visible" : "hidden"));
  part("which").textContent = SIDES[side];
  part("which").classList.toggle("reference", side === 1);
  part("flip").disabled = pictures.length < 2;
}

function fitStage() {
  const pictures = [...part("stage").children];
  if (!VIEWER.open || !pictures.length) return;
  const [width, height] = stageSize(pictures);
  Object.assign(part("stage").style, { width: `${width}px`, height: `${height}px` });
  part("zoom").setAttribute("aria-pressed", String(view.pixels));
}

function showShot(index) {
  view.at = (index + SHOTS.length) % SHOTS.length;
  const shot = SHOTS[view.at];
  part("stage").replaceChildren(
    ...[...shot.querySelectorAll("img")].map((picture, i) => {
      const large = element("img");
      large.src = picture.src;
      large.alt = SIDES[i];
      return large;
    }),
  );
  const caption = shot.parentElement.querySelector("figcaption").innerText.replace(/\s+/g, " ").trim();
  part("caption").textContent = `${caption} (${view.at + 1} of ${SHOTS.length})`;
  showSide();
  const drawn = [...part("stage").children].map((picture) => picture.decode().catch(() => {}));
  return Promise.all(drawn).then(fitStage);
}

function flip() {
  view.side = 1 - view.side;
  showSide();
}

function zoom() {
  view.pixels = !view.pixels;
  fitStage();
}

const KEYS = {
  f: flip,
  ArrowUp: flip,
  ArrowDown: flip,
  z: zoom,
  ArrowLeft: () => showShot(view.at - 1),
  ArrowRight: () => showShot(view.at + 1),
};

SHOTS.forEach((shot, index) => {
  shot.addEventListener("click", () => {
    view.side = 0;
    view.pixels = false;
    VIEWER.showModal();
    showShot(index);
  });
});
VIEWER.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.target.tagName === "BUTTON";
  const scrolls = view.pixels && event.key.startsWith("Arrow");
  const act = event.key === " " ? !onButton && flip : !scrolls && KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
VIEWER.addEventListener("close", () => {
  part("stage").replaceChildren();
  SHOTS[view.at].focus();
});
part("stage").addEventListener("click", flip);
for (const [name, act] of Object.entries({
  flip,
  zoom,
  previous: KEYS.ArrowLeft,
  next: KEYS.ArrowRight,
  close: () => VIEWER.close(),
})) {
  part(name).addEventListener("click", act);
}
addEventListener("resize", fitStage);
