// What every page can do beyond being read. Each works without it. `swap` alone makes nodes of HTML, and only of a page of
// this server; everything else writes text.
"use strict";
const alertwire = (() => {
  const root = document.documentElement;
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* it holds for this page */ } };
  const theme = kept("theme");
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  root.dataset.script = "on";

  /** A new element with this text. */
  function made(name, className, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function themeSwitch() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
        const next = (root.dataset.theme || system) === "dark" ? "light" : "dark";
        root.dataset.theme = next;
        keep("theme", next);
      });
    }
  }

  // On narrow screens the navigation folds behind a button.
  function menu() {
    const button = document.querySelector("[data-menu]");
    const folded = button && document.getElementById(button.getAttribute("aria-controls"));
    if (!folded) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const open = folded.classList.toggle("open");
      button.setAttribute("aria-expanded", String(open));
    });
  }

  // Times are written in UTC; the local one shows when pointed at.
  function localTimes(place) {
    for (const time of place.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.title = `${at.toLocaleString()} here`;
    }
  }

  function copies(place) {
    if (!navigator.clipboard) return;
    for (const text of place.querySelectorAll("[data-copy]")) {
      const button = made("button", "copy", "Copy");
      button.type = "button";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText((text.value ?? text.textContent).trim());
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      text.after(button);
    }
  }

  // A question that the server asks on the page becomes a modal one: the rest of the page waits.
  function dialogs(place) {
    for (const dialog of place.querySelectorAll("dialog[data-modal][open]")) {
      dialog.close();
      dialog.showModal();
      // Whoever does not answer goes on where the question came from.
      dialog.addEventListener("close", () => document.getElementById(dialog.dataset.returns)?.focus());
    }
  }

  // A field that hides what does not hold its text, and buttons that tick everything that is left or nothing.
  function choices(place) {
    for (const field of place.querySelectorAll("[data-narrows]")) {
      const list = document.getElementById(field.dataset.narrows);
      if (!list) continue;
      field.hidden = false;
      field.addEventListener("input", () => {
        const wanted = field.value.trim().toLowerCase();
        for (const item of list.querySelectorAll("[data-choice]")) {
          item.hidden = !item.textContent.toLowerCase().includes(wanted);
        }
      });
    }
    for (const button of place.querySelectorAll("[data-ticks]")) {
      const list = document.getElementById(button.dataset.ticks);
      if (!list) continue;
      button.hidden = false;
      button.addEventListener("click", () => {
        const wanted = button.dataset.to === "all";
        for (const box of list.querySelectorAll("input[type=checkbox]")) {
          if (box.closest("[hidden]") || box.checked === wanted) continue;
          box.checked = wanted;
          box.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    }
  }

  // Rows that are ticked are counted, and what is done with none cannot be asked for.
  function bulk(place) {
    for (const form of place.querySelectorAll("form[data-bulk]")) {
      const boxes = () => [...form.elements].filter((box) => box.name === "id" && box.type === "checkbox");
      // By the attribute: `form.id` is whatever field goes by that name.
      const all = form.querySelector("[data-tick-all]") || document.querySelector(`[data-tick-all="${form.getAttribute("id")}"]`);
      const told = () => {
        const ticked = boxes().filter((box) => box.checked).length;
        for (const place of form.querySelectorAll("[data-count]")) place.textContent = `${ticked} ticked`;
        for (const button of form.querySelectorAll("button[data-needs-ticks]")) button.disabled = ticked === 0;
        if (all) {
          all.checked = ticked > 0 && ticked === boxes().length;
          all.indeterminate = ticked > 0 && !all.checked;
        }
      };
      if (all) {
        all.hidden = false;
        all.addEventListener("change", () => {
          for (const box of boxes()) box.checked = all.checked;
          told();
        });
      }
      document.addEventListener("change", (event) => { if (event.target.name === "id") told(); });
      told();
    }
  }

  /** Where somebody types, keys are letters. */
  const isTyping = (target) => target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), select, textarea");

  const goes = { d: "/", i: "/settings/integrations", e: "/events", s: "/silences" };

  // Single keys can be turned off (WCAG 2.1.4); the dialog that `?` opens says which there are.
  function keys() {
    const help = document.getElementById("keys");
    const isOff = () => kept("keys") === "off";
    for (const button of document.querySelectorAll("[data-keys-switch]")) {
      const told = () => { button.textContent = isOff() ? "Turn single keys on" : "Turn single keys off"; };
      button.hidden = false;
      button.addEventListener("click", () => { keep("keys", isOff() ? "on" : "off"); told(); });
      told();
    }
    for (const button of document.querySelectorAll("[data-keys-help]")) {
      button.hidden = false;
      button.addEventListener("click", () => help?.showModal());
    }
    let isGoing = false;
    addEventListener("keydown", (event) => {
      if (isOff() || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector("dialog:modal")) return;
      if (isGoing) {
        isGoing = false;
        if (goes[event.key]) { event.preventDefault(); location.assign(goes[event.key]); return; }
      }
      if (event.key === "g") isGoing = true;
      else if (event.key === "?") help?.showModal();
      else if (event.key === "/") search(event);
      else if (event.key === "j" || event.key === "k") walk(event.key === "j" ? 1 : -1);
      else if (event.key === "x") tick();
      else press(event);
    });
  }

  function search(event) {
    const field = document.querySelector("[data-search]");
    if (!field) return;
    event.preventDefault();
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  }

  function walk(step) {
    const rows = [...document.querySelectorAll("main a.row")];
    if (rows.length === 0) return;
    const at = rows.findIndex((row) => row.closest("tr, section").contains(document.activeElement));
    const to = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[to].focus();
  }

  function tick() {
    const box = document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]");
    if (box && document.activeElement !== box) box.click();
  }

  function press(event) {
    const wanted = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    if (!wanted || wanted.disabled) return;
    event.preventDefault();
    wanted.click();
  }

  const policy = window.trustedTypes?.createPolicy("alertwire-page", { createHTML: (text) => text });

  /** Puts what a page of this server has under the same ids in place of what is here. */
  function swap(text, wanted) {
    const page = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
    for (const old of wanted) {
      const fresh = page.getElementById(old.id);
      if (!fresh) { delete old.dataset.refresh; continue; }
      const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
      for (const details of old.querySelectorAll("details[id]")) {
        const same = [...fresh.querySelectorAll("details[id]")].find((one) => one.id === details.id);
        if (same) same.open = details.open;
      }
      old.replaceWith(document.adoptNode(fresh));
      grace(fresh);
      if (focused) document.getElementById(focused)?.focus();
    }
  }

  // Parts that go on by themselves, such as the progress of a job, are asked for again until they come without the wish.
  // It does not count as a use of the session: a page that nobody looks at signs out in time.
  function refresh() {
    const wanted = () => [...document.querySelectorAll("[data-refresh][id]")];
    const again = () => {
      const seconds = wanted().map((one) => Number(one.dataset.refresh)).filter((number) => number > 0);
      if (seconds.length > 0) setTimeout(ask, Math.min(...seconds) * 1000);
    };
    const ask = async () => {
      if (document.hidden) { document.addEventListener("visibilitychange", ask, { once: true }); return; }
      try {
        const answer = await fetch(location.href, { headers: { "alertwire-refresh": "1" }, redirect: "manual" });
        if (answer.type === "opaqueredirect") { location.reload(); return; }
        if (answer.ok) swap(await answer.text(), wanted());
      } catch { /* the next time tells more */ }
      again();
    };
    again();
  }

  /**
   * Calls `came` with what a stream tells, and `ended` when it is over for good. Only while the page is looked at: a browser has
   * few connections for one server, and pages behind must not use them up. A page that knows the `last` thing goes on from
   * there when it is looked at again; any other is told by `missed` that it may have missed some.
   */
  function listen(url, last, { came, missed = () => {}, ended = () => {} }) {
    let stream = null;
    const goesOn = Boolean(last);
    const close = () => { stream?.close(); stream = null; };
    const open = () => {
      if (document.hidden || stream) return;
      const joint = url.includes("?") ? "&" : "?";
      const opened = new EventSource(goesOn ? `${url}${joint}last=${encodeURIComponent(last)}` : url);
      opened.onmessage = (message) => { last = message.lastEventId; came(JSON.parse(message.data)); };
      opened.onerror = () => { if (opened.readyState === EventSource.CLOSED) ended(); };
      stream = opened;
    };
    const again = () => { open(); if (!goesOn) missed(); };
    document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else again(); });
    addEventListener("pagehide", close);
    addEventListener("pageshow", (event) => { if (event.persisted) again(); });
    open();
  }

  /** Most that a pill counts. */
  const counted = 1000;

  // How many have come since; the rows stay where they are. What stands on the page, or is older than all that does where there
  // are more behind it, is nothing new here.
  function pill() {
    const place = document.querySelector("[data-live]");
    if (!place || !window.EventSource) return;
    const { live, last, oldest, one, many } = place.dataset;
    const there = new Set([...document.querySelectorAll("tbody a.row")].map((row) => row.pathname));
    let count = 0;
    const came = (view) => {
      if (count === counted || there.has(view.path) || (oldest && view.id < oldest)) return;
      there.add(view.path);
      count += 1;
      place.hidden = false;
      const number = count === counted ? `${counted} or more` : count;
      place.textContent = count === 1 ? `1 ${one}: show it` : `${number} ${many}: show them`;
    };
    listen(live, last, { came });
  }

  // What is of use with script alone.
  function scripted(place) {
    for (const element of place.querySelectorAll("[data-scripted]")) element.hidden = false;
  }

  /** Gives a part of a page what script can add to it. */
  function grace(place) {
    scripted(place);
    localTimes(place);
    copies(place);
    dialogs(place);
    choices(place);
    bulk(place);
  }

  addEventListener("DOMContentLoaded", () => { themeSwitch(); menu(); grace(document); pill(); keys(); refresh(); });
  return { made, swap, grace, listen };
})();
