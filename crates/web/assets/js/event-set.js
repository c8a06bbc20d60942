
// The categories of an event set: they open and close, their box ticks all that is seen of them, a search looks through all.
(() => {
  const boxes = (category) => [...category.querySelectorAll("[data-kind] input[type=checkbox]")];
  const seen = (box) => !box.closest("[data-kind]").hidden;

  function open(category, isOpen) {
    category.classList.toggle("open", isOpen);
    category.querySelector("[aria-expanded]")?.setAttribute("aria-expanded", String(isOpen));
  }

  function count(category) {
    const all = boxes(category);
    const ticked = all.filter((box) => box.checked).length;
    category.querySelector("[data-category-count]").textContent = `${ticked} of ${all.length}`;
    const whole = category.querySelector("[data-category-all]");
    whole.checked = ticked > 0 && ticked === all.length;
    whole.indeterminate = ticked > 0 && !whole.checked;
  }

  function expander(category) {
    const name = category.querySelector("[data-expands]");
    const button = alertwire.made("button", "", name.textContent);
    button.type = "button";
    button.setAttribute("aria-expanded", String(category.classList.contains("open")));
    button.setAttribute("aria-controls", name.dataset.expands);
    button.addEventListener("click", () => open(category, !category.classList.contains("open")));
    name.replaceChildren(button);
  }

  function all(category) {
    const whole = category.querySelector("[data-category-all]");
    whole.hidden = false;
    whole.addEventListener("change", () => {
      for (const box of boxes(category).filter(seen)) box.checked = whole.checked;
    });
  }

  // What was open before the search is open after it.
  function search(field, categories) {
    const none = document.querySelector("[data-kinds-none]");
    let before = null;
    field.hidden = false;
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      if (wanted && !before) before = new Set(categories.filter((one) => one.classList.contains("open")));
      let found = 0;
      for (const category of categories) {
        const kinds = [...category.querySelectorAll("[data-kind]")];
        for (const kind of kinds) kind.hidden = !kind.textContent.toLowerCase().includes(wanted);
        const left = kinds.filter((kind) => !kind.hidden).length;
        category.hidden = left === 0;
        found += left;
        if (wanted) open(category, true);
        else if (before) open(category, before.has(category));
      }
      if (!wanted) before = null;
      none.hidden = found > 0;
    });
    // Enter looks; it does not save.
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }

  addEventListener("DOMContentLoaded", () => {
    const categories = [...document.querySelectorAll("[data-category]")];
    if (categories.length === 0) return;
    const told = document.querySelector("[data-kinds-told]");
    const total = () => {
      const ticked = categories.flatMap(boxes).filter((box) => box.checked).length;
      told.textContent = `${ticked} chosen`;
    };
    for (const category of categories) {
      expander(category);
      all(category);
      count(category);
      category.addEventListener("change", () => { count(category); total(); });
    }
    total();
    search(document.querySelector("[data-kinds-search]"), categories);
  });
})();
