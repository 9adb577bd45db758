/* Shows the refund of the seats that somebody is about to cancel, and tells the server that it was shown. */
"use strict";

// In cents, because floating-point numbers cannot hold the largest amounts.
function cents(price, seats) {
  return BigInt(price.replace(".", "")) * BigInt(seats);
}

function plain(amount) {
  const digits = amount.toString().padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function readable(amount, decimals, currency) {
  const [whole, rest] = plain(amount).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${decimals === "0" ? grouped : `${grouped}.${rest}`} ${currency}`;
}

function sentence(form, seats) {
  if (seats > Number(form.dataset.left)) return `Only ${form.dataset.left} left.`;
  if (form.dataset.status !== "confirmed") return "Nothing to refund: the booking is still waiting.";
  return `Refund: ${readable(cents(form.dataset.refund, seats), form.dataset.decimals, form.dataset.currency)}.`;
}

function update(form) {
  const typed = form.elements.seats.value.trim();
  const seats = /^[1-9]\d{0,6}$/.test(typed) ? Number(typed) : 0;
  form.querySelector("output").textContent = seats ? sentence(form, seats) : "";
  form.elements.seen_refund.value = seats ? plain(cents(form.dataset.refund, seats)) : "";
  const button = form.querySelector("[type=submit]");
  button.textContent = seats ? `Cancel ${seats} ${seats === 1 ? "seat" : "seats"}` : "Cancel seats";
}

document.addEventListener("DOMContentLoaded", () => {
  for (const form of document.querySelectorAll("form[data-refund]")) {
    for (const type of ["input", "draft:restored", "draft:discarded"]) form.addEventListener(type, () => update(form));
    update(form);
  }
});
