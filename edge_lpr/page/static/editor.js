// Draws lane, ignored areas and line by finger, mouse or keyboard, and saves them.

import { ask } from "./ask.js";
import { onLanguage, word } from "./words.js";

const STEP = 0.01;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const byId = (id) => document.getElementById(id);
const clamp = (value) => Math.min(1, Math.max(0, Math.round(value * 1000) / 1000));

export class Editor {
  #stage;
  #saved = { Lane: [], Ignore: [], Line: [], LineIn: "down" };
  #kind = null;
  #area = 0;
  #corner = -1;
  #onSaved;
  canSave = true;

  constructor(stage, onSaved) {
    this.#stage = stage;
    this.#onSaved = onSaved;
    for (const button of document.querySelectorAll("[data-shape]"))
      button.addEventListener("click", () => (this.#kind === button.dataset.shape ? this.#end() : this.#begin(button.dataset.shape)));
    for (const button of document.querySelectorAll("[data-way]"))
      button.addEventListener("click", () => this.#change(() => (this.#shapes.LineIn = button.dataset.way)));
    byId("stage").addEventListener("pointerdown", (event) => this.#tap(event));
    byId("add").addEventListener("click", () => this.#addCorner());
    byId("remove").addEventListener("click", () => this.#removeCorner());
    byId("clear").addEventListener("click", () => this.#clear());
    byId("cancel").addEventListener("click", () => this.#end());
    byId("save").addEventListener("click", () => this.#save());
    onLanguage(() => this.#render());
  }

  /** Takes the shapes in force; ignored while somebody draws. */
  take(shapes) {
    this.#saved = shapes;
    if (this.#kind === null) {
      this.#stage.shapes = structuredClone(shapes);
      this.#stage.draw();
    }
  }

  get #shapes() {
    return this.#stage.shapes;
  }

  get #points() {
    if (this.#kind === "lane") return this.#shapes.Lane;
    if (this.#kind === "line") return this.#shapes.Line;
    return (this.#shapes.Ignore[this.#area] ??= []);
  }

  #begin(kind) {
    if (this.#kind === null) this.#stage.shapes = structuredClone(this.#saved);
    this.#kind = kind;
    this.#area = 0;
    this.#corner = -1;
    this.#change(() => {});
    byId("problem").textContent = this.canSave ? "" : word("cannot-save");
    byId("stage").scrollIntoView({ block: "nearest" });
  }

  #end() {
    this.#kind = null;
    this.#stage.shapes = structuredClone(this.#saved);
    this.#change(() => {});
  }

  #change(what) {
    what();
    byId("problem").textContent = "";
    this.#render();
    this.#stage.draw();
  }

  #tap(event) {
    if (this.#kind === null || event.target.closest(".handle")) return;
    event.preventDefault();
    this.#add(this.#place(event));
    this.#drag(event, byId("stage"));
  }

  #add(at) {
    this.#change(() => {
      if (this.#kind === "line" && this.#points.length === 2) {
        this.#corner = distance(this.#points[0], at) < distance(this.#points[1], at) ? 0 : 1;
        this.#points[this.#corner] = at;
      } else {
        this.#corner = whereToInsert(this.#points, at);
        this.#points.splice(this.#corner, 0, at);
      }
    });
  }

  /** Without a pointer: adds a corner in the middle, which the arrow keys move. */
  #addCorner() {
    const turn = this.#points.length * 2.4;
    this.#add([clamp(0.5 + 0.2 * Math.cos(turn)), clamp(0.5 + 0.2 * Math.sin(turn))]);
    byId("handles").children[this.#corner].focus();
  }

  #drag(event, element) {
    element.setPointerCapture(event.pointerId);
    const move = (moved) => this.#change(() => (this.#points[this.#corner] = this.#place(moved)));
    const stop = () => {
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", stop);
      element.removeEventListener("pointercancel", stop);
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", stop);
    element.addEventListener("pointercancel", stop);
  }

  #place(event) {
    const box = byId("picture").getBoundingClientRect();
    return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
  }

  #removeCorner() {
    this.#change(() => {
      this.#points.splice(this.#corner < 0 ? -1 : this.#corner, 1);
      this.#corner = -1;
    });
  }

  #clear() {
    this.#change(() => {
      if (this.#kind === "ignore") this.#shapes.Ignore.splice(this.#area, 1);
      else this.#points.length = 0;
      this.#area = 0;
      this.#corner = -1;
    });
  }

  async #save() {
    const button = byId("save"), problem = byId("problem");
    const wanted = { ...this.#shapes, Ignore: this.#shapes.Ignore.filter((area) => area.length) };
    problem.textContent = unfinished(wanted);
    if (problem.textContent) return;
    button.disabled = true;
    button.textContent = word("saving");
    try {
      const told = await (await ask("lane", { method: "POST", body: wanted })).json();
      this.#saved = structuredClone(wanted);
      this.#end();
      this.#onSaved(word(told.NeedRestart.length ? "saved-restart" : "saved"));
    } catch (error) {
      problem.textContent = error.words ?? String(error);
    } finally {
      button.disabled = false;
      button.textContent = word("save");
    }
  }

  #render() {
    const kind = this.#kind;
    byId("stage").classList.toggle("editing", kind !== null);
    byId("editor").hidden = kind === null;
    for (const button of document.querySelectorAll("[data-shape]")) button.setAttribute("aria-pressed", String(button.dataset.shape === kind));
    for (const button of document.querySelectorAll("[data-way]")) button.setAttribute("aria-pressed", String(button.dataset.way === this.#shapes.LineIn));
    byId("areas").hidden = kind !== "ignore";
    byId("ways").hidden = kind !== "line";
    byId("add").hidden = kind === "line" && this.#points.length === 2;
    byId("remove").hidden = kind === "line";
    if (kind !== null) byId("hint").textContent = word(`hint-${kind}`);
    this.#renderAreas();
    this.#renderHandles(kind === null ? [] : this.#points);
  }

  #renderAreas() {
    const areas = this.#shapes.Ignore;
    const names = areas.map((_, i) => word("area", { value: i + 1 }));
    if (!areas.length || areas.at(-1).length) names.push(word("new-area"));
    byId("areas").replaceChildren(
      ...names.map((name, i) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.setAttribute("aria-pressed", String(i === this.#area));
        button.addEventListener("click", () => this.#change(() => ([this.#area, this.#corner] = [i, -1])));
        return button;
      }),
    );
  }

  #renderHandles(points) {
    const box = byId("handles");
    while (box.children.length > points.length) box.lastChild.remove();
    while (box.children.length < points.length) box.append(this.#handle(box.children.length));
    points.forEach(([x, y], i) => {
      const handle = box.children[i];
      handle.style.left = `${x * 100}%`;
      handle.style.top = `${y * 100}%`;
      handle.classList.toggle("chosen", i === this.#corner);
      handle.setAttribute("aria-label", word("corner", { value: i + 1 }));
    });
  }

  #handle(index) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "handle";
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#change(() => (this.#corner = index));
      this.#drag(event, handle);
    });
    handle.addEventListener("focus", () => this.#change(() => (this.#corner = index)));
    handle.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") this.#removeCorner();
      const move = MOVES[event.key];
      if (!move) return;
      event.preventDefault();
      this.#change(() => (this.#points[index] = this.#points[index].map((value, axis) => clamp(value + STEP * move[axis]))));
    });
    return handle;
  }
}

/** Returns what is missing in an unfinished shape, as text. The gate checks everything else. */
function unfinished({ Lane, Ignore, Line }) {
  if ([Lane, ...Ignore].some((area) => area.length === 1 || area.length === 2)) return word("few-corners");
  return Line.length === 1 ? word("few-points") : "";
}

const distance = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);

/** Returns the index at which a new corner lengthens the polygon's outline least. */
function whereToInsert(points, at) {
  if (points.length < 3) return points.length;
  const detours = points.map((point, i) => {
    const next = points[(i + 1) % points.length];
    return distance(point, at) + distance(at, next) - distance(point, next);
  });
  return detours.indexOf(Math.min(...detours)) + 1;
}
