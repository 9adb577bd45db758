/* The page of a ticket: saves each property when it is edited, and keeps the page up to date without loading it. */
"use strict";

(() => {
  const page = document.getElementById("ticket-page");
  const form = () => document.getElementById("ticket_form");
  // A pop-up window closes when its form is sent.
  if (!page || !form() || form().elements._popup) return;

  // Long enough to walk through a list of choices with the arrow keys.
  const PATIENCE = 600;
  const SIGNED_OUT = "Not saved: you are signed out. Your text is kept in this browser. ";
  const FAILED = "Not saved: the server cannot be reached or is busy. Save again in a moment.";
  const $ = django.jQuery;
  const timers = new Map();
  let last = Promise.resolve();
  let waiting = 0;

  const placeOf = (name) => form().querySelector(`[data-field="${name}"]`);
  const inputsOf = (place) => [...place.querySelectorAll("input, select, textarea")].filter((field) => field.name);

  function isEdited(field) {
    if (!field.options) return field.value !== field.defaultValue;
    const first = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
    return field.value !== (first?.value ?? "");
  }

  /* What the server has stored is what the form starts from. The user may have typed more in the meantime. */
  function accept(place, sent, stored) {
    const fields = inputsOf(place);
    for (const field of fields) {
      const value = stored[field.name] ?? sent.get(field.name);
      if (!field.options && field.value === sent.get(field.name)) field.value = value;
      if (field.options) for (const option of field.options) option.defaultSelected = option.value === value;
      else field.defaultValue = value;
    }
    delete place.dataset.unsaved;
    const saved = fields.filter((field) => !isEdited(field));
    form().dispatchEvent(new CustomEvent("draft:accepted", { bubbles: true, detail: { fields: saved } }));
  }

  function isUnsaved(place) {
    return "unsaved" in place.dataset || inputsOf(place).some(isEdited);
  }

  function unsavedPlaces() {
    return [...form().querySelectorAll("[data-field]:not([data-field=assignees])")].filter(isUnsaved);
  }

  function markUnsaved() {
    document.getElementById("ticket-panel").classList.toggle("is-unsaved", unsavedPlaces().length > 0);
  }

  function say(text, ...more) {
    document.getElementById("ticket-messages").replaceChildren();
    document.getElementById("ticket-message").replaceChildren(text, ...more);
  }

  function showErrors(errors, place) {
    for (const [name, sentences] of Object.entries(errors)) {
      const target = placeOf(name) ?? place;
      const list = document.createElement("ul");
      list.className = "mt-2 text-red-600 text-xs dark:text-red-500";
      list.append(...sentences.map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })));
      target.querySelector(".ticket-errors").replaceChildren(list);
      for (const field of inputsOf(target)) field.ariaInvalid = "true";
    }
  }

  function clearErrors(place) {
    place.querySelector(".ticket-errors").replaceChildren();
    for (const field of inputsOf(place)) field.ariaInvalid = null;
  }

  /* The heading of the page and the title of its tab. */
  function rename(title) {
    const heading = document.querySelector(".breadcrumbs [aria-current], .breadcrumbs h1");
    if (!heading || heading.textContent === title) return;
    document.title = document.title.replace(heading.textContent, () => title);
    heading.textContent = title;
  }

  function replace(parts) {
    const focused = document.activeElement?.id;
    const foldable = () => document.querySelectorAll("#ticket-entries details, #ticket-mail details");
    const open = new Map([...foldable()].map((each) => [each.dataset.key, each.open]));
    const { show } = document.getElementById("ticket-entries").dataset;
    for (const [id, html] of Object.entries(parts)) {
      const old = document.getElementById(id);
      // What is typed into the reply box stays: only its buttons are parts.
      const reason = id === "ticket-buttons" && old?.querySelector("[name=reason]")?.value;
      // Nothing is added to earlier entries.
      if (!old || "earlier" in old.dataset) continue;
      old.outerHTML = html;
      const next = document.getElementById(id);
      if (reason && next.querySelector("[name=reason]")) next.querySelector("[name=reason]").value = reason;
      // Sets up autocomplete fields, and names them.
      next.dispatchEvent(new CustomEvent("formset:added", { bubbles: true, detail: { formsetName: "" } }));
      htmx.process(next);
    }
    for (const each of foldable()) each.open = open.get(each.dataset.key) ?? each.open;
    keepFilter(show);
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  /* The filter of the entries may have been changed while the server was answering. */
  function keepFilter(show) {
    const entries = document.getElementById("ticket-entries");
    if (entries.dataset.show === show) return;
    const source = [...entries.querySelectorAll("[data-kind]")].find((each) => each.dataset.kind === show);
    htmx.ajax("GET", source.getAttribute("hx-get"), { target: entries, select: "#ticket-entries", swap: "outerHTML" });
  }

  async function send(changes, place) {
    const sent = new URLSearchParams(new FormData(form()));
    const token = sent.get("csrfmiddlewaretoken");
    sent.delete("csrfmiddlewaretoken");
    for (const [name, value] of Object.entries(changes)) sent.set(name, value);
    sent.set("show", document.getElementById("ticket-entries").dataset.show);
    clearErrors(place);
    let response, answer;
    try {
      response = await fetch(page.dataset.save, { method: "POST", body: sent, headers: { "X-CSRFToken": token } });
      if (response.headers.get("content-type")?.includes("json")) answer = await response.json();
    } catch {
      // No connection.
    }
    if (!answer) return explain(response);
    if (answer.errors) {
      say("Not saved.");
      if (changes.assign) $(place).find("select").val(null).trigger("change.select2");
      return showErrors(answer.errors, place);
    }
    form().elements.seen_version.value = answer.version;
    rename(answer.title);
    if (response.status === 409) {
      replace(answer.parts);
      document.getElementById("ticket-differences").focus();
      return say("Not saved: somebody else has changed this ticket.");
    }
    accept(place, sent, answer.values);
    replace(answer.parts);
    say(`${answer.message}${refusedFields()}`, ...undoOf(answer.undo ?? {}));
  }

  /* What was refused before stays so when another field is saved. */
  function refusedFields() {
    const places = unsavedPlaces().filter((place) => place.querySelector(".ticket-errors li"));
    const names = places.map((place) => place.querySelector("label")?.textContent.trim().replace(/\*$/, "").trim());
    return names.length ? ` Not saved: ${names.join(", ")}. ` : "";
  }

  /* A button that takes back an assignment. */
  function undoOf(changes) {
    return Object.entries(changes).map(([name, value]) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Undo" });
      button.className = "cursor-pointer font-medium text-primary-600 dark:text-primary-500";
      button.dataset[name] = value;
      return button;
    });
  }

  function explain(response) {
    page.querySelector("#ticket-panel").classList.add("is-unsaved");
    if (!response || response.status >= 500) return say(FAILED);
    const link = Object.assign(document.createElement("a"), { href: page.dataset.login, target: "_blank", textContent: "Sign in in a new tab" });
    link.className = "text-primary-600 dark:text-primary-500";
    say(SIGNED_OUT, link, ", then reload this page.");
  }

  /* One after the other, because each changes the version that the next one has to know. */
  function enqueue(changes, name) {
    waiting += 1;
    last = last
      .then(() => send(changes, placeOf(name)))
      .finally(() => (waiting -= 1))
      .then(markUnsaved);
  }

  function save(place) {
    const name = place.dataset.field;
    clearTimeout(timers.get(name));
    timers.delete(name);
    const values = inputsOf(place).map((field) => field.value);
    const isHalf = values.some(Boolean) && !values.every(Boolean);
    if (!isUnsaved(place) || (isHalf && place.contains(document.activeElement))) return markUnsaved();
    enqueue({ field: name }, name);
  }

  function saveSoon(place) {
    const name = place.dataset.field;
    clearTimeout(timers.get(name));
    timers.delete(name);
    if (isUnsaved(place)) timers.set(name, setTimeout(() => save(placeOf(name)), PATIENCE));
    else markUnsaved();
  }

  // jQuery hears its own events, which Select2 sends, as well as the browser's.
  $(document).on("change", "#ticket_form [data-field]", (event) => {
    const place = event.target.closest("[data-field]");
    if (place.dataset.field !== "assignees") saveSoon(place);
    else if (event.target.value && event.target.matches("select")) enqueue({ assign: event.target.value }, "assignees");
  });
  // The second half of a date and time may never be filled in.
  document.addEventListener("focusout", (event) => {
    const place = event.target.closest?.("#ticket_form [data-field=due_at]");
    if (place) saveSoon(place);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-assign], [data-unassign]");
    if (!button) return;
    const { assign, unassign } = button.dataset;
    enqueue(assign ? { assign } : { unassign }, "assignees");
  });
  /* The buttons of the reply box are replaced with each change. */
  function replacementOf(button) {
    const buttons = [...document.querySelectorAll("#ticket-buttons button")];
    return buttons.find((each) => each.name === button?.name && each.value === button?.value);
  }

  /* Save what is still waiting, then go on. */
  function afterSaving(event, goOn) {
    if (!timers.size && !waiting) return;
    event.preventDefault();
    for (const name of [...timers.keys()]) save(placeOf(name));
    // A form ignores what is submitted while it handles another submission.
    last.then(() => setTimeout(goOn));
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const isElsewhere = link && !link.target && link.getAttribute("href")[0] !== "#" && !link.hasAttribute("hx-get");
    const isPlain = !(event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented);
    if (isElsewhere && isPlain) afterSaving(event, () => location.assign(link.href));
  });
  // Before drafts.js hears of it, which takes it for a form that is sent.
  document.addEventListener(
    "submit",
    (event) => {
      if (event.target.id === "ticket-reply") {
        const { target, submitter } = event;
        afterSaving(event, () => target.requestSubmit(submitter?.isConnected ? submitter : replacementOf(submitter)));
      }
      if (event.target !== form()) return;
      event.preventDefault();
      unsavedPlaces().forEach(save);
    },
    true,
  );
  document.addEventListener("draft:restored", (event) => event.target === form() && markUnsaved());
  document.addEventListener("draft:discarded", (event) => event.target === form() && markUnsaved());

  // Enter in the reason means the button beside it, not the first one of the form.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("#ticket-reply [name=reason]")) return;
    event.preventDefault();
    document.querySelector("#ticket-reply [name=is_hold]")?.click();
  });

  page.classList.add("has-script");
  markUnsaved();
})();
