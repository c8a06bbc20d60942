// Follows the Tab key over a page. Each stop is looked at when the next stroke comes, for then it has been scrolled to.
window.tour = (() => {
  const modal = document.querySelector("dialog:modal");
  const faults = [];
  const stops = [];
  // Behind its last control the focus leaves the page, or comes to the first again.
  let isOver = false;
  const told = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 140);
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const usable = (selector) => [...(modal ?? document).querySelectorAll(selector)].filter((one) => isShown(one) && !one.matches(":disabled"));

  /** Of buttons that exclude each other the Tab key comes to the chosen one, or to the first; the arrows go on from there. */
  function isReachedByArrows(one) {
    if (one.type !== "radio") return false;
    const group = [...document.getElementsByName(one.name)].filter((other) => other.form === one.form);
    return one !== (group.find((other) => other.checked) ?? group[0]);
  }
  const wanted = usable(`${controls}, [tabindex]`).filter((one) => one.tabIndex >= 0 && !isReachedByArrows(one));

  function colour(text) {
    const parts = text.match(/^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/);
    return parts && Number(parts[4] ?? 1) > 0.5 ? parts.slice(1, 4).map(Number) : null;
  }
  function luminance(rgb) {
    const [r, g, b] = rgb.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(one, other) {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }
  function ground(element) {
    for (let at = element.parentElement; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found) return found;
    }
    return [255, 255, 255];
  }

  function ring(element) {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
    if (!element.matches(":focus-visible") || outlineStyle === "none" || parseFloat(outlineWidth) < 2) return "shows no focus";
    const line = colour(outlineColor);
    const ratio = line ? contrast(line, ground(element)) : 21;
    return ratio < 3 ? `shows its focus at ${ratio.toFixed(2)}:1` : "";
  }

  /** Whether what has the focus can be seen: its middle and the middles of its sides, as far as they are in sight. */
  function hidden(element) {
    const box = element.getClientRects()[0];
    if (!box) return "takes no room";
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    if (right - left < 2 || bottom - top < 2) return "is out of sight";
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    for (const [px, py] of [[x, y], [left + 2, y], [right - 2, y], [x, top + 2], [x, bottom - 2]]) {
      const hit = document.elementFromPoint(px, py);
      const isOwn = hit && (element.contains(hit) || [...(element.labels ?? [])].some((label) => label.contains(hit)));
      if (!isOwn) return `is covered by ${hit ? told(hit) : "nothing"}`;
    }
    return "";
  }

  function note() {
    const at = document.activeElement;
    if (stops.length > 0 && (at === document.body || at === stops[0] && stops.length > 1)) isOver = true;
    if (isOver || !at || at === document.body || at === modal || at === stops.at(-1)) return;
    stops.push(at);
    for (const fault of [ring(at), hidden(at)]) if (fault) faults.push(`${fault}: ${told(at)}`);
  }
  const stroke = (event) => { if (event.key === "Tab") note(); };
  const left = (event) => { if (event.target === window && stops.length > 0) isOver = true; };
  addEventListener("keydown", stroke, true);
  addEventListener("blur", left, true);

  /** Text beside a link makes it a part of a sentence, whose lines say how high it is. Signs between links do not. */
  function isInText(element) {
    for (let at = element; getComputedStyle(at).display === "inline"; at = at.parentElement) {
      const beside = [...at.parentNode.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
      if (beside.some((node) => /[\p{L}\p{N},.;:()]/u.test(node.data))) return true;
    }
    return false;
  }
  function isSmall(element) {
    const places = [element, ...(element.labels ?? [])].map((place) => place.getBoundingClientRect());
    // Half a pixel is lost where browsers round.
    return !places.some((box) => box.width >= 23.5 && box.height >= 23.5);
  }
  function small() {
    const links = (one) => one.localName === "a" && isInText(one);
    return usable(controls).filter((one) => isSmall(one) && !links(one) && !one.matches(".skip")).map((one) => {
      const box = one.getBoundingClientRect();
      return `is ${box.width.toFixed(1)} × ${box.height.toFixed(1)} px: ${told(one)}`;
    });
  }

  /** The innermost element that the page scrolls sideways for. */
  function wide() {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const found = [...document.querySelectorAll("main *")].filter((element) => element.getBoundingClientRect().right > innerWidth);
    return [`the page scrolls sideways, by ${found.length > 0 ? told(found.at(-1)) : "what is not in the content"}`];
  }
  function empty() {
    const open = [...document.querySelectorAll("main details[open]")].filter((one) => one.getClientRects().length > 0);
    return open.filter((one) => one.offsetHeight <= (one.querySelector("summary")?.offsetHeight ?? 0) + 1)
      .map((one) => `is open and shows nothing: ${told(one)}`);
  }

  function begin() {
    const from = modal ?? document.body;
    stops.length = 0;
    from.tabIndex = -1;
    from.focus({ preventScroll: true });
    if (from === document.body) from.removeAttribute("tabindex");
    scrollTo(0, 0);
  }

  /** Whether each is reached, in the order of the page. */
  function order() {
    const known = new Set(wanted);
    const reached = stops.filter((one) => known.has(one));
    const missed = wanted.filter((one) => !reached.includes(one)).map((one) => `is not reached: ${told(one)}`);
    const turned = reached.findIndex((one, number) => number > 0 && wanted.indexOf(one) < wanted.indexOf(reached[number - 1]));
    return turned < 0 ? missed : [...missed, `comes after what stands behind it: ${told(reached[turned])}`];
  }

  /** Nothing more is to be come to. */
  function isDone() {
    note();
    return isOver || wanted.every((one) => stops.includes(one));
  }
  function findings() {
    removeEventListener("keydown", stroke, true);
    removeEventListener("blur", left, true);
    return [...new Set([...faults, ...order(), ...small(), ...wide(), ...empty()])];
  }

  return { begin, isDone, findings, count: () => wanted.length };
})();
0
