/* The switch below a field for people: whether its list includes customers. Rows can be added later, so listen above. */
"use strict";

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-person-switch]")) return;
  const select = target.closest(".person-picker").querySelector("select");
  // Sent with each request for the list.
  select.dataset.fieldName = target.checked ? "everyone" : "agents";
  django.jQuery(select).select2("open");
});
