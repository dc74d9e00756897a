// What the server is asked; every path is relative, so that the secret in the address stays there.
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function checked(answer) {
  if (!answer.ok) throw new Refused(answer.status, (await answer.text()).trim());
  return answer;
}

export async function ask(path) {
  return (await checked(await fetch(path))).json();
}

export async function send(method, path, document) {
  const headers = { "content-type": "application/json" };
  return (await checked(await fetch(path, { method, headers, body: JSON.stringify(document) }))).json();
}

export async function blob(path) {
  return (await checked(await fetch(path))).blob();
}

export const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
