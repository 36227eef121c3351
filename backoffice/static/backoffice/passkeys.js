// A form that a passkey answers: it says what is asked for, and the answer goes into a field.

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (form.dataset.options) prepare(form);
}

function prepare(form) {
  const isNew = form.dataset.passkey === "create";
  const answer = form.elements[form.dataset.answer];
  const button = form.querySelector("[data-passkey-button]");
  const trouble = document.querySelector("[data-passkey-trouble]");

  const say = (text) => {
    trouble.textContent = text;
    trouble.hidden = !text;
  };
  const ask = async () => {
    say("");
    try {
      answer.value = JSON.stringify(await (isNew ? created : shown)(form.dataset.options));
    } catch {
      say(trouble.dataset.failed);
      return;
    }
    form.submit();
  };

  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
    say(trouble.dataset.none);
  } else if (button) {
    button.hidden = false;
    button.addEventListener("click", ask);
  } else {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (form.reportValidity()) ask();
    });
  }
}

function created(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
  return navigator.credentials.create({ publicKey });
}

function shown(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
  return navigator.credentials.get({ publicKey });
}
