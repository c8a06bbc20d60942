// Lists as they grow: rows that come in stand on top. While somebody is in the table nothing moves under them; what comes
// meanwhile waits, and no more of it than the page keeps. How a row is made of what is told, each list says in `tails`.
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

  /** The cell that a row is ticked in. */
  function ticks(form, id, label) {
    const box = made("input");
    Object.assign(box, { type: "checkbox", name: "id", value: id });
    box.setAttribute("form", form);
    box.setAttribute("aria-label", label);
    const target = made("label", "target");
    target.append(box);
    const element = made("td", "ticks");
    element.append(target);
    return element;
  }

  /** A time on two lines, as the tables have it. */
  function stamp(text) {
    const at = made("time");
    at.dateTime = text;
    at.append(made("span", "", text.slice(0, 10)), " ", made("span", "", text.slice(11, 19)));
    return at;
  }

  alertwire.parts = { shown, badge, cell, ticks, stamp };
  alertwire.tails = {};

  function follow(table) {
    const says = document.querySelector("[data-tail-says]");
    const body = table.tBodies[0];
    const most = Number(table.dataset.kept);
    const { row, standing, begins, sum } = alertwire.tails[table.dataset.tailOf];
    // Each row by the path that it leads to.
    const there = new Map([...body.rows].map((row) => [row.querySelector("a.row").pathname, row]));
    let waiting = [];
    let count = 0;
    let within = { pointer: false, focus: false };

    const tell = (state, text) => {
      says.className = `following ${state}`;
      says.textContent = text;
    };
    const told = () => {
      if (waiting.length > 0) tell("paused", `Held while you are in the table: ${waiting.length} waiting. ${sum(count)}.`);
      else tell("", count === 0 ? `Following: ${begins}.` : `Following: ${sum(count)}.`);
    };
    // Said now and then, so that whoever listens is not talked over by a flood.
    let due = null;
    const soon = () => { due ??= setTimeout(() => { due = null; told(); }, 1000); };

    // A row that is there already changes where it stands, and stays ticked.
    const put = (view) => {
      const fresh = row(view, table.dataset.ticksFor);
      const old = there.get(view.path);
      if (old?.isConnected) {
        const box = fresh.querySelector(".ticks input");
        if (box) box.checked = old.querySelector(".ticks input").checked;
        old.replaceWith(fresh);
      } else body.prepend(fresh);
      there.set(view.path, fresh);
      // As many are known as may be told again, and no more.
      if (there.size > 2 * most) there.delete(there.keys().next().value);
      alertwire.grace(fresh);
    };

    const show = () => {
      if (within.pointer || within.focus) return;
      for (const view of waiting) put(view);
      waiting = [];
      while (body.rows.length > most) body.rows[body.rows.length - 1].remove();
    };

    const came = (view) => {
      if (there.has(view.path) && there.get(view.path).dataset.standing === standing(view)) return;
      count += 1;
      waiting = [...waiting.filter((other) => other.path !== view.path), view];
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
