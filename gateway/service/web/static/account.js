// One's own account: what is typed in here (passwords, codes) goes to the API alone, never over the page's socket.
const MISSING = "–";
const WAYS = { password: "by password", link: "by a link", provider: "by the organisation" };

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

const moment = (ms) => ms === null ? MISSING
  : new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(ms);

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, ".");

class Refused extends Error {}

async function api(method, path, body) {
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused("The service cannot be reached. Try again in a moment.");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401 && !problem.reason) location.assign("/sign-in?next=/account");
  throw new Refused(sentence(problem.detail ?? "that did not work"));
}

/** A form that sends its fields and shows on itself why they were not taken. */
function form(deed, fields, act, kind = "main") {
  const error = make("p", { className: "sl-error", role: "alert" });
  const button = make("button", { type: "submit", className: `sl-button ${kind}`, textContent: deed });
  const rows = fields.map(({ label, ...properties }) =>
    make("label", {}, label, make("input", { className: "sl-input", required: true, maxLength: 1000, ...properties })));
  const made = make("form", { className: "sl-stack sl-form" }, ...rows, error, button);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    error.textContent = "";
    try {
      error.textContent = (await act(Object.fromEntries(new FormData(made)))) ?? "";
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      error.textContent = refused.message;
    } finally {
      button.disabled = false;
    }
  });
  return made;
}

const PRESENT = { label: "Present password", name: "password", type: "password", autocomplete: "current-password" };
const CODE = { label: "Code", name: "code", autocomplete: "one-time-code", spellcheck: false, maxLength: 100 };

function password() {
  const done = make("p", { className: "sl-note", role: "status", hidden: true, textContent: "The password is changed." });
  const fields = [
    PRESENT,
    { label: "New password", name: "new", type: "password", autocomplete: "new-password" },
    { label: "New password once more", name: "again", type: "password", autocomplete: "new-password" },
  ];
  const made = form("Change the password", fields, async ({ password, new: fresh, again }) => {
    if (fresh !== again) return "The two new ones are not the same.";
    await api("POST", "/password", { password, new: fresh });
    // Every session has ended, and this page is of one: it goes on with the new one.
    made.reset();
    done.hidden = false;
    setTimeout(() => location.reload(), 1500);
  });
  return [make("p", { textContent: "All your sessions end with it, but this one." }), made, done];
}

async function factor(box) {
  const [state, session] = await Promise.all([api("GET", "/second-factor"), api("GET", "/session")]);
  const parts = [];
  if (state.confirmed_ms !== null) {
    parts.push(make("p", {}, make("span", { className: "sl-badge good", textContent: "✓ In force" }),
      ` since ${moment(state.confirmed_ms)}, ${state.recovery_codes} recovery codes left.`));
    if (session.limited) {
      parts.push(make("p", { textContent: "This session began without it: give its code to go on." }),
        form("Go on", [CODE], async ({ code }) => { await api("POST", "/session/second-factor", { code }); location.assign("/"); }));
    } else {
      parts.push(form("Do without it", [PRESENT], async ({ password }) => {
        await api("POST", "/second-factor/removal", { password });
        await show(box, factor);
      }, "danger"));
    }
  } else {
    if (state.required) {
      parts.push(make("p", {}, make("span", { className: "sl-badge warning", textContent: "◆ Needed" }),
        " Your role takes a second factor. Until it is set up, nothing else opens."));
    }
    parts.push(make("p", { textContent: "An app on your phone then shows a code that is asked for beside the password." }),
      form("Set up", [{ ...PRESENT, required: false }], async ({ password }) => {
        const fresh = await api("POST", "/second-factor", password ? { password } : {});
        box.replaceChildren(...confirming(fresh));
        box.querySelector("input").focus();
      }));
  }
  return parts;
}

function confirming({ secret, svg }) {
  const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const picture = make("div", { className: "sl-qr" }, document.importNode(drawn, true));
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", "The secret as a QR code");
  return [
    make("p", { textContent: "Scan this with the app, or type the secret in. Then enter the code that it shows." }),
    picture,
    make("p", { className: "sl-code", textContent: secret }),
    form("Confirm", [CODE], async ({ code }) => {
      const { recovery_codes: codes } = await api("POST", "/second-factor/confirmation", { code });
      document.getElementById("account-factor").replaceChildren(
        make("p", { className: "sl-note", role: "status", textContent: "The second factor is in force." }),
        make("p", { textContent: "Keep these where the phone is not: each does once what the app does. They are shown this once." }),
        make("pre", { className: "sl-code", textContent: codes.join("\n") }),
        make("a", { className: "sl-button main", href: "/", textContent: "I have kept them" }));
    }),
  ];
}

function table(label, names, rows) {
  const head = make("tr", {}, ...names.map((name) => make("th", { scope: "col", textContent: name })));
  const made = make("table", { className: "sl-table" }, make("thead", {}, head), make("tbody", {}, ...rows.map((cells) =>
    make("tr", {}, ...cells.map((cell, at) => {
      const td = make("td", {}, cell);
      td.dataset.label = names[at];
      return td;
    })))));
  made.setAttribute("aria-label", label);
  return made;
}

function button(text, act, kind = "") {
  const made = make("button", { type: "button", className: `sl-button ${kind}`, textContent: text });
  made.addEventListener("click", act);
  return made;
}

async function sessions(box) {
  const found = await api("GET", "/sessions");
  const rows = found.map((one) => [
    `${one.agent || "A browser"}, from ${one.address || "somewhere"}`,
    `${moment(one.created_ms)}, ${WAYS[one.way] ?? one.way}`,
    moment(one.used_ms),
    one.present ? "This one" : button("Sign out", async () => {
      await api("DELETE", `/sessions/${one.id}`);
      await show(box, sessions);
    }),
  ]);
  const parts = [table("Where you are signed in", ["Where", "Since", "Last used", ""], rows)];
  if (found.length > 1) {
    parts.push(button("Sign out everywhere else", async () => {
      await api("DELETE", "/sessions");
      await show(box, sessions);
    }, "danger"));
  }
  return parts;
}

async function tokens(box) {
  const found = await api("GET", "/tokens");
  const rows = found.map((one) => [
    one.name, one.scopes.join(", "), moment(one.created_ms), moment(one.expires_ms),
    button("Remove", async () => {
      await api("DELETE", `/tokens/${one.id}`);
      await show(box, tokens);
    }, "danger"),
  ]);
  const made = form("Make a token", [
    { label: "What it is for", name: "name", pattern: "[A-Za-z0-9_.\\-]{1,64}", title: "Letters, digits, _ . -" },
    { label: "Valid for days", name: "days", type: "number", min: 1, max: 365, value: 30 },
    { label: "It may change things too", name: "write", type: "checkbox", required: false },
  ], async ({ name, days, write }) => {
    const { token } = await api("POST", "/tokens", { name, days: Number(days), scopes: write ? ["read", "write"] : ["read"] });
    await show(box, tokens);
    box.prepend(make("p", { className: "sl-note", role: "status", textContent: "It is shown this once:" }),
      make("p", { className: "sl-code", textContent: token }));
  });
  return [
    make("p", { textContent: "A token opens to a program what you may do yourself." }),
    found.length ? table("API tokens", ["For", "May", "Made", "Until", ""], rows)
      : make("p", { className: "sl-muted", textContent: "No token yet." }),
    made,
  ];
}

async function show(box, part) {
  try {
    box.replaceChildren(...(await part(box)));
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    box.replaceChildren(make("p", { className: "sl-error", role: "alert", textContent: refused.message }));
  }
}

const PARTS = { password, factor, sessions, tokens };

// The boxes are the page's, which NiceGUI mounts after this script has been read.
function begin() {
  const boxes = Object.keys(PARTS).map((name) => document.getElementById(`account-${name}`));
  if (boxes.some((one) => one === null)) return requestAnimationFrame(begin);
  Object.values(PARTS).forEach((part, at) => show(boxes[at], part));
}
begin();
