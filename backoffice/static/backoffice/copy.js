// Buttons that copy an id. Without JavaScript they stay hidden, for they would do nothing.

const SHOWN_MILLISECONDS = 1500;

function selectBeside(button) {
  const code = button.parentElement.querySelector("code");
  code.textContent = button.dataset.copy;
  const range = document.createRange();
  range.selectNodeContents(code);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    // Browsers give the clipboard to secure pages only: the text is at least selected.
    selectBeside(button);
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, SHOWN_MILLISECONDS);
}

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
