/* The page that lists the user's drafts in this browser (drafts.js), also those of records that are gone. */
"use strict";

{
  const PREFIX = `draft.${document.querySelector("meta[name=user]").content}.`;
  const list = document.getElementById("unsent-drafts");

  function read(key) {
    try {
      const draft = JSON.parse(localStorage.getItem(key));
      return draft?.fields ? { key, ...draft } : null;
    } catch {
      return null;
    }
  }

  const shown = ({ text, value }) => (value === "on" ? "Ticked" : text || value || "(empty)");

  function show({ key, at, page, fields }) {
    const entry = document.getElementById("unsent-draft").content.firstElementChild.cloneNode(true);
    const link = Object.assign(entry.querySelector("a"), { textContent: page?.title ?? "Untitled" });
    // Whoever can write here can write any address.
    if (page?.url.startsWith("/admin/")) link.href = page.url;
    entry.querySelector("time").textContent = new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    for (const [name, field] of Object.entries(fields)) {
      const [term, text] = ["dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = field.label ?? name;
      text.textContent = shown(field);
      entry.querySelector("dl").append(term, text);
    }
    const button = entry.querySelector("button");
    button.ariaLabel = `Delete the draft of ${link.textContent}`;
    button.addEventListener("click", () => {
      localStorage.removeItem(key);
      entry.remove();
      count();
    });
    list.append(entry);
  }

  function count() {
    document.getElementById("no-drafts").hidden = list.childElementCount > 0;
  }

  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    const drafts = keys.map(read).filter(Boolean);
    for (const draft of drafts.sort((one, other) => other.at - one.at)) show(draft);
  } catch {
    // This browser stores nothing for the site.
  }
  count();
}
