/* The button of pages that are made to be printed. */
"use strict";

document.querySelector("[data-print]").addEventListener("click", () => window.print());
