// Sends the chosen file to the API: once to look at it, once to keep it. The session's cookie goes along by itself.
async function somnolinkImport(deed, patient, zone, sha256) {
  const file = document.getElementById("sl-import")?.files?.[0];
  if (!file) return { error: "Choose a file first." };
  const query = new URLSearchParams({ name: file.name.slice(-60), zone });
  if (deed === "keep") {
    query.set("patient", patient);
    query.set("sha256", sha256);
    const start = document.getElementById("sl-import-start")?.value;
    if (start) query.set("start", start);
  }
  const path = deed === "keep" ? "/api/v1/imports" : "/api/v1/imports/preview";
  try {
    const answer = await fetch(`${path}?${query}`, {
      method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" },
    });
    const told = await answer.json();
    if (!answer.ok) return { error: told.detail || "The file was not taken." };
    delete told.plot;
    return told;
  } catch {
    return { error: "The service cannot be reached." };
  }
}
