/* The switch below a field for people: whether its list includes customers; and whom the list leaves out. Fields can be
   added later, so listen above. */
"use strict";

{
  const pickerOf = (element) => element.closest(".person-picker");
  const switchOf = (select) => pickerOf(select)?.querySelector("[data-person-switch]");

  /* What is sent with each request for the list. */
  function ask(select) {
    const { without, unlike } = select.dataset;
    const other = unlike && select.form?.elements[unlike]?.value;
    const kind = switchOf(select).checked ? "everyone" : "agents";
    select.dataset.fieldName = [kind, without, other].filter(Boolean).join("-");
  }

  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-person-switch]")) django.jQuery(pickerOf(target).querySelector("select")).select2("open");
  });
  // Select2 tells only jQuery, which this file may come before.
  document.addEventListener("DOMContentLoaded", () => {
    django.jQuery(document).on("select2:opening", "select", ({ target }) => switchOf(target) && ask(target));
  });
}
