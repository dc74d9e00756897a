// The pixel under the pointer or the keyboard's cross, enlarged, with the code values of both sides.
import { ask } from "./api.js";
import { byId, make } from "./page.js";
import { state } from "./state.js";

const REACH = 3;

export class Loupe {
  constructor(stage) {
    this.stage = stage;
    this.on = false;
    this.at = null;
    this.box = make("div", "loupe");
    this.box.hidden = true;
    this.box.setAttribute("role", "status");
    byId("stage-section").append(this.box);
    stage.host.addEventListener("pointermove", (event) => this.follow(event));
    byId("loupe").addEventListener("click", () => this.toggle());
  }

  toggle() {
    this.on = !this.on;
    byId("loupe").setAttribute("aria-pressed", String(this.on));
    this.box.hidden = !this.on;
    if (this.on && !this.at && this.stage.pairing) {
      const { width, height } = this.stage.pairing.sides.distorted;
      this.at = [Math.floor(width / 2), Math.floor(height / 2)];
    }
    this.update();
  }

  move(dx, dy) {
    if (!this.on || !this.at) return;
    const { width, height } = this.stage.pairing.sides.distorted;
    this.at = [Math.max(0, Math.min(width - 1, this.at[0] + dx)), Math.max(0, Math.min(height - 1, this.at[1] + dy))];
    this.update();
  }

  follow(event) {
    const image = event.target.closest?.(".shot")?.querySelector("img");
    if (!this.on || !image || !this.stage.pairing) return;
    const box = image.getBoundingClientRect();
    const { width, height } = this.stage.pairing.sides.distorted;
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    this.at = [x, y];
    this.update();
  }

  async update() {
    if (!this.on || !this.at) return;
    this.wanted = true;
    if (this.running) return;
    this.running = true;
    try {
      while (this.wanted) {
        this.wanted = false;
        const [x, y] = this.at;
        const query = new URLSearchParams({ x, y, reach: REACH });
        const codes = await ask(`encodes/${state.encode}/pairs/${state.frame}/codes?${query}`);
        this.show(codes, x, y);
      }
    } catch (error) {
      this.box.replaceChildren(make("p", "", error.message));
    } finally {
      this.running = false;
    }
  }

  show(codes, x, y) {
    const parts = [make("p", "loupe-head", `pixel ${x}, ${y}`)];
    for (const side of ["reference", "distorted"]) {
      if (codes[side]) parts.push(this.table(side, codes[side]));
    }
    if (codes.reference) parts.push(this.difference(codes));
    this.box.replaceChildren(...parts);
  }

  table(side, code) {
    const middle = code.values.map((rows) => rows[REACH][REACH]);
    const figure = make("figure");
    const text = code.names.map((name, i) => `${name} ${middle[i]}`).join("  ");
    figure.append(make("figcaption", "", `${side}: ${text} (${code.depth} bits)`));
    const table = make("table");
    table.setAttribute("aria-label", `${code.names[0]} around the pixel, ${side}`);
    code.values[0].forEach((row, i) => {
      const line = make("tr");
      row.forEach((value, j) => line.append(make("td", i === REACH && j === REACH ? "here" : "", value === null ? "" : String(value))));
      table.append(line);
    });
    figure.append(table);
    return figure;
  }

  difference(codes) {
    const names = codes.distorted.names;
    const texts = names.map((name, i) => {
      const [one, two] = [codes.distorted, codes.reference].map((code) => code.values[i]?.[REACH]?.[REACH]);
      return one === undefined || two === undefined ? "" : `${name} ${one - two > 0 ? "+" : ""}${one - two}`.replace("-", "−");
    });
    return make("p", "", `distorted − reference: ${texts.join("  ")}`);
  }
}
