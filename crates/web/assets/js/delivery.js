// Rows of the list of deliveries as they are made and as they change: the same as the page has them.
(() => {
  const { made } = alertwire;
  const { shown, badge, cell, ticks, stamp } = alertwire.parts;

  const standing = (view) => `${view.badge.word} ${view.attempts}`;

  /** Parts beside each other; those that are not there are left out. */
  function whole(...parts) {
    const element = made("div");
    for (const part of parts.filter(Boolean)) {
      if (element.lastChild) element.append(" ");
      element.append(part);
    }
    return element;
  }

  function subject(view) {
    const link = made("a", "row");
    link.href = view.path;
    link.append(...(view.subject.length > 0 ? shown(view.subject) : [made("em", "", "not fixed yet")]));
    const element = whole(
      link,
      view.critical && made("span", "severity critical", "critical"),
      view.is_replay && made("span", "times", "sent again"),
    );
    if (view.kind) element.append(made("br"), made("code", "hint", view.kind));
    return element;
  }

  function company(view) {
    const element = made("div");
    element.append(view.company, made("br"), made("span", "hint", view.integration));
    return element;
  }

  function code(view) {
    let cause = null;
    if (view.cause) {
      cause = made("a", "", view.cause);
      cause.href = `/help/causes#${encodeURIComponent(view.cause)}`;
    }
    const element = whole(view.code && made("strong", "", view.code), cause);
    if (view.reason) element.append(made("br"), made("span", "hint", view.reason));
    return element;
  }

  function due([at, words]) {
    const element = made("time", "", words);
    element.dateTime = at;
    return element;
  }

  function row(view, form) {
    const element = made("tr", "fresh");
    element.dataset.standing = standing(view);
    if (form) element.append(ticks(form, view.id, "Tick this delivery"));
    const planned = view.planned === null ? "" : `/${view.planned}`;
    element.append(
      cell("Status", "", badge("span", view.badge)),
      cell("Made", "time", stamp(view.created)),
      cell("Subject", "wide", subject(view)),
      cell("Company", "name", company(view)),
      cell("Code", "", code(view)),
      cell("Attempt", "number", made("span", "", `${view.attempts}${planned}`)),
      cell("Took", "number", ...(view.took ? [made("span", "", view.took)] : [])),
      cell("Next", "time", ...(view.due ? [due(view.due)] : [])),
    );
    return element;
  }

  alertwire.tails.deliveries = {
    row,
    standing,
    begins: "new deliveries appear on top, the others change where they stand",
    sum: (count) => (count === 1 ? "1 delivery is new or has changed" : `${count} deliveries are new or have changed`),
  };
})();
