
// The list of events as it grows: rows that come in stand on top. While somebody is in the table nothing moves under them;
// what comes meanwhile waits, and no more of it than the page keeps.
(() => {
  const { made } = alertwire;

  /** Text of an alert: what cannot be seen in it has come as a badge of its own. */
  function shown(pieces) {
    return pieces.map((piece) => {
      if ("hidden" in piece) return made("span", "hidden-char", piece.hidden);
      if ("cut" in piece) return made("span", "cut", "…");
      return document.createTextNode(piece.text);
    });
  }

  function badge(name, view) {
    const element = made(name, `badge ${view.class}`);
    const glyph = made("span", "", view.glyph);
    glyph.setAttribute("aria-hidden", "true");
    element.append(glyph, ` ${view.word}`);
    return element;
  }

  function cell(label, className, ...parts) {
    const element = made("td", className);
    element.dataset.label = label;
    element.append(...parts);
    return element;
  }

  function ticks(form, id) {
    const box = made("input");
    Object.assign(box, { type: "checkbox", name: "id", value: id });
    box.setAttribute("form", form);
    box.setAttribute("aria-label", "Tick this event");
    const target = made("label", "target");
    target.append(box);
    return target;
  }

  function subject(view) {
    const link = made("a", "row");
    link.href = view.path;
    link.append(...(view.subject.length > 0 ? shown(view.subject) : [made("em", "", "no subject")]));
    const kind = view.code ? made("code", "hint", view.code) : made("span", "hint", "of no known kind");
    const whole = made("div");
    whole.append(link, made("br"), kind);
    return whole;
  }

  function company(view) {
    const whole = made("div");
    whole.append(view.company ?? made("span", "hint", "unassigned"), made("br"), made("span", "hint", view.source ?? "API"));
    return whole;
  }

  function row(view, form) {
    const at = made("time");
    at.dateTime = view.received;
    at.append(made("span", "", view.received.slice(0, 10)), " ", made("span", "", view.received.slice(11, 19)));
    const element = made("tr", "fresh");
    if (form) {
      const box = made("td", "ticks");
      box.append(ticks(form, view.id));
      element.append(box);
    }
    element.append(
      cell("Received", "time", at),
      cell("Severity", "", made("span", `severity ${view.severity}`, view.severity)),
      cell("Event", "wide", subject(view)),
      cell("Company", "name", company(view)),
      cell("Read", "", badge("span", view.reading)),
      cell("Deliveries", "", badge("span", view.went)),
    );
    return element;
  }

  function follow(table) {
    const says = document.querySelector("[data-tail-says]");
    const body = table.tBodies[0];
    const most = Number(table.dataset.kept);
    const there = new Set([...body.querySelectorAll("a.row")].map((link) => link.pathname));
    let waiting = [];
    let count = 0;
    let within = { pointer: false, focus: false };

    const tell = (state, text) => {
      says.className = `following ${state}`;
      says.textContent = text;
    };
    const sum = () => (count === 1 ? "1 event has come in" : `${count} events have come in`);
    const told = () => {
      if (waiting.length > 0) tell("paused", `Held while you are in the table: ${waiting.length} waiting. ${sum()}.`);
      else tell("", count === 0 ? "Following: what comes in appears on top." : `Following: ${sum()}.`);
    };
    // Said now and then, so that whoever listens is not talked over by a flood.
    let due = null;
    const soon = () => { due ??= setTimeout(() => { due = null; told(); }, 1000); };

    const show = () => {
      if (within.pointer || within.focus) return;
      for (const view of waiting) {
        const fresh = row(view, table.dataset.ticksFor);
        body.prepend(fresh);
        alertwire.grace(fresh);
      }
      waiting = [];
      while (body.rows.length > most) body.rows[body.rows.length - 1].remove();
    };

    const came = (view) => {
      if (there.has(view.path)) return;
      there.add(view.path);
      // As many are known as may be told again, and no more.
      if (there.size > 2 * most) there.delete(there.values().next().value);
      count += 1;
      waiting.push(view);
      if (waiting.length > most) waiting.shift();
      show();
      soon();
    };
    const missed = () => {
      if (!body.querySelector("input:checked")) location.reload();
      else tell("paused", "What came in while this page was not looked at is missing: reload it once your ticks are used.");
    };
    const ended = () => tell("ended", "Following has ended: sign in again, or reload the page.");
    alertwire.listen(table.dataset.tail, table.dataset.last, { came, missed, ended });

    const moved = (part, inside) => () => { within = { ...within, [part]: inside }; show(); soon(); };
    table.addEventListener("pointerenter", moved("pointer", true));
    table.addEventListener("pointerleave", moved("pointer", false));
    table.addEventListener("focusin", moved("focus", true));
    table.addEventListener("focusout", moved("focus", false));
    told();
  }

  addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll("table[data-tail]")) if (window.EventSource) follow(table);
  });
})();
