// Keeps the page for when there is no network: shown from here at once, renewed behind the scenes.
"use strict";
const KEPT = "titik-page";
const PAGE = new URL("./", self.location).href;

async function renew() {
  const answer = await fetch(PAGE, { cache: "no-cache" });
  if (answer.ok && !answer.redirected && /^text\/html\b/.test(answer.headers.get("Content-Type"))) {
    await (await caches.open(KEPT)).put(PAGE, answer.clone());
  }
  return answer;
}

async function page(event) {
  const kept = await (await caches.open(KEPT)).match(PAGE);
  const fresh = renew();
  if (!kept) return fresh;
  event.waitUntil(fresh.catch(() => {})); // offline: what is kept stays
  return kept;
}

self.addEventListener("install", (event) => event.waitUntil(renew().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.mode === "navigate" && [PAGE, `${PAGE}index.html`].includes(url.origin + url.pathname)) {
    event.respondWith(page(event));
  }
});
