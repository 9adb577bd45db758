/* Draws the charts of the admin's overview from their tables, and lets people drag over days to choose them. */
"use strict";

const SERIES = 4;
const MAX_LABEL = 24;
const DASHES = [[], [6, 3], [2, 2], [10, 4]];

const charts = [...document.querySelectorAll("figure[data-chart]")].map(draw);
colour();
// The theme switches between light and dark without loading the page again.
new MutationObserver(colour).observe(document.documentElement, { attributeFilter: ["class"] });

function draw(figure) {
  const table = figure.querySelector("table");
  const rows = [...table.tBodies[0].rows];
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const area = document.createElement("div");
  area.className = "dash-canvas";
  const canvas = document.createElement("canvas");
  canvas.role = "img";
  canvas.ariaLabel = `Chart of “${figure.querySelector("figcaption").textContent}”. Its numbers follow in a table.`;
  area.append(canvas);
  figure.querySelector("details").before(area);
  const chart = new Chart(canvas, {
    type: figure.dataset.chart,
    data: {
      labels: rows.map((row) => row.cells[0].textContent),
      datasets: names.map((label, index) => ({
        label,
        data: rows.map((row) => Number(row.cells[index + 1].dataset.number)),
        borderDash: DASHES[index % SERIES],
        borderWidth: figure.dataset.chart === "line" ? 2 : 0,
        maxBarThickness: 40,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      elements: { point: { radius: rows.length === 1 ? 4 : 0, hitRadius: 8 } },
      plugins: { legend: { display: names.length > 1, labels: { boxHeight: 2 } } },
      scales: {
        x: {
          grid: { display: false },
          offset: figure.dataset.chart === "bar" || rows.length === 1,
          ticks: { callback: (index) => shortened(rows[index].cells[0].textContent) },
        },
        y: { beginAtZero: true, ticks: { precision: 0 } },
      },
    },
  });
  if (rows.length > 1 && rows[0].cells[0].dataset.day) selectDays(chart, area, rows);
  else canvas.addEventListener("click", (event) => follow(chart, event, rows));
  return chart;
}

function shortened(label) {
  return label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label;
}

function colour() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(`--dash-${name}`).trim();
  for (const chart of charts) {
    chart.data.datasets.forEach((dataset, index) => {
      dataset.borderColor = dataset.backgroundColor = value(`series-${(index % SERIES) + 1}`);
    });
    chart.options.plugins.legend.labels.color = value("text");
    for (const scale of [chart.options.scales.x, chart.options.scales.y]) scale.ticks.color = value("text");
    chart.options.scales.y.grid.color = value("grid");
    chart.update();
  }
}

/* Opens the list of what a bar counts, as its number in the table does. */
function follow(chart, event, rows) {
  const [bar] = chart.getElementsAtEventForMode(event, "index", { intersect: true }, false);
  rows[bar?.index]?.querySelector("td a")?.click();
}

/* Shows the days from where the pointer goes down to where it goes up. */
function selectDays(chart, area, rows) {
  const box = document.createElement("div");
  box.className = "dash-selection";
  let start = null;
  area.classList.add("can-select");

  const dayAt = (event) => {
    const index = Math.round(chart.scales.x.getValueForPixel(event.offsetX));
    return Math.min(Math.max(index, 0), rows.length - 1);
  };
  const end = () => {
    start = null;
    box.remove();
  };
  chart.canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    start = dayAt(event);
    chart.canvas.setPointerCapture(event.pointerId);
  });
  chart.canvas.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const [from, to] = [start, dayAt(event)].map((index) => chart.scales.x.getPixelForValue(index));
    box.style.left = `${Math.min(from, to)}px`;
    box.style.width = `${Math.abs(to - from)}px`;
    area.append(box);
  });
  chart.canvas.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const days = [start, dayAt(event)].sort((one, other) => one - other);
    end();
    if (days[0] === days[1]) return;
    const [first, last] = days.map((index) => rows[index].cells[0].dataset.day);
    location.search = new URLSearchParams({ start: first, end: last });
  });
  chart.canvas.addEventListener("pointercancel", end);
}
