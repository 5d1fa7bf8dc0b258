(() => {
  "use strict";
  const map = document.getElementById("map");
  const said = map?.querySelector(".said");
  const say = (text) => { if (said) said.textContent = text; };
  const view = () => map.querySelector(".view:target") ?? map.querySelector(".view.root");
  const all = (selector) => [...document.querySelectorAll(selector)];

  // One layer stands out from all others: the one that is pointed at, else the one that was pressed.
  const areas = all(".map .c").map((area) => [area, area.dataset.y.split(" ")]);
  const bars = all(".all .l, .layers li");
  const numbers = all(".layers .no, .legend .no");
  let pressed = null;
  const show = (layer) => {
    for (const [area, layers] of areas) area.classList.toggle("off", layer !== null && !layers.includes(layer));
    for (const bar of bars) bar.classList.toggle("off", layer !== null && bar.dataset.y !== layer);
  };
  const sayPressed = () => {
    if (!map || pressed === null) return say("");
    const isHere = areas.some(([area, layers]) => layers.includes(pressed) && view().contains(area));
    const words = isHere ? `What has bytes of layer ${pressed} stands out.` : `No area here is of layer ${pressed}, or too small a part of it.`;
    say(`${words} Press its number again, or Escape, to end that.`);
  };
  const press = (layer) => {
    pressed = pressed === layer ? null : layer;
    for (const number of numbers) number.setAttribute("aria-pressed", String(number.dataset.y === pressed));
    show(pressed);
    sayPressed();
  };
  for (const number of numbers) {
    number.tabIndex = 0;
    number.setAttribute("role", "button");
    number.setAttribute("aria-label", `layer ${number.dataset.y}`);
    number.setAttribute("aria-pressed", "false");
    number.title = "Show where this layer's bytes are";
    number.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      press(number.dataset.y);
    });
    number.addEventListener("focus", () => show(number.dataset.y));
    number.addEventListener("blur", () => show(pressed));
  }
  for (const place of [...numbers, ...all(".all .l")]) {
    place.addEventListener("click", () => press(place.dataset.y));
  }
  for (const place of [...bars, ...numbers]) {
    place.addEventListener("pointerenter", () => show(place.dataset.y));
    place.addEventListener("pointerleave", () => show(pressed));
  }
  if (!map) return;

  // What is pointed at, or has the focus, is said below, and its layers above.
  const tell = (event) => {
    const area = event.target.closest(".c");
    const layers = area ? area.dataset.y.split(" ") : [];
    if (area) say(area.querySelector("title").textContent);
    else sayPressed();
    for (const number of numbers) number.classList.toggle("on", layers.includes(number.dataset.y));
  };
  map.addEventListener("pointerover", tell);
  map.addEventListener("focusin", tell);
  map.addEventListener("pointerleave", tell);

  // Arrows go from area to area, the largest first: of files only the first is a stop of Tab, and only where no directory is.
  const stop = (area) => area.querySelector("a") ?? area;
  for (const view of map.querySelectorAll(".view")) {
    const files = [...view.querySelectorAll(".c")].filter((area) => stop(area) === area);
    for (const file of files) file.setAttribute("tabindex", "-1");
    if (!view.querySelector(".c a")) files[0]?.setAttribute("tabindex", "0");
  }
  map.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const area = event.target.closest(".c");
    if (!step || !area) return;
    event.preventDefault();
    const inView = [...area.closest(".view").querySelectorAll(".c")];
    const next = inView[inView.indexOf(area) + step];
    if (next) stop(next).focus();
  });

  // A picture takes the other's place: the page does not move for it, and the focus goes on from there.
  let top = null;
  map.addEventListener("click", (event) => {
    if (event.target.closest("a")) top = scrollY;
  });
  addEventListener("hashchange", () => {
    sayPressed();
    if (top === null) return;
    const here = view().querySelector(".way b");
    here.tabIndex = -1;
    here.focus({ preventScroll: true });
    scrollTo(scrollX, top);
    top = null;
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (pressed !== null) press(pressed);
    else [...view().querySelectorAll(".way a")].pop()?.click();
  });
})();
