// The page: connects its modules.

import { showAdvice, showNow } from "./advice.js";
import { ask, pause, whenSeen } from "./ask.js";
import { Editor } from "./editor.js";
import { showHealth } from "./health.js";
import { watch } from "./live.js";
import { loadPassages } from "./passages.js";
import { Stage } from "./stage.js";
import { onLanguage, word } from "./words.js";

const STATUS_S = 3, NOTICE_S = 4;
const byId = (id) => document.getElementById(id);

let scene = null;
let status = null;
let noticeEnds = 0;

const stage = new Stage();
const editor = new Editor(stage, (text) => {
  notice(text);
  noticeEnds = Date.now() + NOTICE_S * 1000;
});

function notice(text) {
  if (Date.now() >= noticeEnds && byId("notice").textContent !== text) byId("notice").textContent = text;
}

function showScene() {
  if (!scene || !status) return;
  showNow(scene);
  showAdvice(scene.Advice, status);
}

watch(
  (newScene, bitmap) => {
    scene = newScene;
    stage.show(scene, bitmap);
    showScene();
    notice(bitmap ? "" : word("notice-private"));
  },
  (error) => {
    if (error?.code === "LoggedOut") location.reload();
    notice(error === null ? word("notice-none") : error.code === "Network" ? word("notice-lost") : (error.words ?? String(error)));
  },
);

async function keepStatus() {
  let count = -1;
  for (;;) {
    await whenSeen();
    try {
      status = await (await ask("status")).json();
      byId("device").textContent = document.title = status.Device;
      stage.minConfidence = status.MinConfidence;
      editor.canSave = status.CanSave;
      editor.take(status.Lane);
      showHealth(status.Health);
      showScene();
      if (status.PassageCount !== count) {
        await loadPassages();
        count = status.PassageCount;
      }
    } catch (error) {
      if (error.code === "LoggedOut") location.reload();
      byId("state").className = "pill bad";
      byId("state").textContent = word("state-lost");
    }
    await pause(STATUS_S);
  }
}

byId("logout").hidden = document.body.dataset.kind === "open";
byId("logout").addEventListener("click", async () => {
  await ask("logout", { method: "POST" }).catch(() => {});
  location.reload();
});
onLanguage(() => {
  if (status) showHealth(status.Health);
  showScene();
  stage.draw();
});
new ResizeObserver(() => stage.draw()).observe(byId("stage"));
notice(word("notice-still"));
keepStatus();
