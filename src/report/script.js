(() => {
  "use strict";
  const map = document.getElementById("map");
  if (!map) return;
  const said = map.querySelector(".said");
  // A picture takes the other's place: the page does not move for it.
  let top = null;
  map.addEventListener("click", (event) => {
    if (event.target.closest("a")) top = scrollY;
  });
  addEventListener("hashchange", () => {
    said.textContent = "";
    if (top !== null) scrollTo(scrollX, top);
    top = null;
  });
  map.addEventListener("pointerover", (event) => {
    const area = event.target.closest(".c");
    said.textContent = area ? area.querySelector("title").textContent : "";
  });
  // A layer that is pointed at stands out from all others.
  const sheet = document.head.appendChild(document.createElement("style"));
  for (const row of document.querySelectorAll(".layers li")) {
    const number = row.querySelector(".no");
    number.tabIndex = 0;
    number.setAttribute("role", "button");
    number.setAttribute("aria-pressed", "false");
    number.title = "Show where this layer's bytes are";
    const press = () => {
      const isPressed = number.getAttribute("aria-pressed") === "true";
      for (const other of document.querySelectorAll(".no[aria-pressed]")) other.setAttribute("aria-pressed", "false");
      number.setAttribute("aria-pressed", String(!isPressed));
      const y = Number(row.dataset.y);
      sheet.textContent = isPressed ? "" : `.map .c:not(.nest):not([data-y="${y}"]) rect { opacity: 0.22 }`;
    };
    number.addEventListener("click", press);
    number.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      press();
    });
  }
})();
