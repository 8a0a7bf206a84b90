// Makes the order page live: counts down, hears of changes and draws the page afresh from the server,
// which alone knows the state. Without this script everything still works by reloading.
"use strict";

const watched = document.querySelector("[data-watch]");

function countDown(text) {
  const end = performance.now() + Number(text.dataset.left);
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    const clock = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    text.textContent = text.dataset.words.replace("{left}", clock);
    text.closest(".pill").classList.toggle("hurry", left <= 60);
    if (left > 0) return;
    clearInterval(timer);
    setTimeout(refresh, 300);
  };
  const timer = setInterval(tick, 500);
  tick();
}

let asking = false;
let leaving = false; // a form is on its way; its own change must not turn the phone around

async function refresh() {
  if (!watched || asking || leaving) return;
  asking = true;
  try {
    const answer = await fetch(watched.dataset.watch + "/state", { cache: "no-store" });
    const { face } = await answer.json();
    if (face !== watched.dataset.stamp && !leaving) location.replace(watched.dataset.watch);
  } catch {
    // No network for a moment: the next hint or poll asks again.
  } finally {
    asking = false;
  }
}

if (watched) {
  const left = watched.querySelector("[data-left]");
  if (left) countDown(left);
  const source = new EventSource(watched.dataset.watch + "/events");
  source.onmessage = refresh; // "hello" too: something may have happened while the line was down
  setInterval(refresh, 5000); // where a proxy swallows the stream
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
  addEventListener("pagehide", () => source.close());
}

// A second tap does nothing. (The server would answer it with the same single payment anyway.)
addEventListener("submit", (event) => {
  const button = event.target.querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
  button.setAttribute("aria-disabled", "true");
  leaving = true;
});

// A page that comes back from the phone's memory may be out of date.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  leaving = false;
  document.querySelectorAll("button").forEach((button) => button.removeAttribute("aria-disabled"));
  if (watched) location.reload();
});

// On to the wallet, without leaving this page in the way of the back button.
const onward = document.querySelector("[data-go]");
if (onward) location.replace(onward.href);

// Inside WeChat: hand the signed call to its bridge. What the bridge then says is not believed; the order's
// page asks the shop.
const bridge = document.querySelector("[data-bridge]");
if (bridge) {
  const back = () => location.replace(bridge.dataset.back);
  const pay = () =>
    window.WeixinJSBridge.invoke("getBrandWCPayRequest", JSON.parse(bridge.dataset.bridge), back);
  if (window.WeixinJSBridge) pay();
  else document.addEventListener("WeixinJSBridgeReady", pay);
}
