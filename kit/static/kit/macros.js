/* Macros in a reply form: put the text of the chosen one into the message, and say what else it would do. */
"use strict";

for (const part of document.querySelectorAll("[data-macros]")) {
  const select = part.querySelector("select");
  const button = part.querySelector("button");
  const status = part.querySelector("[role=status]");
  const { message } = part.closest("form").elements;

  select.addEventListener("change", async () => {
    button.hidden = true;
    status.textContent = "";
    if (!select.value) return;
    const chosen = select.value;
    const answer = await fetch(`${part.dataset.macros}?macro=${chosen}`, { headers: { Accept: "application/json" } }).catch(() => null);
    // Another one may have been chosen by now.
    if (select.value !== chosen) return;
    if (!answer?.ok || answer.redirected) {
      status.textContent = "The macro could not be loaded. Try again.";
      return;
    }
    const macro = await answer.json();
    insert(macro.text);
    const sentences = [];
    if (macro.text && macro.internal) sentences.push("This is an internal note: send it with “Apply macro” or “Internal note”.");
    if (macro.effects.length) sentences.push(`“Apply macro” also sets: ${macro.effects.join(", ")}.`);
    button.hidden = !sentences.length;
    status.textContent = sentences.join(" ");
  });

  /* At the cursor, as if typed, so that it can be undone and drafts notice it. */
  function insert(text) {
    if (!text) return;
    message.focus();
    message.setRangeText(text, message.selectionStart, message.selectionEnd, "end");
    message.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
