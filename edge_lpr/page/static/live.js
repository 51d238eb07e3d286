// Requests one picture after the other while the page is visible; each comes with its readings.

import { ask, pause, whenSeen } from "./ask.js";

const viewer = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** `onScene(scene, bitmap)`: `bitmap` is null if pictures are switched off. `onTrouble(error)`: error is null if the camera gives no picture. */
export async function watch(onScene, onTrouble) {
  let after = 0;
  for (;;) {
    await whenSeen();
    const abort = new AbortController();
    const hide = () => document.hidden && abort.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      const response = await ask(`live?viewer=${viewer}&after=${after}`, { signal: abort.signal });
      if (response.status === 204) {
        onTrouble(null);
        continue;
      }
      const { scene, bitmap } = await unpacked(await response.arrayBuffer());
      after = scene.View;
      onScene(scene, bitmap);
    } catch (error) {
      if (error.name === "AbortError") continue;
      onTrouble(error);
      await pause(2);
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
  }
}

async function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const scene = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const jpeg = buffer.slice(4 + length);
  const bitmap = jpeg.byteLength ? await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })) : null;
  return { scene, bitmap };
}
