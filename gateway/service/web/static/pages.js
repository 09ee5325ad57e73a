// What pages do without asking the service: light or dark, and signing out.
const KEY = "somnolink-theme";

function chosen() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function apply() {
  const theme = chosen();
  if (window.Quasar) Quasar.Dark.set(theme === null ? "auto" : theme === "dark");
}

function toggle() {
  const next = document.body.classList.contains("body--dark") ? "light" : "dark";
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  try {
    // What is as the system has it follows the system again.
    if (next === system) localStorage.removeItem(KEY); else localStorage.setItem(KEY, next);
  } catch { /* kept for this page alone */ }
  Quasar.Dark.set(next === "dark");
}

async function signOut() {
  await fetch("/api/v1/session", { method: "DELETE" });
  location.assign("/sign-in");
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-button]")) toggle();
  if (event.target.closest("[data-sign-out]")) signOut();
});

// Modules run in the order of the page, and NiceGUI mounts its application in its last one.
new MutationObserver((_, observer) => {
  if (document.querySelector("#app")?.childElementCount) {
    observer.disconnect();
    apply();
  }
}).observe(document.documentElement, { childList: true, subtree: true });
