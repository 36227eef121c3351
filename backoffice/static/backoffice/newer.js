// Says how many rows have come since a list was opened, and moves none. It asks only while
// somebody is at work here, so that a page left open does not keep a session alive.

const PAUSE_MILLISECONDS = 30000;

function watch(place) {
  let asked = Date.now();
  const look = async () => {
    if (document.hidden || Date.now() - asked < PAUSE_MILLISECONDS) return;
    asked = Date.now();
    try {
      const answer = await fetch(place.dataset.newer);
      const number = answer.ok && !answer.redirected ? (await answer.text()).trim() : "";
      place.querySelector("span").textContent = number;
      place.hidden = number === "";
    } catch {
      // Left as it is: the next time may be better.
    }
  };
  for (const sign of ["focus", "pointermove", "keydown", "scroll"]) {
    window.addEventListener(sign, look, { passive: true });
  }
}

const place = document.querySelector("[data-newer]");
if (place) watch(place);
