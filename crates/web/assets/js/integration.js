
// Credentials: what is typed stays when something does not fit, faults are said as fields are left, and the check is shown
// step by step.
(() => {
  /** Statuses that come with the same form, and with what is wrong in it. */
  const redrawn = [409, 422, 429, 502];

  /** Says to the server that the page tries the credentials itself. */
  function isLive(form) {
    if (form.elements.live) return;
    const field = alertwire.made("input");
    field.type = "hidden";
    field.name = "live";
    field.value = "1";
    form.append(field);
  }

  // Pages that are asked for in the background take the place of what is said beside the fields alone.
  function kept(form) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button.primary");
      const typed = new FormData(form, event.submitter);
      if (button.disabled) return;
      button.disabled = true;
      try {
        const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(typed) });
        if (answer.redirected) { location.assign(isSignIn(answer.url) ? carried(form, typed) : answer.url); return; }
        if (redrawn.includes(answer.status)) {
          const said = [...document.querySelectorAll("#faults, .says[id]")];
          alertwire.swap(await answer.text(), said);
          for (const field of form.querySelectorAll("[aria-describedby]")) mark(field);
          shown(form.querySelector("[aria-invalid=true]"));
        } else {
          refused(`The server answered ${answer.status}: nothing was saved, and what is typed stays here. Try once more.`);
        }
      } catch {
        // It may have arrived all the same: sending it again by itself could store it twice.
        refused("No answer came from the server. Look at the list of webhooks before you save again.");
      }
      button.disabled = false;
    });
  }

  // The session may end while somebody types. What they typed waits in this tab until they have signed in again, for an hour
  // at most, and for nobody else; secrets have to be typed again.
  const hour = 3600000;
  const secrets = ["client_key", "form_token", "live", "then"];
  const place = () => `typed ${location.pathname}`;
  const whoever = () => document.querySelector(".who a")?.textContent;
  const isSignIn = (url) => new URL(url).pathname === "/sign-in";

  /** Keeps what is typed; answers the way to the sign-in and back. */
  function carried(form, typed) {
    const isShown = ([name]) => !secrets.includes(name) && form.elements[name]?.type !== "password";
    const said = { at: Date.now(), by: whoever(), typed: [...typed].filter(isShown) };
    try { sessionStorage.setItem(place(), JSON.stringify(said)); } catch { /* it has to be typed again */ }
    return `/sign-in?next=${encodeURIComponent(location.pathname)}`;
  }

  function restored(form) {
    let said = null;
    try {
      said = JSON.parse(sessionStorage.getItem(place()));
      sessionStorage.removeItem(place());
    } catch { return; }
    if (!said || said.by !== whoever() || Date.now() - said.at > hour) return;
    const values = (name) => said.typed.filter(([own]) => own === name).map(([, value]) => value);
    for (const field of form.elements) {
      if (!field.name || secrets.includes(field.name) || ["password", "hidden", "submit"].includes(field.type)) continue;
      const typed = values(field.name);
      if (["checkbox", "radio"].includes(field.type)) field.checked = typed.includes(field.value);
      else if (typed.length > 0) field.value = typed[0];
    }
    refused("You had to sign in again. What you had typed is back, but for secrets, and is not saved yet.");
  }

  /** Says at the top why nothing was saved. */
  function refused(text) {
    const place = document.getElementById("faults");
    const alert = alertwire.made("div", "alert", text);
    alert.setAttribute("role", "alert");
    place.replaceChildren(alert);
    place.scrollIntoView({ block: "nearest" });
  }

  /** Brings the first field with a fault to whoever typed, also when it is folded away; else what is said at the top. */
  function shown(field) {
    if (!field) { document.getElementById("faults").scrollIntoView({ block: "nearest" }); return; }
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  }

  function mark(field) {
    const said = document.getElementById(field.getAttribute("aria-describedby"));
    if (said?.querySelector(".fault")) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  // What the browser itself can tell is told when the field is left.
  function told(field) {
    field.addEventListener("blur", () => {
      const said = document.getElementById(field.getAttribute("aria-describedby"));
      if (!said) return;
      said.querySelector(".fault")?.remove();
      const fault = wrong(field);
      if (fault) said.prepend(alertwire.made("span", "fault", `✕ ${fault}`));
      mark(field);
    });
  }

  function wrong(field) {
    const text = field.value.trim();
    if (field.required && !text) return "is missing";
    if (field.type !== "url" || !text) return "";
    try {
      const url = new URL(text);
      if (url.protocol === "https:" || url.protocol === "http:") return "";
    } catch { /* said below */ }
    return "is a URL that begins with https://";
  }

  function step(list, words, step) {
    const state = !step.ok ? ["bad", "✕", "not good"] : step.warning ? ["wait", "!", "look at this"] : ["good", "✓", "good"];
    const item = alertwire.made("li", state[0]);
    const glyph = alertwire.made("span", "glyph", state[1]);
    glyph.setAttribute("aria-hidden", "true");
    const word = alertwire.made("strong", "", words[step.name] || step.name);
    word.append(alertwire.made("span", "off", `: ${state[2]}`));
    item.append(glyph, word, alertwire.made("span", "", step.detail), alertwire.made("span", "hint number", `${Math.round(step.millis)} ms`));
    if (step.remedy) item.append(alertwire.made("span", "remedy hint", step.remedy));
    list.append(item);
  }

  /** The events of a stream of server-sent events, as name and text. */
  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const lines = block.split("\n");
        const of = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trim()).join("\n");
        if (of("data:")) yield { name: of("event:"), text: of("data:") };
      }
    }
  }

  async function check(place) {
    // Going back or loading the page anew shows what came of it, and sends no other test alert.
    history.replaceState(null, "", place.dataset.bad);
    const list = document.getElementById("live-checklist");
    const words = JSON.parse(list.dataset.words);
    const answer = await fetch(place.dataset.check, { method: "POST", headers: { accept: "text/event-stream" } });
    if (!answer.ok) {
      const problem = await answer.json();
      place.textContent = problem.detail || problem.title;
      return;
    }
    for await (const event of events(answer.body)) {
      const said = JSON.parse(event.text);
      if (event.name === "step") step(list, words, said);
      else if (event.name === "problem") { place.textContent = said.detail; return; }
      else { location.replace(said.ok ? place.dataset.good : place.dataset.bad); return; }
    }
    throw new Error("the stream ended before the check");
  }

  addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("form[data-kept]")) {
      isLive(form);
      kept(form);
      restored(form);
      form.noValidate = true;
      for (const field of form.querySelectorAll(".entry > input[aria-describedby]")) told(field);
    }
    const place = document.querySelector("[data-check]");
    if (place) check(place).catch(() => { place.textContent = "The connection broke off. Press Test to try once more."; });
    // The first of the tabs that have just come.
    const what = new URLSearchParams(location.search).get("told");
    if (what === "authenticated") document.querySelectorAll("nav.tabs a")[1]?.focus();
  });
})();
