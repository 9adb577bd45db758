/* The search box on every page: Ctrl+K goes there, the arrow keys walk along what it has found, Escape closes that. Where
   the menu with the box is closed, it opens. */
"use strict";

{
  const form = document.getElementById("global-search-form");
  const box = document.getElementById("global-search");
  const results = document.getElementById("global-search-results");
  const links = () => [...results.querySelectorAll("a")];
  const close = () => results.replaceChildren();

  function goTo(event) {
    event.preventDefault();
    if (!box.checkVisibility()) {
      const toggles = [...document.querySelectorAll(".menu-toggle")];
      toggles.find((toggle) => toggle.checkVisibility())?.click();
    }
    // Alpine opens the menu in a microtask. A timer would be too late for the next key.
    queueMicrotask(() => {
      box.focus();
      box.select();
    });
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") goTo(event);
  });
  document.querySelector("[data-search-link]")?.addEventListener("click", goTo);

  form.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const stops = [box, ...links()];
      stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
    } else if (event.key === "Escape") {
      close();
      box.focus();
    }
  });

  form.addEventListener("focusout", ({ relatedTarget }) => {
    // A click on a result takes the focus there.
    if (relatedTarget && !form.contains(relatedTarget)) close();
  });
  document.addEventListener("click", ({ target }) => form.contains(target) || close());
}
