// What-if and replay: a slider beside its number, a slider that sends its form, the line of the factor.
"use strict";

document.documentElement.classList.add("js");

for (const slider of document.querySelectorAll("input[type=range][data-follows]")) {
  const number = document.getElementById(slider.dataset.follows);
  const follow = () => { slider.value = Number(number.value.replaceAll(",", "")) || 0; };
  slider.hidden = false;
  follow();
  slider.addEventListener("input", () => { number.value = `${slider.value}.00`; });
  number.addEventListener("input", follow);
}

for (const slider of document.querySelectorAll("input[type=range][data-submits]")) {
  let waiting; // the arrow keys change a slider many times
  slider.addEventListener("change", () => { clearTimeout(waiting); waiting = setTimeout(() => slider.form.requestSubmit(), 400); });
}

for (const place of document.querySelectorAll("[data-plot]")) {
  const rows = [...document.querySelectorAll(`#${place.dataset.plot} tbody tr`)];
  const labels = rows.map((row) => row.cells[0].textContent);
  const shown = rows.map((row) => row.cells[1].textContent);
  const data = [rows.map((_, i) => i), rows.map((row) => Number(row.cells[1].dataset.value) / 1e4)];
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const width = () => Math.max(place.clientWidth, 240);
  const every = () => Math.max(1, Math.ceil(labels.length / Math.max(2, Math.floor(width() / 130))));
  const plot = new uPlot({
    width: width(), height: 260,
    scales: { x: { time: false }, y: { range: [0, 100] } },
    series: [
      { label: place.dataset.x, value: (_, i) => (i === null ? "—" : labels[i]) },
      { label: place.dataset.label, stroke: colour("--main"), width: 2, fill: `${colour("--main")}26`, points: { show: labels.length < 40 },
        value: (_, value, series, i) => (i === null || i === undefined ? "—" : shown[i]) },
    ],
    axes: [
      { ...axis, splits: () => labels.map((_, i) => i).filter((i) => i % every() === 0), values: (_, ticks) => ticks.map((i) => (labels[i] || "").slice(0, 10)) },
      { ...axis, values: (_, ticks) => ticks.map((value) => `${value}%`) },
    ],
  }, data, place);
  place.parentElement.querySelector(".plain").hidden = true;
  addEventListener("resize", () => plot.setSize({ width: width(), height: 260 }));
}
