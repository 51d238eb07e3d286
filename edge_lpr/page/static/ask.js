// Requests to the gate. A failure is an error with a code; words.js has a text for each code.

import { hasWord, word } from "./words.js";

const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }

  get words() {
    const name = `error-${this.code}`;
    return hasWord(name) ? word(name, { value: this.message }) : this.message;
  }
}

export async function ask(path, { method = "GET", body, signal } = {}) {
  const headers = method === "GET" ? {} : { "X-CSRF-Token": csrf, "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("Network", String(error));
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Refused(told.Error?.Code ?? "Network", told.Error?.Message ?? `HTTP ${response.status}`);
}

export const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Resolves when the page is visible. */
export function whenSeen() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true })).then(whenSeen);
}
