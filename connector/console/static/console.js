// Everything works without this file. It closes the menu of the person where one would expect it,
// and moves the focus to a list's new lines.
"use strict";

// After a form without a reload: on to what it said.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === document.body) document.getElementById("main").focus({ preventScroll: false });
});

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
      find.focus();
      find.select();
    }
  }
});
