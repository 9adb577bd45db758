/* Drafts: what is typed into a form of the admin is kept in this browser until the server has accepted it.

   Every form of the admin that is posted has a draft, named after the user and the address that the form is sent to.
   `data-draft` tells apart forms that are sent to the same address; `data-no-draft` on a form, or on any element inside
   it, leaves it out. The server says who the user is (templates/admin/base.html), so that nobody gets the draft of
   somebody else.

   - Every edit is stored at once, so it survives a closed tab, a crash and a lost session.
   - The page restores it, with the rows that were added to the form. A notice names fields that somebody else has changed
     since, shows what has no field on the page any more, and has a button to discard the draft.
   - A page of the user's own lists all drafts (unsent.js), for those whose page is gone.
   - Leaving with unsent text asks first.
   - A form that is sent carries `_draft`. When it is accepted, the server sets a cookie with that name (kit/admin/once.py)
     and the next page removes the draft, unless another tab has changed it since.
   - Hidden fields, passwords and files are left out.

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
  let sending = null;

  const user = () => document.querySelector("meta[name=user]")?.content;
  const keyOf = (form) => PREFIX + nameOf(form);
  const isTicked = (field) => field.type === "checkbox" || field.type === "radio";

  /* Return the name of the form's draft, or nothing if it has none. A form's fields hide its properties. */
  function nameOf(form) {
    if (!user() || form.getAttribute("method")?.toLowerCase() !== "post" || form.matches("[data-no-draft], #changelist-form")) return "";
    const { pathname } = new URL(form.getAttribute("action") || "", location.href);
    return `${user()}${pathname}${form.dataset.draft ?? ""}`.replace(/[^\w.-]+/g, ".");
  }

  /* Rows go by their record, or by their place among the new ones: others may add and remove rows in the meantime. */
  function idOf(field) {
    const { elements } = field.form;
    const [, prefix, place, column] = field.name.match(/^(\w+)-(\d+)-(\w+)$/) ?? [];
    const saved = elements[`${prefix}-INITIAL_FORMS`];
    const record = elements[`${prefix}-${place}-id`]?.value;
    const name = saved ? `${prefix}-${record ? `#${record}` : `+${place - saved.value}`}-${column}` : field.name;
    return isTicked(field) ? `${name}=${field.value}` : name;
  }

  function fieldsOf(form) {
    return [...form.elements].filter(
      (field) =>
        field.name &&
        !field.name.includes("__prefix__") &&
        !LEFT_OUT.has(field.type) &&
        !SECRET.test(field.name) &&
        !field.closest("[data-no-draft], fieldset:disabled"),
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
      else fields[idOf(field)] = { base, value, text: textOf(field), label: labelOf(field) };
    }
    const page = { url: location.pathname + location.search, title: document.title.replace(/ \| [^|]*$/, "") };
    write(keyOf(form), { at: Date.now(), stamp: stampOf(form), page, fields });
    if (Object.keys(fields).length) edited.add(form);
    else edited.delete(form);
    return fields;
  }

  function restore(form, isBack) {
    if (isBack) form.reset();
    const draft = read(keyOf(form));
    // A page that only confirms has no fields, such as the one that sends a form again after signing in.
    if (!draft || !fieldsOf(form).length) return;
    stamps.set(form, draft.stamp);
    const rows = addRows(form, draft);
    const found = fieldsOf(form).filter((field) => draft.fields[idOf(field)]);
    const restored = found.filter((field) => valueOf(field) !== draft.fields[idOf(field)].value);
    const changes = restored
      .filter((field) => shownAtFirst(field) !== draft.fields[idOf(field)].base)
      .map((field) => `${labelOf(field)} has been changed to “${textOf(field) || shownAtFirst(field) || "(empty)"}” since.`);
    for (const field of restored) put(field, draft.fields[idOf(field)]);
    const homeless = textsWithout(found.map(idOf), draft);
    if (homeless.length) changes.push(`No longer on this page: ${homeless.map((text) => `“${text}”`).join(", ")}.`);
    if (!restored.length && !homeless.length) return;
    form.closest("details")?.setAttribute("open", "");
    announce(form, new Date(draft.at), changes, rows);
    form.dispatchEvent(new CustomEvent("draft:restored", { bubbles: true, detail: { fields: restored } }));
  }

  /* Return what was typed into fields that the page does not have. */
  function textsWithout(ids, draft) {
    const others = Object.keys(draft.fields).filter((id) => !ids.includes(id) && !id.includes("="));
    return others.map((id) => draft.fields[id].text || draft.fields[id].value).filter((text) => text.trim());
  }

  const placeOf = (id) => id.match(/^(\w+)-\+(\d+)-(.+)$/) ?? [];

  /* Add the rows that the draft has more than the page, as the theme's button does, and return them. */
  function addRows(form, draft) {
    const added = [];
    for (const id of Object.keys(draft.fields)) {
      const [, prefix, place] = placeOf(id);
      const { [`${prefix}-TOTAL_FORMS`]: total, [`${prefix}-INITIAL_FORMS`]: saved } = form.elements;
      const wrapper = total?.closest(".formset-wrapper");
      while (wrapper && total.value - saved.value <= place) {
        const before = total.value;
        wrapper.querySelector(".add-row")?.click();
        // There is a limit.
        if (total.value === before) break;
        added.push(wrapper.querySelector(".empty-form").previousElementSibling);
      }
    }
    return added;
  }

  /* Take a row out of the draft. The theme renumbers the rows after it by their HTML, which has nothing typed. */
  function removeRow(form, id) {
    const [, prefix, removed] = placeOf(id);
    const draft = read(keyOf(form));
    if (!draft || !prefix) return;
    const fields = {};
    for (const [each, entry] of Object.entries(draft.fields)) {
      const [, of, place, column] = placeOf(each);
      if (of !== prefix || Number(place) < removed) fields[each] = entry;
      else if (Number(place) > removed) fields[`${prefix}-+${place - 1}-${column}`] = entry;
    }
    write(keyOf(form), { ...draft, fields });
    for (const field of fieldsOf(form)) {
      const entry = fields[idOf(field)];
      if (entry && valueOf(field) !== entry.value) put(field, entry);
    }
    keep(form);
  }

  function labelOf(field) {
    return (field.labels?.[0]?.textContent ?? field.ariaLabel ?? field.name).trim().replace(/\*$/, "");
  }

  function announce(form, at, changes, rows) {
    const notice = document.createElement("div");
    notice.className = "draft-notice border border-base-200 flex flex-row flex-wrap gap-3 items-center mb-3 p-3 rounded-default dark:border-base-800";
    notice.setAttribute("role", "status");
    const sentence = document.createElement("p");
    sentence.textContent = [`Draft restored from ${at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}.`, ...changes].join(" ");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cursor-pointer font-medium text-primary-600 dark:text-primary-500";
    button.textContent = "Discard draft";
    button.addEventListener("click", () => discard(form, notice, rows));
    notice.append(sentence, button);
    form.prepend(notice);
  }

  function discard(form, notice, rows) {
    localStorage.removeItem(keyOf(form));
    edited.delete(form);
    for (const row of rows.toReversed()) row.querySelector(".delete-template")?.click();
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

  /* Before the theme removes the row. */
  function onRemove(event) {
    const row = event.target.closest?.(".delete-template")?.closest(".form-group");
    const form = row?.closest("form");
    const field = form && nameOf(form) && fieldsOf(form).find((each) => row.contains(each));
    const id = field && idOf(field);
    if (id) setTimeout(() => row.isConnected || removeRow(form, id));
  }

  function start() {
    try {
      tidy();
    } catch {
      // This browser stores nothing for the site.
      return;
    }
    const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
    for (const form of [...document.forms].filter(nameOf)) {
      // The browser would fill in what it remembers, before or after this event, even if it was sent.
      if (isBack) form.autocomplete = "off";
      // The theme's buttons add rows from then on.
      if (isBack || form.querySelector(".add-row")) window.addEventListener("load", () => restore(form, isBack));
      else restore(form);
    }
    const onEdit = (event) => formOf(event) && keep(formOf(event));
    document.addEventListener("input", onEdit);
    document.addEventListener("change", onEdit);
    document.addEventListener("click", onRemove, true);
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
  document.addEventListener("submit", (event) => (sending = event.defaultPrevented ? null : event.target));
  window.addEventListener("pageshow", (event) => {
    // Back to a page that the browser has kept as it was, although the form has been accepted since.
    if (event.persisted && sending && nameOf(sending) && !read(keyOf(sending))) {
      // Browsers may keep what is filled in when they reload.
      sending.reset();
      location.reload();
    }
    sending = null;
  });
  window.addEventListener("beforeunload", (event) => {
    const isUnsent = [...edited].some((form) => form.isConnected);
    if (isUnsent && !sending) event.preventDefault();
  });
  document.addEventListener("DOMContentLoaded", start);
})();
