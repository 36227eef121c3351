// Ids get a button that copies them. Without JavaScript there is none, for it would do nothing.

const SHOWN_MILLISECONDS = 1500;
const { copy, copied, selected } = document.querySelector("script[data-copy]").dataset;

function select(code) {
  code.textContent = code.title;
  const range = document.createRange();
  range.selectNodeContents(code);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function take(code, button) {
  try {
    await navigator.clipboard.writeText(code.title);
    button.textContent = copied;
  } catch {
    // Browsers give the clipboard to secure pages only: the text is at least selected.
    select(code);
    button.textContent = selected;
  }
  button.classList.add("told");
  setTimeout(() => {
    button.classList.remove("told");
    button.textContent = copy;
  }, SHOWN_MILLISECONDS);
}

for (const code of document.querySelectorAll(".ident code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = copy;
  button.title = copy;
  button.ariaLabel = `${copy} ${code.title}`;
  button.addEventListener("click", () => take(code, button));
  code.closest(".ident").append(button);
}
