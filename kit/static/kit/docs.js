/* "Try it out" on the documentation page: sends the request of a form and shows the response. */
"use strict";

const MAX_SHOWN = 100_000;
const token = document.getElementById("token");

for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;

// On phones, the list of calls would fill several screens.
if (matchMedia("(max-width: 52rem)").matches) document.querySelector("nav details").open = false;

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    execute(form);
  });
}

async function execute(form) {
  const result = form.querySelector(".result");
  result.textContent = "Waiting for the response …";
  const { url, options } = requestOf(form);
  try {
    const response = await fetch(url, options);
    const text = await response.text();
    rememberToken(text);
    show(result, `${options.method} ${url}\n${response.status} ${response.statusText}`, pretty(text), headersOf(response));
  } catch (error) {
    show(result, `The request failed: ${error.message}`);
  }
}

function requestOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const field of form.querySelectorAll("[data-in]")) {
    const value = field.value.trim();
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(value));
    else if (value && field.dataset.in === "query") query.append(field.name, value);
    else if (value) headers[field.name] = value;
  }
  if (token.value.trim()) headers.Authorization = `Bearer ${token.value.trim()}`;
  const options = { method: form.dataset.method, headers, credentials: "omit", cache: "no-store" };
  if (form.elements.body) {
    headers["Content-Type"] = "application/json";
    options.body = form.elements.body.value;
  }
  return { url: query.size ? `${path}?${query}` : path, options };
}

function rememberToken(text) {
  try {
    const found = JSON.parse(text).token;
    if (typeof found === "string") token.value = found;
  } catch {
    // Not JSON.
  }
}

function headersOf(response) {
  return [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  }
}

function show(result, ...parts) {
  result.replaceChildren(
    ...parts.filter(Boolean).map((part) => {
      const block = document.createElement("pre");
      block.textContent = part;
      return block;
    }),
  );
}
