// Health at a glance: one word in the header, and the figures behind it.

import { word } from "./words.js";

const byId = (id) => document.getElementById(id);

export function showHealth(health) {
  const [level, name] = health ? overall(health) : ["unknown", "state-starting"];
  const state = byId("state");
  state.className = `pill ${level}`;
  state.textContent = word(name);
  byId("health").replaceChildren(...(health ? rows(health) : []).flatMap(row));
}

function overall({ Camera, Broker, Reading }) {
  if (Camera.State === "failed" || ["frozen", "noise"].includes(Camera.Fault)) return ["bad", "state-failed"];
  if (Camera.Fault) return ["fair", `fault-${Camera.Fault}`];
  if (Camera.State !== "running") return ["fair", `state-${Camera.State}`];
  if (Broker.State !== "connected") return ["fair", "state-broker"];
  return [["hot", "throttled"].includes(Reading.State) ? "fair" : "good", `state-${Reading.State}`];
}

function rows(health) {
  const { Camera, Broker, Throttling } = health;
  const camera = Camera.Fault ? word(`fault-${Camera.Fault}`) : word(`camera-${Camera.State}`);
  const lines = [
    ["h-camera", camera, Camera.Fault || Camera.State === "failed" ? "bad" : "good"],
    ...(Camera.Width ? [["h-size", `${Camera.Width} × ${Camera.Height}`, ""]] : []),
    ["h-broker", word(`broker-${Broker.State}`), Broker.State === "connected" ? "good" : "bad"],
    ["h-waiting", health.Outbox.Waiting, health.Outbox.Waiting ? "fair" : ""],
    ["h-passages", health.Passages.Published, ""],
    ["h-speed", health.FramesPerSecond, ""],
  ];
  if (health.LatencyMilliseconds !== null) lines.push(["h-latency", word("ms", { value: health.LatencyMilliseconds }), ""]);
  if (health.TemperatureCelsius !== null)
    lines.push(["h-temperature", word("celsius", { value: health.TemperatureCelsius }), health.TemperatureCelsius >= 80 ? "bad" : ""]);
  if (Throttling) {
    const isNow = Throttling.UnderVoltage || Throttling.FrequencyCapped || Throttling.Throttled;
    const name = isNow ? "throttling-now" : Throttling.Occurred ? "throttling-before" : "throttling-none";
    lines.push(["h-throttling", word(name), isNow ? "bad" : Throttling.Occurred ? "fair" : ""]);
  }
  lines.push(["h-time", word(health.ClockSynchronized ? "time-set" : "time-unset"), health.ClockSynchronized ? "" : "fair"]);
  lines.push(["h-uptime", lasted(health.UptimeSeconds), ""], ["h-version", health.Versions.EdgeLpr, ""]);
  return lines;
}

function lasted(seconds) {
  if (seconds >= 172800) return word("days", { value: Math.floor(seconds / 86400) });
  return seconds >= 7200 ? word("hours", { value: Math.floor(seconds / 3600) }) : word("minutes", { value: Math.floor(seconds / 60) });
}

function row([name, value, level]) {
  return [
    Object.assign(document.createElement("dt"), { textContent: word(name) }),
    Object.assign(document.createElement("dd"), { textContent: String(value), className: level }),
  ];
}
