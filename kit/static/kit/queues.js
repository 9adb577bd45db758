/* Keep the current tab of the ticket list in sight, count saved views, and close the small forms with Escape. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const nav = document.querySelector(".queues");
  const current = nav?.querySelector("[aria-current]");
  if (current) {
    nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
  }
  if (nav?.dataset.counts) count(nav);
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

/* Counting takes longer than the list, so it comes after. Tabs without a number take too long to count. */
async function count(nav) {
  const answer = await fetch(nav.dataset.counts, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const { counts } = await answer.json();
  for (const tab of nav.querySelectorAll("[data-view]")) {
    const number = counts[tab.dataset.view];
    if (number) tab.append(" ", Object.assign(document.createElement("span"), { className: "count", textContent: number }));
  }
}
