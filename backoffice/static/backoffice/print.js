// Buttons that print the page. Without JavaScript they stay hidden, for they would do nothing.

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
