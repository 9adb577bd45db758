/* The theme's gaps: what our Content-Security-Policy blocks, and what screen readers need. */
"use strict";

// htmx would add a <style> element and compile code; both are blocked, and the admin needs neither.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;

// Before the theme's own scripts start, which copy some of these attributes.
document.addEventListener("DOMContentLoaded", () => {
  (document.getElementById("main") ?? document.getElementById("page"))?.setAttribute("role", "main");
  document.querySelectorAll("nav").forEach((nav, index) => (nav.ariaLabel ??= index ? `Menu ${index + 1}` : "Menu"));
  document.querySelectorAll("[data-simplebar]").forEach((area, index) => {
    area.dataset.simplebarAriaLabel = `Scrollable content ${index + 1}`;
  });
  for (const heading of document.querySelectorAll("th")) {
    if (!heading.textContent.trim() && !heading.querySelector("input")) heading.append(hidden("Actions"));
  }
});

// jQuery calls this after the functions that set up Select2. Pages without Select2 do not load it.
window.addEventListener("load", () => globalThis.django?.jQuery?.(nameSelects));
document.addEventListener("formset:added", () => setTimeout(nameSelects));

/* Select2 names its fields after their value only, so an empty field has no name. */
function nameSelects() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const name = select.labels[0]?.textContent.trim() || select.ariaLabel || select.name;
    for (const part of select.nextElementSibling.querySelectorAll("[role=combobox], [role=textbox]")) {
      part.ariaLabel = name;
    }
  }
}

function hidden(text) {
  const element = document.createElement("span");
  element.className = "visually-hidden";
  element.textContent = text;
  return element;
}
