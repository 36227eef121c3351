// Finds the accounts of a form as somebody types, and shows whose they are and what they hold.

const PAUSE_MILLISECONDS = 250;
const SHORTEST = 3;

class Lookup {
  constructor(output, { lookup, lookupFailed }, currency) {
    this.output = output;
    this.address = lookup;
    this.failed = lookupFailed;
    this.currency = currency;
    this.input = document.getElementById(output.dataset.lookupOf);
    this.input.addEventListener("input", () => this.soon());
    this.output.addEventListener("click", (event) => this.choose(event.target));
    if (this.output.childElementCount === 0) {
      this.look();
    } else {
      this.offer();
    }
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE_MILLISECONDS);
  }

  async look() {
    this.running?.abort();
    const text = this.input.value.trim();
    if (text.length < SHORTEST) {
      this.output.replaceChildren();
      return;
    }
    this.running = new AbortController();
    try {
      this.show(await this.fetched(text, this.running.signal));
    } catch (error) {
      if (error.name !== "AbortError") {
        this.output.textContent = this.failed;
      }
    }
  }

  async fetched(text, signal) {
    const answer = await fetch(`${this.address}?${new URLSearchParams({ q: text })}`, { signal });
    if (!answer.ok || answer.redirected) {
      throw new Error(`The lookup answered ${answer.status}.`);
    }
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  show(found) {
    this.output.replaceChildren(...found.body.childNodes);
    this.offer();
    const [only, ...others] = this.output.querySelectorAll("[data-currency]");
    if (only && others.length === 0 && !this.currency.value) {
      this.currency.value = only.dataset.currency;
      this.currency.dispatchEvent(new Event("change"));
    }
  }

  // Buttons that only a script can serve stay hidden without one.
  offer() {
    for (const button of this.output.querySelectorAll("[data-choose]")) {
      button.hidden = false;
    }
  }

  choose(button) {
    if (button.dataset.choose) {
      this.input.value = button.dataset.choose;
      this.look();
      this.input.focus();
    }
  }
}

for (const form of document.querySelectorAll("form[data-lookup]")) {
  for (const output of form.querySelectorAll("[data-lookup-of]")) {
    new Lookup(output, form.dataset, form.elements.currency);
  }
}
