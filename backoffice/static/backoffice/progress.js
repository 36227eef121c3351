// The progress of a job: loads again every two seconds while the job is under way.

const PAUSE_MILLISECONDS = 2000;

// What is as it was is left alone, and so is the focus: a reader is told only what is new.
function show(place, found) {
  if (place.textContent.trim() === found.textContent.trim()) return;
  const form = place.contains(document.activeElement) && document.activeElement.form;
  place.replaceChildren(...found.childNodes);
  if (form) place.querySelector(`form[action="${form.getAttribute("action")}"] button`)?.focus();
}

async function refresh(place) {
  const again = place.querySelector("[data-again]");
  if (!again) {
    return;
  }
  try {
    const answer = await fetch(again.dataset.again);
    if (answer.ok && !answer.redirected) {
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (found.querySelector(`a[href="${location.pathname}"]`)) {
        location.reload(); // what was made is shown on this very page
        return;
      }
      show(place, found.body);
    }
  } catch {
    // Left as it is: the next time may be better.
  }
  setTimeout(refresh, PAUSE_MILLISECONDS, place);
}

for (const place of document.querySelectorAll("[data-progress]")) {
  setTimeout(refresh, PAUSE_MILLISECONDS, place);
}
