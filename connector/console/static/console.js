// Everything works without this file. It closes the menu of the person where one would expect it,
// moves the focus to a list's new lines, and says exact times as they are where the reader is, too.
"use strict";

// The line in front of "Show more", which new lines take the place of.
let lastLine = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const more = event.detail.target;
  lastLine = more.matches("tr.more") ? more.previousElementSibling : null;
});

// After a form without a reload: on to what it said.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === document.body) document.getElementById("main").focus({ preventScroll: false });
  if (lastLine && lastLine.nextElementSibling) {
    const first = lastLine.nextElementSibling.querySelector("a, input");
    lastLine = null;
    if (first) first.focus({ preventScroll: true });
  }
  prepare();
});

function prepare() {
  for (const time of document.querySelectorAll("time[datetime]:not([data-told])")) {
    const at = new Date(time.dateTime);
    time.dataset.told = "";
    if (at.getTimezoneOffset()) time.title += `, where you are ${at.toLocaleString()}`;
  }
  for (const all of document.querySelectorAll("[data-choose-all][hidden]")) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const one of document.getElementsByName(all.dataset.chooseAll)) one.checked = all.checked;
    });
  }
}

prepare();

// Rows that are pushed sideways begin where one is.
for (const row of document.querySelectorAll(".side, .tabs")) {
  const current = row.querySelector("[aria-current]");
  if (current) row.scrollLeft = current.offsetLeft - (row.clientWidth - current.offsetWidth) / 2;
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.me[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const field = document.activeElement;
  const isTyping = field && /^(INPUT|TEXTAREA|SELECT)$/.test(field.tagName);
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.me[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const find = document.getElementById("q") || document.getElementById("find");
    if (find) {
      event.preventDefault();
      const reveal = find.closest(".filters, .top")?.querySelector(".reveal input");
      if (reveal) reveal.checked = true;
      find.focus();
      find.select();
    }
  }
});
