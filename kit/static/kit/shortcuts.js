/*
 * Single keys for what is on the page: `?` lists them, and the dialog switches them off for this browser.
 *
 * An element takes part with data-shortcut="reply": its key focuses a field, and clicks anything else. A form therefore
 * decides what its buttons' keys do, and keys without an element do nothing. Nothing needs them: every element can be
 * reached without, and screen readers keep their own keys, which they do not pass on to the page.
 */
"use strict";

{
  const OFF = "kit.shortcuts.off";
  // By name: the key, what the dialog says, and where to find an element that does not name its shortcut.
  const SHORTCUTS = {
    reply: ["r", "Write a reply"],
    note: ["n", "Internal note"],
    close: ["c", "Reply and close"],
    hold: ["h", "Put on hold"],
    assign: ["a", "Assign to me"],
    macro: ["m", "Choose a macro"],
    watch: ["w", "Watch, or stop"],
    save: ["s", "Save"],
    next: ["j", "Next"],
    previous: ["k", "Previous"],
    back: ["u", "Back to the list"],
    search: ["/", "Search", "#searchbar"],
    new: ["+", "Add", "a.addlink"],
    "go-overview": ["g o", "Go to the overview", "a[href='/admin/']"],
    "go-queue": ["g q", "Go to your tickets", "a[href='/admin/tickets/ticket/?queue=mine']"],
    "go-tickets": ["g t", "Go to all tickets", "a[href='/admin/tickets/ticket/']"],
    "go-events": ["g e", "Go to events", "a[href='/admin/events/event/']"],
    "go-bookings": ["g b", "Go to bookings", "a[href='/admin/events/booking/']"],
    "go-people": ["g p", "Go to people", "a[href='/admin/accounts/user/']"],
  };
  const NAME_OF_KEY = Object.fromEntries(Object.entries(SHORTCUTS).map(([name, [key]]) => [key, name]));
  const ROWS = "#result_list tbody th a, [data-rows] a[data-row]";
  const OF_THEME = new Set(["t", "/"]);
  // How long a first key waits for the second.
  const WAIT = 1500;
  let first = "";
  let timer;

  function elementOf(name) {
    const found = document.querySelectorAll(`[data-shortcut="${name}"]`);
    return [...found].find(isShown) ?? document.querySelector(SHORTCUTS[name][2] ?? ":not(*)");
  }

  function isShown(element) {
    return element.checkVisibility?.() ?? element.offsetParent !== null;
  }

  function rows() {
    return [...document.querySelectorAll(ROWS)].filter(isShown);
  }

  function isAvailable(name) {
    return elementOf(name) !== null || (["next", "previous"].includes(name) && rows().length > 0);
  }

  function run(name) {
    const element = elementOf(name);
    if (element) {
      const isField = element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit], [type=button])");
      element.focus();
      if (isField) element.scrollIntoView({ block: "center" });
      else element.click();
      return;
    }
    // On a list, these move along its rows; Enter opens the one with the focus.
    const links = rows();
    const step = name === "next" ? 1 : -1;
    const place = links.indexOf(document.activeElement);
    const target = place < 0 ? links.at(step > 0 ? 0 : -1) : links[place + step];
    target?.focus();
  }

  function isTyping(target) {
    return target.closest?.("input, textarea, select, [contenteditable], [role=textbox], [role=combobox], [role=listbox], [role=menu], dialog");
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.key.length !== 1) return;
    if (localStorage.getItem(OFF) || isTyping(event.target)) {
      // The theme has two keys of its own, which also work in a select.
      if (OF_THEME.has(event.key)) event.stopPropagation();
      return;
    }
    const key = first ? `${first} ${event.key}` : event.key;
    first = "";
    clearTimeout(timer);
    if (key === "g") {
      first = key;
      timer = setTimeout(() => (first = ""), WAIT);
    } else if (key === "?" || (NAME_OF_KEY[key] && isAvailable(NAME_OF_KEY[key]))) {
      event.preventDefault();
      event.stopPropagation();
      if (key === "?") show();
      else run(NAME_OF_KEY[key]);
    }
  });

  // The entry in the menu under the user's name, which also brings the shortcuts back.
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("a[href='#shortcuts']")) {
      event.preventDefault();
      show();
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const element of document.querySelectorAll("[data-shortcut]")) {
      const shortcut = SHORTCUTS[element.dataset.shortcut];
      if (shortcut && !localStorage.getItem(OFF)) element.setAttribute("aria-keyshortcuts", shortcut[0]);
    }
  });

  function show() {
    const dialog = make("dialog", { className: "shortcuts" });
    dialog.setAttribute("aria-labelledby", "shortcuts-title");
    const list = make("dl");
    for (const [name, [key, text]] of [["help", ["?", "Show this list"]], ...Object.entries(SHORTCUTS)]) {
      if (name !== "help" && !isAvailable(name)) continue;
      const keys = make("dt");
      for (const part of key.split(" ")) keys.append(make("kbd", { textContent: part }), " ");
      list.append(keys, make("dd", { textContent: text }));
    }
    const box = make("input", { type: "checkbox", checked: !localStorage.getItem(OFF) });
    box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
    const label = make("label");
    label.append(box, "Use keyboard shortcuts in this browser");
    const button = make("button", { type: "button", textContent: "Close" });
    button.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.append(make("h2", { id: "shortcuts-title", textContent: "Keyboard shortcuts" }), list, label, button);
    document.body.append(dialog);
    dialog.showModal();
    button.focus();
  }

  function make(tag, properties = {}) {
    return Object.assign(document.createElement(tag), properties);
  }
}
