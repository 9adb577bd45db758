// A front end for document 004 on another origin, which reads the API the way the document's own does: every call sends
// the stored token, a comment shows `author` and `createdAt`, and the response to a PATCH replaces the ticket.
"use strict";

const API = new URLSearchParams(location.search).get("api");
const root = document.getElementById("root");
let ticket = null;

async function call(method, path, body, headers = {}) {
  document.getElementById("error").textContent = "";
  const token = localStorage.getItem("token");
  const response = await fetch(API + path, {
    method,
    headers: {
      "Content-Type": "application/json",
      ...(token && { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  const wait = response.headers.get("Retry-After");
  show(
    document.getElementById("error"),
    `${response.status} ${answer.error.code ?? answer.error}`,
    answer.error.message && `: ${answer.error.message}`,
    wait && ` (try again in ${wait} s)`,
    response.headers.get("X-Request-ID") ? "" : " (no request id)",
  );
  throw new Refused();
}

class Refused extends Error {}

function attempt(action) {
  action.catch((error) => {
    if (!(error instanceof Refused)) throw error;
  });
}

// Like React, refuse to show an object as text.
function show(element, ...children) {
  element.replaceChildren();
  for (const child of children.flat()) {
    if (child instanceof Node || typeof child === "string" || typeof child === "number") element.append(child);
    else if (child) throw new Error(`Objects are not valid as a child: ${JSON.stringify(child)}`);
  }
  return element;
}

function make(name, properties, ...children) {
  return show(Object.assign(document.createElement(name), properties), ...children);
}

function field(label, name, properties = {}, kind = "input") {
  return make("label", {}, label, make(kind, { name, ...properties }));
}

function form(action, ...children) {
  const element = make("form", {}, ...children);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(element));
    attempt(action(values, event.submitter?.value));
  });
  return element;
}

function local(time) {
  return new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

function showSignIn() {
  async function act({ name, email, password }, action) {
    if (action === "register") {
      const answer = await call("POST", "/api/auth/register", { name, email, password, role: "user" });
      show(root, make("p", {}, `${answer.message}: ${answer.user.name}`), ...showSignIn());
      return;
    }
    const { token } = await call("POST", "/api/auth/login", { email, password });
    localStorage.setItem("token", token);
    await showTickets();
  }
  const fields = [
    field("Name", "name"),
    field("E-mail", "email", { type: "email" }),
    field("Password", "password", { type: "password" }),
    make("button", { value: "sign-in" }, "Sign in"),
    make("button", { value: "register" }, "Register"),
  ];
  return [form(act, ...fields)];
}

async function showTickets() {
  const { items, next_offset: more } = await call("GET", "/api/tickets?limit=20&offset=0");
  // One key for each form, so that submitting it twice creates one ticket.
  const key = crypto.randomUUID();
  async function create({ title, description, priority }, action) {
    await call("POST", "/api/tickets", { title, description, priority }, { "Idempotency-Key": key });
    if (action === "create") await showTickets();
  }
  show(
    root,
    make("h2", {}, "My tickets"),
    make("ul", {}, items.map((item) => make("li", {}, openButton(item), ` ${item.priority}, ${item.status}`))),
    more && make("p", {}, `More from ${more}`),
    form(
      create,
      make("h2", {}, "New ticket"),
      field("Title", "title"),
      field("Description", "description", {}, "textarea"),
      make("label", {}, "Priority", options("priority", ["low", "medium", "high"], "high")),
      make("button", { value: "create" }, "Create"),
      make("button", { value: "create-and-stay" }, "Create and stay"),
    ),
  );
}

function openButton(item) {
  const button = make("button", { type: "button" }, item.title);
  button.addEventListener("click", () => attempt(open(item._id)));
  return button;
}

function options(name, values, chosen) {
  return make("select", { name }, values.map((value) => make("option", { value, selected: value === chosen }, value)));
}

async function open(id) {
  ticket = await call("GET", `/api/tickets/${id}`);
  showTicket();
}

function showTicket() {
  async function comment({ message }) {
    const answer = await call("POST", `/api/tickets/${ticket._id}/comments`, { message });
    ticket = { ...ticket, comments: answer.ticket.comments };
    showTicket();
  }
  async function change({ status }) {
    ticket = await call("PATCH", `/api/tickets/${ticket._id}`, { status }, { "If-Match": String(ticket.version) });
    showTicket();
  }
  const reload = make("button", { type: "button" }, "Reload");
  reload.addEventListener("click", () => attempt(open(ticket._id)));
  show(
    root,
    make("h2", {}, ticket.title),
    make("p", {}, `${ticket.status}, version ${ticket.version}, due ${local(ticket.sla_due)}`),
    make("p", {}, ticket.description),
    make("ul", {}, ticket.comments.map((each) =>
      make("li", {}, make("b", {}, each.author), ` on ${local(each.createdAt)}: `, each.message))),
    form(comment, field("Comment", "message", {}, "textarea"), make("button", {}, "Send")),
    form(
      change,
      make("label", {}, "Status", options("status", ["open", "in_progress", "resolved"], ticket.status)),
      make("button", {}, "Change"),
      reload,
    ),
  );
}

show(root, ...showSignIn());
