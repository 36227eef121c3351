// Every form: where the first error is, one sending at a time, what is typed and not sent yet, and
// the currency of an amount. Pages without it work all the same: the hidden id keeps sending twice
// from being done twice.

const AGAIN_MILLISECONDS = 15000;

const wrong = document.querySelector("#content [aria-invalid=true], .errornote");
if (wrong) {
  if (wrong.matches(".errornote")) wrong.tabIndex = -1;
  (document.querySelector("#content [aria-invalid=true]") ?? wrong).focus();
}

const { sending } = document.querySelector("script[data-sending]").dataset;
const release = [];
let pressed = null;
let isUnsaved = Boolean(document.querySelector("form[data-unsaved=yes]"));

function free() {
  for (const undo of release.splice(0)) undo();
}

// What a form sends is gathered by now, so its buttons may change.
function hold(form) {
  for (const button of [...form.elements].filter((each) => each.type === "submit" && !each.disabled)) {
    const { innerHTML } = button;
    button.disabled = true;
    if (button === pressed) button.textContent = sending;
    release.push(() => {
      button.disabled = false;
      button.innerHTML = innerHTML;
    });
  }
  // The answer may be a file, or never come.
  setTimeout(free, AGAIN_MILLISECONDS);
}

document.addEventListener("submit", (event) => {
  pressed = event.submitter;
});
document.addEventListener("formdata", ({ target }) => {
  if (target.method !== "post") return;
  isUnsaved = false;
  hold(target);
});
window.addEventListener("pageshow", free);

document.addEventListener("input", ({ target }) => {
  if (target.closest("form[data-unsaved]")) isUnsaved = true;
});
document.addEventListener("click", ({ target }) => {
  if (target.closest(".submit-row a")) isUnsaved = false;
});
window.addEventListener("beforeunload", (event) => {
  if (isUnsaved) event.preventDefault();
});

for (const select of document.querySelectorAll("select[name=currency]")) {
  const show = () => {
    for (const unit of select.form.querySelectorAll("[data-unit]")) {
      const { decimals } = select.selectedOptions[0].dataset;
      unit.textContent = select.value;
      unit.previousElementSibling.placeholder = decimals ? (0).toFixed(decimals) : "";
    }
  };
  select.addEventListener("change", show);
  show();
}
