import { ask } from "./ask.js";
import "./words.js";

const form = document.getElementById("login");
const problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  try {
    await ask("login", { method: "POST", body: { Token: form.token.value.trim() } });
    location.reload();
  } catch (error) {
    problem.textContent = error.words ?? String(error);
    form.token.select();
  }
});
