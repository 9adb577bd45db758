/* Suggestions in fields for labels, which are separated by commas: existing labels that begin with what is typed, with
   their numbers of tickets. Arrow keys choose one, Enter takes it, Escape closes the list. Fields can be added later, so
   listen above. */
"use strict";

{
  const PATIENCE = 150;
  const list = Object.assign(document.createElement("ul"), { id: "label-suggestions", className: "label-suggestions" });
  list.role = "listbox";
  list.ariaLabel = "Suggestions";
  let field = null;
  let timer;
  let asked = 0;
  let isTaken = false;

  const isField = (element) => element?.matches?.("input[data-labels]");
  const options = () => [...list.children];
  const active = () => list.querySelector("[aria-selected=true]");

  /* What is between the commas around the cursor. */
  function part() {
    const text = field.value;
    const from = text.lastIndexOf(",", field.selectionStart - 1) + 1;
    const to = text.indexOf(",", field.selectionStart);
    return { from, to: to < 0 ? text.length : to };
  }

  function close() {
    clearTimeout(timer);
    asked += 1;
    list.remove();
    if (!field) return;
    field.ariaExpanded = "false";
    field.removeAttribute("aria-controls");
    field.removeAttribute("aria-activedescendant");
  }

  function open(labels) {
    list.replaceChildren(
      ...labels.map(({ name, tickets }, index) => {
        const option = Object.assign(document.createElement("li"), { id: `label-suggestion-${index}` });
        option.role = "option";
        option.ariaSelected = "false";
        option.dataset.name = name;
        const number = document.createElement("span");
        number.textContent = `${tickets.toLocaleString("en")} ticket${tickets === 1 ? "" : "s"}`;
        option.append(name, " ", number);
        return option;
      }),
    );
    field.after(list);
    list.style.setProperty("top", `${field.offsetTop + field.offsetHeight}px`);
    list.style.setProperty("left", `${field.offsetLeft}px`);
    list.style.setProperty("min-width", `${Math.min(field.offsetWidth, 240)}px`);
    field.ariaExpanded = "true";
    field.setAttribute("aria-controls", list.id);
  }

  function select(option) {
    if (active()) active().ariaSelected = "false";
    if (!option) return field.removeAttribute("aria-activedescendant");
    option.ariaSelected = "true";
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  async function suggest() {
    const { from, to } = part();
    const text = field.value;
    const given = `${text.slice(0, from)},${text.slice(to)}`;
    const query = new URLSearchParams({ start: text.slice(from, to).trim(), given });
    const number = ++asked;
    const answer = await fetch(`${field.dataset.labels}?${query}`, { headers: { Accept: "application/json" } }).catch(() => null);
    const labels = answer?.ok && !answer.redirected ? (await answer.json()).labels : [];
    // Something else may have been typed by now.
    if (number !== asked || document.activeElement !== field) return;
    if (labels.length) open(labels);
    else close();
  }

  function take(option) {
    const { from, to } = part();
    const space = from ? " " : "";
    field.setRangeText(`${space}${option.dataset.name}${to < field.value.length ? "" : ", "}`, from, to, "end");
    isTaken = true;
    close();
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }

  document.addEventListener("focusin", ({ target }) => {
    if (isField(target)) [field, isTaken] = [target, false];
  });
  document.addEventListener("focusout", ({ target }) => {
    if (target !== field) return;
    close();
    // The browser reports only what was typed.
    if (isTaken) target.dispatchEvent(new Event("change", { bubbles: true }));
    [field, isTaken] = [null, false];
  });
  document.addEventListener("input", (event) => {
    if (!isField(event.target) || event.target !== field) return;
    close();
    const { from, to } = part();
    if (field.value.slice(from, to).trim()) timer = setTimeout(suggest, PATIENCE);
  });
  // Before others hear of it: Enter would send the form, and Escape would close what the field is in.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target !== field || event.isComposing) return;
      const { key } = event;
      if (!list.isConnected) {
        if (key === "ArrowDown" && !event.altKey) {
          event.preventDefault();
          suggest();
        }
        return;
      }
      const all = options();
      const place = all.indexOf(active());
      if (key === "ArrowDown") select(all[place + 1] ?? all[0]);
      else if (key === "ArrowUp") select(all.at(place < 0 ? -1 : place - 1));
      else if (key === "Enter" && active()) take(active());
      else if (key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
  // Without taking the focus from the field.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", ({ target }) => target.closest("li") && take(target.closest("li")));
}
