// The last passages, and a dialog with the pictures of one.

import { ask } from "./ask.js";
import { formatTime, onLanguage, word } from "./words.js";

const byId = (id) => document.getElementById(id);
const pictureOf = (path) => `evidence/${path.split("/").map(encodeURIComponent).join("/")}`;

let passages = [];
let shown = null;

export async function loadPassages() {
  passages = (await (await ask("passages")).json()).Passages;
  render();
}

function render() {
  const items = passages.map(item);
  if (!items.length) items.push(Object.assign(document.createElement("li"), { className: "empty", textContent: word("no-passages") }));
  byId("passages").replaceChildren(...items);
}

function item(passage) {
  const line = document.createElement("li");
  const inner = document.createElement(passage.Crop ? "button" : "div");
  if (passage.Crop) {
    inner.type = "button";
    inner.addEventListener("click", () => open(passage));
    const picture = document.createElement("img");
    picture.loading = "lazy";
    picture.alt = word("crop-of", { value: passage.Number });
    picture.src = pictureOf(passage.Crop);
    inner.append(picture);
  } else {
    inner.className = "still";
    inner.append(element("none", word("no-crop")));
  }
  const text = document.createElement("span");
  text.append(element("number", passage.Number), element("facts", facts(passage)));
  inner.append(text);
  line.append(inner);
  return line;
}

function element(name, text) {
  return Object.assign(document.createElement("span"), { className: name, textContent: text });
}

function facts(passage) {
  const way = passage.Crossing ? word(`crossing-${passage.Crossing}`) : passage.Direction && passage.Direction !== "unknown" ? word(passage.Direction) : null;
  const sure = passage.Confidence === null ? null : word("sure", { value: passage.Confidence });
  return [formatTime(passage.At), way, sure, ...passage.Lists.map((name) => word(`list-${name}`))].filter(Boolean).join(" · ");
}

function open(passage) {
  shown = passage;
  byId("viewer-title").textContent = passage.Number;
  byId("viewer-facts").textContent = facts(passage);
  byId("viewer-problem").textContent = "";
  byId("viewer-crop").src = pictureOf(passage.Crop);
  byId("viewer-crop").alt = word("crop-of", { value: passage.Number });
  byId("viewer-frame").hidden = !passage.HasFrame;
  if (passage.HasFrame) {
    byId("viewer-frame").src = pictureOf(passage.Crop.replace("-crop.jpg", "-frame.jpg"));
    byId("viewer-frame").alt = word("frame-of", { value: passage.Number });
  }
  askAgain(false);
  byId("viewer").showModal();
}

function askAgain(isSure) {
  const button = byId("viewer-delete");
  button.dataset.word = isSure ? "delete-sure" : "delete";
  button.textContent = word(button.dataset.word);
}

byId("viewer-close").addEventListener("click", () => byId("viewer").close());
byId("viewer-delete").addEventListener("click", async () => {
  if (byId("viewer-delete").dataset.word === "delete") return askAgain(true);
  try {
    await ask(pictureOf(shown.Crop), { method: "DELETE" });
    byId("viewer").close();
    await loadPassages();
  } catch (error) {
    byId("viewer-problem").textContent = error.words ?? String(error);
  }
});
onLanguage(render);
