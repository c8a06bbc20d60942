// What pages can do beyond being read. Every page works without it; nothing here writes markup.
"use strict";
(() => {
  const root = document.documentElement;
  const kept = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;

  function themeSwitch() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
        const next = (root.dataset.theme || system) === "dark" ? "light" : "dark";
        root.dataset.theme = next;
        try { localStorage.setItem("theme", next); } catch { /* it holds for this page */ }
      });
    }
  }

  // Times are written in UTC; the local one shows when pointed at.
  function localTimes() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.title = `${at.toLocaleString()} here`;
    }
  }

  function copies() {
    for (const text of document.querySelectorAll("[data-copy]")) {
      if (!navigator.clipboard) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text.textContent.trim());
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      text.after(button);
    }
  }

  // How many events have come since; the rows stay where they are.
  function pill() {
    const place = document.querySelector("[data-live]");
    if (!place || !window.EventSource) return;
    let count = 0;
    const stream = new EventSource(place.dataset.live);
    const came = () => {
      count += 1;
      place.hidden = false;
      place.textContent = count === 1 ? "1 new event: show it" : `${count} new events: show them`;
    };
    stream.onmessage = came;
    addEventListener("pagehide", () => stream.close());
  }

  // `/` searches, `j` and `k` walk the rows, Enter opens one. Off where somebody types.
  function keys() {
    const rows = () => [...document.querySelectorAll("tbody a.row")];
    addEventListener("keydown", (event) => {
      const typing = event.target.closest && event.target.closest("input, select, textarea");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "/") {
        const search = document.querySelector("[data-search]");
        if (search) { event.preventDefault(); search.closest("details")?.setAttribute("open", ""); search.focus(); }
      } else if (event.key === "j" || event.key === "k") {
        const all = rows();
        if (all.length === 0) return;
        const at = all.indexOf(document.activeElement);
        const to = event.key === "j" ? Math.min(at + 1, all.length - 1) : Math.max(at - 1, 0);
        all[to].focus();
      }
    });
  }

  addEventListener("DOMContentLoaded", () => { themeSwitch(); localTimes(); copies(); pill(); keys(); });
})();
