/* Keep the current tab of the ticket list in sight, and close its small forms with Escape. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const nav = document.querySelector(".queues");
  const current = nav?.querySelector("[aria-current]");
  if (current) {
    nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
  }
  for (const details of document.querySelectorAll("details.view")) {
    details.addEventListener("toggle", () => details.open && details.querySelector("input[name=name], button")?.focus());
    details.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        details.open = false;
        details.querySelector("summary").focus();
      }
    });
  }
});
