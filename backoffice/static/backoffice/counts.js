// Numbers beside the navigation: they load on their own, and a page without them is complete.

const places = [...document.querySelectorAll("[data-count]")];

async function fetched(address) {
  const answer = await fetch(address);
  return answer.ok && !answer.redirected ? (await answer.text()).trim() : "";
}

for (const address of new Set(places.map((place) => place.dataset.count))) {
  fetched(address)
    .then((number) => {
      for (const place of places.filter((each) => each.dataset.count === address)) {
        place.textContent = number;
        place.hidden = number === "";
      }
    })
    .catch(() => {}); // left out
}
