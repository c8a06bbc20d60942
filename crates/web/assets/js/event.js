// Rows of the list of events as they come in: the same as the page has them.
(() => {
  const { made } = alertwire;
  const { shown, badge, cell, ticks, stamp } = alertwire.parts;

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
    const element = made("tr", "fresh");
    if (form) element.append(ticks(form, view.id, "Tick this event"));
    element.append(
      cell("Received", "time", stamp(view.received)),
      cell("Severity", "", made("span", `severity ${view.severity}`, view.severity)),
      cell("Event", "wide", subject(view)),
      cell("Company", "name", company(view)),
      cell("Read", "", badge("span", view.reading)),
      cell("Deliveries", "", badge("span", view.went)),
    );
    return element;
  }

  // An event that is told again is the same.
  alertwire.tails.events = {
    row,
    standing: () => undefined,
    begins: "what comes in appears on top",
    sum: (count) => (count === 1 ? "1 event has come in" : `${count} events have come in`),
  };
})();
