// Signing in: by name and password with a code where it takes one, by an invitation, by a link, or elsewhere.
const element = (id) => document.getElementById(id);
const forms = ["sign-in", "invitation", "link"];
const NOT_REACHED = "The service cannot be reached. Try again in a moment.";

const REFUSED = {
  provider_away: "Your organisation's sign-in does not answer. Try again in a moment.",
  provider_refused: "Your organisation did not let you in.",
  not_known: "Your organisation let you in, but you are no user here. Ask your clinic's administrator.",
};

// Codes stand behind the #, so that no server or proxy writes them down.
const given = new URLSearchParams(location.hash.slice(1));
if (location.hash) history.replaceState(null, "", location.pathname + location.search);

function show(name) {
  for (const one of forms) element(one).hidden = one !== name;
  element(name).querySelector("input:not([hidden]), a")?.focus();
}

/** Where to go: a path of this site alone, as the browser itself reads it. */
export function wanted(search, origin) {
  const next = new URLSearchParams(search).get("next") ?? "/";
  if (!/^\/(?![/\\])/.test(next)) return "/";
  const url = new URL(next, origin);
  return url.origin === origin ? url.pathname + url.search : "/";
}

async function send(path, body) {
  const answer = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const problem = answer.ok ? null : await answer.json().catch(() => ({}));
  return { ok: answer.ok, reason: problem?.reason, detail: sentence(problem?.detail ?? "That did not work.") };
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, ".");
}

function onSubmit(name, act) {
  const form = element(name);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button"), error = form.querySelector(".sl-error");
    button.disabled = true;
    error.textContent = "";
    try {
      error.textContent = (await act()) ?? "";
    } catch {
      error.textContent = NOT_REACHED;
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit("sign-in", async () => {
  const code = element("code").value.trim();
  const body = { name: element("name").value, password: element("password").value, ...(code && { code }) };
  const answer = await send("/session", body);
  if (answer.ok) return location.replace(wanted(location.search, location.origin));
  if (answer.reason === "code_needed" || answer.reason === "code_wrong") {
    element("code-row").hidden = false;
    element("code").value = "";
    element("code").focus();
    return answer.reason === "code_needed" ? "Enter the code that your second factor shows." : answer.detail;
  }
  element("password").select();
  return answer.detail;
});

onSubmit("invitation", async () => {
  const password = element("new-password").value;
  if (password !== element("again").value) return "The two are not the same.";
  const answer = await send("/invitation", { code: given.get("invitation"), password });
  if (!answer.ok) return answer.detail;
  show("sign-in");
  element("sign-in-note").hidden = false;
  element("sign-in-note").textContent = "The password is set. Sign in with it.";
});

const provider = element("provider");
if (provider.dataset.name) {
  provider.textContent = `Sign in by ${provider.dataset.name}`;
  provider.hidden = false;
}

const refused = new URLSearchParams(location.search).get("refused");
if (refused !== null) {
  const text = REFUSED[refused] ?? "That did not work: sign in again.";
  element("sign-in").querySelector(".sl-error").textContent = text;
}

if (given.has("invitation")) show("invitation");
else if (given.has("link")) {
  element("follow").href = `/api/v1/link?code=${encodeURIComponent(given.get("link"))}`;
  show("link");
} else show("sign-in");
