// The picture with what is drawn over it: lane, ignored areas, line, plates with their readings, and their tracks.

import { word } from "./words.js";

const LANE = "#2fbf71", IGNORE = "#ff8a5c", LINE = "#ffd54a", PLATE = "#4ade80", UNSURE = "#ffd54a", OUTSIDE = "#c3ccd5";
const TRAIL = 40;

export class Stage {
  #canvas = document.getElementById("picture");
  #context = this.#canvas.getContext("2d");
  #scene = null;
  #bitmap = null;
  #trails = new Map();
  shapes = { Lane: [], Ignore: [], Line: [], LineIn: "down" };
  minConfidence = 80;

  show(scene, bitmap) {
    this.#bitmap?.close();
    this.#scene = scene;
    this.#bitmap = bitmap;
    this.#follow(scene.Plates);
    this.draw();
  }

  draw() {
    const canvas = this.#canvas;
    const [wide, high] = this.#scene ? [this.#scene.Width, this.#scene.Height] : [16, 9];
    // As many pixels as the screen has, so that letters are sharp on a phone.
    const width = Math.max(320, Math.round(canvas.clientWidth * Math.min(devicePixelRatio, 2)));
    const height = Math.round((width * high) / wide);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = this.#context;
    context.fillStyle = "#0c141c";
    context.fillRect(0, 0, width, height);
    if (this.#bitmap) context.drawImage(this.#bitmap, 0, 0, width, height);
    this.#drawShapes();
    this.#trails.forEach(({ points }) => this.#path(points, false, PLATE, 2));
    for (const plate of this.#scene?.Narrow ?? []) {
      this.#path(plate.Corners, true, OUTSIDE, 2);
      this.#label(plate.Corners, word("px", { value: plate.PlateWidth }), OUTSIDE);
    }
    for (const plate of this.#scene?.Plates ?? []) this.#drawPlate(plate);
  }

  #drawPlate(plate) {
    const isFollowed = plate.Track !== null;
    const color = !isFollowed ? OUTSIDE : plate.Confidence >= this.minConfidence ? PLATE : UNSURE;
    this.#path(plate.Corners, true, color, 3);
    for (const [x, y] of plate.Corners) this.#dot(x, y, color);
    const voted = plate.Vote && plate.Vote.Number !== plate.Number ? ` → ${plate.Vote.Number}` : "";
    const done = plate.Published ? " ✓" : "";
    this.#label(plate.Corners, isFollowed ? `${plate.Number} ${plate.Confidence}${voted}${done}` : word("outside"), color);
  }

  #drawShapes() {
    const { Lane, Ignore, Line, LineIn } = this.shapes;
    const context = this.#context, { width, height } = this.#canvas;
    if (Lane.length > 2) {
      context.fillStyle = "#0c141c66";
      context.beginPath();
      context.rect(0, 0, width, height);
      this.#trace(Lane);
      context.fill("evenodd");
    }
    if (Lane.length) this.#path(Lane, true, LANE, 3);
    for (const area of Ignore) {
      context.fillStyle = "#ff8a5c55";
      context.beginPath();
      this.#trace(area);
      context.fill();
      this.#path(area, true, IGNORE, 3);
    }
    if (Line.length) this.#path(Line, false, LINE, 5);
    if (Line.length === 2) this.#arrow(Line, LineIn);
  }

  #arrow([[ax, ay], [bx, by]], way) {
    const { width, height } = this.#canvas, context = this.#context;
    const x = ((ax + bx) / 2) * width, y = ((ay + by) / 2) * height, long = width / 14;
    const [dx, dy] = { down: [0, 1], up: [0, -1], left: [-1, 0], right: [1, 0] }[way];
    const tip = [x + dx * long, y + dy * long], head = long / 3;
    context.strokeStyle = context.fillStyle = LINE;
    context.lineWidth = 5;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(...tip);
    context.stroke();
    context.beginPath();
    context.moveTo(tip[0] + dx * head, tip[1] + dy * head);
    context.lineTo(tip[0] - dy * head, tip[1] + dx * head);
    context.lineTo(tip[0] + dy * head, tip[1] - dx * head);
    context.fill();
  }

  #label(corners, text, color) {
    const context = this.#context, { width, height } = this.#canvas;
    const size = Math.round(Math.max((15 * width) / this.#canvas.clientWidth, width / 42)), edge = size / 3;
    context.font = `700 ${size}px system-ui, "Noto Sans CJK SC", sans-serif`;
    const boxWidth = context.measureText(text).width + 2 * edge, boxHeight = size * 1.45;
    const left = Math.min(...corners.map(([x]) => x)) * width;
    const top = Math.min(...corners.map(([, y]) => y)) * height - boxHeight - 5;
    const bottom = Math.max(...corners.map(([, y]) => y)) * height + 5;
    const x = Math.max(0, Math.min(left, width - boxWidth)), y = top < 0 ? bottom : top;
    context.fillStyle = "#0c141ce6";
    context.fillRect(x, y, boxWidth, boxHeight);
    context.fillStyle = color;
    context.textBaseline = "middle";
    context.fillText(text, x + edge, y + boxHeight / 2);
  }

  #path(points, closed, color, thick) {
    const context = this.#context;
    context.beginPath();
    this.#trace(points, closed);
    context.lineJoin = "round";
    context.strokeStyle = "#0c141c99";
    context.lineWidth = thick + 3;
    context.stroke();
    context.strokeStyle = color;
    context.lineWidth = thick;
    context.stroke();
  }

  #trace(points, closed = true) {
    const context = this.#context, { width, height } = this.#canvas;
    points.forEach(([x, y], i) => (i ? context.lineTo(x * width, y * height) : context.moveTo(x * width, y * height)));
    if (closed && points.length > 2) context.closePath();
  }

  #dot(x, y, color) {
    const context = this.#context, { width, height } = this.#canvas;
    context.fillStyle = color;
    context.beginPath();
    context.arc(x * width, y * height, 4, 0, 2 * Math.PI);
    context.fill();
  }

  /** Where each plate in sight came from. */
  #follow(plates) {
    const before = this.#trails;
    this.#trails = new Map();
    for (const { Track, Corners } of plates) {
      if (Track === null) continue;
      const points = [...(before.get(Track)?.points ?? []), middle(Corners)].slice(-TRAIL);
      this.#trails.set(Track, { points });
    }
  }
}

function middle(corners) {
  const sum = corners.reduce(([x, y], [cx, cy]) => [x + cx, y + cy], [0, 0]);
  return [sum[0] / corners.length, sum[1] / corners.length];
}
