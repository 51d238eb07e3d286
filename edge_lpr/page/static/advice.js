// Shows the plates in the picture now, and the advice about the camera.

import { word } from "./words.js";

const byId = (id) => document.getElementById(id);

export function showNow(scene) {
  const plates = scene.Plates.map(({ Number, Confidence, PlateWidth, Track }) =>
    [Number, Track === null ? word("outside") : word("sure", { value: Confidence }), word("px", { value: PlateWidth })].join(" · "),
  );
  const narrow = scene.Narrow.map(({ PlateWidth }) => word("now-narrow", { value: PlateWidth }));
  byId("now").textContent = [...plates, ...narrow].join("\u2003") || word("now-none");
}

export function showAdvice(advice, limits) {
  byId("advice").replaceChildren(
    ...advice.map(({ Topic, Level, Code, Value }) => {
      const line = document.createElement("li");
      const topic = Object.assign(document.createElement("span"), { className: `topic mark ${Level}`, textContent: word(`topic-${Topic}`) });
      const text = word(`${Topic}-${Code}`, { value: Value === null ? "" : Math.abs(Value), least: limits.MinPlateWidth, comfortable: limits.ComfortablePlateWidth });
      line.append(topic, Object.assign(document.createElement("span"), { textContent: text }));
      return line;
    }),
  );
}
