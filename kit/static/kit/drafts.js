/* Drafts: what is typed into a form of the admin is kept in this browser until the server has accepted it.

   A form opts in with `data-draft`, on itself or on any element inside it. The value names the draft and consists of
   letters, digits and ._- only; it starts with the user's id, so that nobody gets the draft of somebody else:

     <form method="post" data-draft="{{ user.pk }}.ticket-{{ ticket.pk }}.reply">

   In a change form of the admin: change_form_before_template = "admin/draft.html".

   - Every edit is stored at once, so it survives a closed tab, a crash and a lost session.
   - The page restores it with a notice that names fields somebody else has changed since, and a button to discard it.
   - Leaving with unsent text asks first.
   - A form that is sent carries `_draft`. When it is accepted, the server sets a cookie with that name (kit/admin/once.py)
     and the next page removes the draft, unless another tab has changed it since.
   - Hidden fields, passwords, files and whatever is inside `data-no-draft` are left out.

   Scripts that save without a page load dispatch `draft:accepted` on the form, with `detail: { fields: [elements] }`.
   The form gets `draft:restored` after its draft has been restored, with the same detail. */
"use strict";

(() => {
  const PREFIX = "draft.";
  const COOKIE = "sent.";
  const DAYS_TO_KEEP = 30;
  const LEFT_OUT = new Set(["hidden", "password", "file", "submit", "button", "reset", "image", "search"]);
  const SECRET = /password|secret|token|^code$/;
  const stamps = new WeakMap();
  const edited = new Set();
  let isSending = false;

  const nameOf = (form) => form.dataset.draft ?? form.querySelector("[data-draft]")?.dataset.draft;
  const keyOf = (form) => PREFIX + nameOf(form);
  const isTicked = (field) => field.type === "checkbox" || field.type === "radio";
  const idOf = (field) => (isTicked(field) ? `${field.name}=${field.value}` : field.name);

  function fieldsOf(form) {
    return [...form.elements].filter(
      (field) =>
        field.name && !LEFT_OUT.has(field.type) && !SECRET.test(field.name) && !field.closest("[data-no-draft], fieldset:disabled"),
    );
  }

  function valueOf(field) {
    if (isTicked(field)) return field.checked ? "on" : "";
    if (field.multiple) return [...field.selectedOptions].map((option) => option.value).join("\n");
    return field.value;
  }

  function shownAtFirst(field) {
    if (isTicked(field)) return field.defaultChecked ? "on" : "";
    if (!field.options) return field.defaultValue;
    const chosen = [...field.options].filter((option) => option.defaultSelected).map((option) => option.value);
    return field.multiple ? chosen.join("\n") : (chosen.at(-1) ?? field.options[0]?.value ?? "");
  }

  function textOf(field) {
    return field.options && !field.multiple ? (field.selectedOptions[0]?.text ?? "") : "";
  }

  function put(field, { value, text }) {
    if (isTicked(field)) field.checked = value === "on";
    else if (field.multiple) for (const option of field.options) option.selected = value.split("\n").includes(option.value);
    else {
      // The options of an autocomplete field are fetched later.
      const isMissing = field.options && ![...field.options].some((option) => option.value === value);
      if (isMissing && text) field.add(new Option(text, value));
      field.value = value;
    }
    globalThis.django?.jQuery?.(field).trigger("change.select2");
  }

  function read(key) {
    try {
      const draft = JSON.parse(localStorage.getItem(key));
      return draft?.fields ? draft : null;
    } catch {
      return null;
    }
  }

  function write(key, draft) {
    try {
      if (Object.keys(draft.fields).length) localStorage.setItem(key, JSON.stringify(draft));
      else localStorage.removeItem(key);
    } catch {
      // No room, or not allowed. Leaving asks anyway.
    }
  }

  function stampOf(form) {
    if (!stamps.has(form)) stamps.set(form, Date.now().toString(36) + Math.random().toString(36).slice(2));
    return stamps.get(form);
  }

  /* Store what differs from the values that the form had before the first edit. */
  function keep(form) {
    const fields = read(keyOf(form))?.fields ?? {};
    for (const field of fieldsOf(form)) {
      const base = fields[idOf(field)]?.base ?? shownAtFirst(field);
      const value = valueOf(field);
      if (value === base) delete fields[idOf(field)];
      else fields[idOf(field)] = { base, value, text: textOf(field) };
    }
    write(keyOf(form), { at: Date.now(), stamp: stampOf(form), fields });
    if (Object.keys(fields).length) edited.add(form);
    else edited.delete(form);
    return fields;
  }

  function restore(form) {
    const draft = read(keyOf(form));
    if (!draft) return;
    stamps.set(form, draft.stamp);
    const found = fieldsOf(form).filter((field) => draft.fields[idOf(field)]);
    const restored = found.filter((field) => valueOf(field) !== draft.fields[idOf(field)].value);
    const changes = restored
      .filter((field) => shownAtFirst(field) !== draft.fields[idOf(field)].base)
      .map((field) => `${labelOf(field)} has been changed to “${textOf(field) || shownAtFirst(field) || "(empty)"}” since.`);
    for (const field of restored) put(field, draft.fields[idOf(field)]);
    if (!restored.length) return;
    announce(form, new Date(draft.at), changes);
    form.dispatchEvent(new CustomEvent("draft:restored", { bubbles: true, detail: { fields: restored } }));
  }

  function labelOf(field) {
    return (field.labels?.[0]?.textContent ?? field.ariaLabel ?? field.name).trim().replace(/\*$/, "");
  }

  function announce(form, at, changes) {
    const notice = document.createElement("div");
    notice.className = "draft-notice border border-base-200 flex flex-row flex-wrap gap-3 items-center mb-3 p-3 rounded-default dark:border-base-800";
    notice.setAttribute("role", "status");
    const sentence = document.createElement("p");
    sentence.textContent = [`Draft restored from ${at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}.`, ...changes].join(" ");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cursor-pointer font-medium text-primary-600 dark:text-primary-500";
    button.textContent = "Discard draft";
    button.addEventListener("click", () => discard(form, notice));
    notice.append(sentence, button);
    form.prepend(notice);
  }

  function discard(form, notice) {
    localStorage.removeItem(keyOf(form));
    edited.delete(form);
    for (const field of fieldsOf(form)) {
      if (valueOf(field) !== shownAtFirst(field)) put(field, { value: shownAtFirst(field), text: "" });
    }
    notice.remove();
    form.dispatchEvent(new CustomEvent("draft:discarded", { bubbles: true }));
    fieldsOf(form)[0]?.focus();
  }

  /* Remove the drafts that the server has accepted, and those that nobody came back for. */
  function tidy() {
    for (const [, name, stamp] of document.cookie.matchAll(/(?:^|; )sent\.([\w.-]+)=(\w+)/g)) {
      if (read(PREFIX + name)?.stamp === stamp) localStorage.removeItem(PREFIX + name);
      document.cookie = `${COOKIE}${name}=; path=/; max-age=0`;
    }
    const oldest = Date.now() - DAYS_TO_KEEP * 86_400_000;
    for (const key of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
      if (!(read(key)?.at > oldest)) localStorage.removeItem(key);
    }
  }

  const formOf = (event) => {
    const form = event.target.form ?? event.target.closest?.("form");
    return form && nameOf(form) ? form : null;
  };

  function start() {
    try {
      tidy();
    } catch {
      // This browser stores nothing for the site.
      return;
    }
    new Set([...document.querySelectorAll("[data-draft]")].map((each) => each.closest("form"))).forEach(
      (form) => form && restore(form),
    );
    const onEdit = (event) => formOf(event) && keep(formOf(event));
    document.addEventListener("input", onEdit);
    document.addEventListener("change", onEdit);
    // Select2 tells nobody but jQuery.
    globalThis.django?.jQuery?.(document).on("select2:select select2:unselect select2:clear", onEdit);
  }

  // Scripts that save field by field: what was accepted is the new base.
  document.addEventListener("draft:accepted", (event) => {
    const form = event.target;
    const draft = read(keyOf(form));
    if (draft) {
      for (const field of event.detail.fields) delete draft.fields[idOf(field)];
      write(keyOf(form), draft);
    }
    if (!Object.keys(draft?.fields ?? {}).length) edited.delete(form);
    form.querySelector(".draft-notice")?.remove();
  });
  document.addEventListener("formdata", (event) => {
    const form = event.target;
    if (nameOf(form) && Object.keys(keep(form)).length) event.formData.set("_draft", `${nameOf(form)}~${stampOf(form)}`);
  });
  document.addEventListener("submit", (event) => (isSending = !event.defaultPrevented));
  window.addEventListener("pageshow", () => (isSending = false));
  window.addEventListener("beforeunload", (event) => {
    const isUnsent = [...edited].some((form) => form.isConnected);
    if (isUnsent && !isSending) event.preventDefault();
  });
  document.addEventListener("DOMContentLoaded", start);
})();
