// The progress of a job: loads again every two seconds while the job is under way.

const PAUSE_MILLISECONDS = 2000;

async function refresh(place) {
  const again = place.querySelector("[data-again]");
  if (!again) {
    return;
  }
  try {
    const answer = await fetch(again.dataset.again);
    if (answer.ok && !answer.redirected) {
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...found.body.childNodes);
    }
  } catch {
    // Left as it is: the next time may be better.
  }
  setTimeout(refresh, PAUSE_MILLISECONDS, place);
}

for (const place of document.querySelectorAll("[data-progress]")) {
  setTimeout(refresh, PAUSE_MILLISECONDS, place);
}
