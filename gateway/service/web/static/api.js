// Asks the API, with the token that this tab was given.

const KEY = "somnolink-token";

export class SignInNeeded extends Error {}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

/** The document at a path below /api/v1; throws SignInNeeded, or an Error whose message is for a person. */
export async function ask(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(parameters).toString();
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}${query ? `?${query}` : ""}`, {
      headers: { Authorization: `Bearer ${token.get() ?? ""}` },
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service cannot be reached.");
  }
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new SignInNeeded("This token is not valid, or no longer.");
  if (answer.status === 403) throw new SignInNeeded("This token may not read nights: it lacks the scope read.");
  throw new Error(problem.detail ?? `The service answered with status ${answer.status}.`);
}
