/* Macros in a reply form: put the text of the chosen one into the message, and say what else it would do. */
"use strict";

for (const part of document.querySelectorAll("[data-macros]")) {
  const select = part.querySelector("select");
  const button = part.querySelector("button");
  const status = part.querySelector("[role=status]");
  const { message, is_internal: internal } = part.closest("form").elements;

  select.addEventListener("change", async () => {
    button.hidden = true;
    status.textContent = "";
    if (!select.value) return;
    const chosen = select.value;
    const answer = await fetch(`${part.dataset.macros}?macro=${chosen}`, { headers: { Accept: "application/json" } }).catch(() => null);
    // Another one may have been chosen meanwhile.
    if (select.value !== chosen) return;
    if (!answer?.ok || answer.redirected) {
      status.textContent = "The macro could not be loaded. Try again.";
      return;
    }
    const macro = await answer.json();
    insert(macro.text);
    if (macro.text && internal) internal.checked = macro.internal;
    if (macro.effects.length) {
      button.hidden = false;
      status.textContent = `“Apply macro” also sets: ${macro.effects.join(", ")}.`;
    }
  });

  /* At the cursor, as if typed, so that it can be undone and drafts notice it. */
  function insert(text) {
    if (!text) return;
    message.focus();
    message.setRangeText(text, message.selectionStart, message.selectionEnd, "end");
    message.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
