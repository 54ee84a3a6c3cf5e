// What pages do beyond links and forms; every page works without it.
"use strict";

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const select of document.querySelectorAll("form.choose select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

for (const slider of document.querySelectorAll("input[type=range][data-shows]")) {
  const shown = document.getElementById(slider.dataset.shows);
  const texts = slider.dataset.texts ? JSON.parse(slider.dataset.texts) : null;
  const show = () => { shown.textContent = texts ? texts[slider.value] : slider.value; };
  slider.addEventListener("input", show);
  show();
}

document.body.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("input[name=csrf_token]");
  if (token) event.detail.headers["X-CSRF-Token"] = token.value;
});
