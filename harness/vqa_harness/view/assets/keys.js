// Everything by a key; the table is what `?` shows.
import { byId, make } from "./page.js";

export function keys(actions) {
  const table = byId("keys-table");
  for (const { keys: names, text } of actions) {
    const row = make("tr");
    const cell = make("td");
    names.forEach((name, i) => {
      if (i) cell.append(" ");
      cell.append(make("kbd", "", NAMES[name] ?? name));
    });
    row.append(cell, make("td", "", text));
    table.append(row);
  }
  const dialog = byId("keys");
  byId("help").addEventListener("click", () => dialog.showModal());
  const of = new Map(actions.flatMap((one) => one.keys.map((name) => [name, one])));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const field = event.target;
    const typing = field.matches?.("input[type=text], input[type=number], select");
    if (event.key === "Escape" && typing) return field.blur();
    const own = field.matches?.("input[type=range]") && event.key.startsWith("Arrow") && field.id !== "seek";
    const pressing = field.matches?.("button, a, summary") && [" ", "Enter"].includes(event.key);
    const name = (event.shiftKey && event.key.startsWith("Arrow") ? "Shift+" : "") + event.key;
    const action = of.get(name);
    if (typing || own || pressing || !action) return;
    event.preventDefault();
    action.run(event);
  });
  addEventListener("keyup", (event) => of.get(event.key)?.up?.());
  for (const button of document.querySelectorAll("[data-key]")) {
    button.addEventListener("click", (event) => of.get(button.dataset.key).run(event));
  }
  return { help: () => dialog.showModal() };
}

const NAMES = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", "Shift+ArrowLeft": "⇧←", "Shift+ArrowRight": "⇧→",
  "Shift+ArrowUp": "⇧↑", "Shift+ArrowDown": "⇧↓", " ": "space",
};
