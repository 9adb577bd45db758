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

// The theme renumbers the rows after a removed one by their HTML, of which Select2 does not know.
document.addEventListener("click", renewSelects, true);

// Before drafts, which call fields by these names.
document.addEventListener("DOMContentLoaded", nameCells);
document.addEventListener("formset:added", nameCells);

// What the theme lets only a mouse click: elements with a handler that are neither links nor buttons.
document.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll(":is(a:not([href]), div, li, span)[x-on\\:click]")) {
    if (!element.textContent.trim() || element.querySelector("a, button, input, select, textarea")) continue;
    element.role ??= "button";
    element.tabIndex = 0;
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      element.click();
    });
  }
  document.querySelectorAll(".material-symbols-outlined").forEach(nameIcon);
  // They follow the page's h1.
  document.querySelectorAll("#changelist-filter h3").forEach((heading) => (heading.ariaLevel = 2));
  focusWhereTypingGoesOn();
});

// A browser silently cuts off what is pasted beyond this length. The server refuses it, and says how long it may be.
document.addEventListener("focusin", ({ target }) => {
  if (target.form?.method === "post") target.removeAttribute("maxlength");
});

const ICONS = { check_small: "Yes", close_small: "No", more_horiz: "More actions", chevron_right: "Show or hide" };

/* The text of an icon is its name in the font, which a screen reader would read. */
function nameIcon(icon) {
  const text = icon.textContent.trim();
  const control = icon.closest("a, button, [role=button]");
  const name = control?.title || icon.title || ICONS[text];
  if (control?.textContent.trim() === text) control.ariaLabel ??= name ?? text.replaceAll("_", " ");
  if (control === icon) return;
  if (!control && name) [icon.role, icon.ariaLabel] = ["img", name];
  else icon.ariaHidden = true;
}

/* The first field with an error, or else the first field of a page that asks for input (form_page.html). */
function focusWhereTypingGoesOn() {
  const fields = "input:not([type=hidden]), select:not(.select2-hidden-accessible), textarea";
  const wrong = document.querySelector("#content .errors")?.querySelector(fields);
  (wrong ?? document.querySelector("[data-focus]")?.querySelector(fields))?.focus();
}

// The theme's colour for the texts of charts is too faint.
globalThis.Chart?.register({
  id: "readableTexts",
  beforeUpdate(chart) {
    const { color } = getComputedStyle(document.body);
    for (const scale of Object.values(chart.options.scales ?? {})) if (scale.ticks) scale.ticks.color = color;
    if (chart.options.plugins.legend) chart.options.plugins.legend.labels.color = color;
  },
});

// After Alpine has marked the current tab, which the address may name.
window.addEventListener("load", () => setTimeout(showCurrentTab));
document.addEventListener("click", ({ target }) => target.closest(".page-tabs a") && setTimeout(showCurrentTab));

/* Scroll the row of tabs, not the page. */
function showCurrentTab() {
  const tab = document.querySelector(".page-tabs .active");
  const row = tab?.parentElement;
  if (row) row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}

/* Select2 names its fields after their value only, so an empty field has no name. */
function nameSelects() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const name = select.labels[0]?.textContent.trim() || select.ariaLabel || select.name;
    for (const part of select.nextElementSibling.querySelectorAll("[role=combobox], [role=textbox]")) {
      part.ariaLabel = name;
    }
  }
}

/* Take Select2 away before the theme removes a row, and set it up again afterwards. */
function renewSelects({ target }) {
  const formset = target.closest?.(".delete-template")?.closest(".formset");
  const selects = () => formset && globalThis.django?.jQuery(formset).find(".admin-autocomplete:not([name*=__prefix__])");
  if (!selects()?.length) return;
  selects().select2("destroy");
  setTimeout(() => {
    selects().djangoAdminSelect2();
    nameSelects();
  });
}

/* The heading of a column names no field in it. */
function nameCells() {
  for (const field of document.querySelectorAll(".field-tabular :is(input:not([type=hidden]), select, textarea)")) {
    if (!field.labels.length) field.ariaLabel ??= field.closest("[data-label]")?.dataset.label;
  }
}

function hidden(text) {
  const element = document.createElement("span");
  element.className = "visually-hidden";
  element.textContent = text;
  return element;
}
