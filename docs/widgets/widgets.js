/* The global `minircnnWidgets`: every widget enters itself here, and starts wherever a page has a place for it.

   Classic scripts without modules, so that a site opened from disk works too. In node each file exports its
   arithmetic, which the tests compare with the package. */
(function () {
  "use strict";

  const builders = {};

  /* Enter a widget: `build(host, data)` fills the element `host`, given what the page embeds. */
  function define(name, arithmetic, build) {
    minircnnWidgets.arithmetic[name] = arithmetic;
    builders[name] = build;
  }

  /* Build every widget inside `scope` that is not built yet. */
  function start(scope) {
    for (const host of (scope || document).querySelectorAll(".widget[data-widget]:not([data-started])")) {
      host.dataset.started = "yes";
      try {
        builders[host.dataset.widget](host, embedded(host));
      } catch (error) {
        const note = document.createElement("p");
        note.textContent = `This widget could not start: ${error.message}`;
        host.append(note);
        console.error(`widget ${host.dataset.widget}:`, error);
      }
    }
  }

  function embedded(host) {
    const script = host.querySelector("script[type='application/json']");
    return script ? JSON.parse(script.textContent) : {};
  }

  globalThis.minircnnWidgets = { define, start, arithmetic: {} };

  if (typeof document$ !== "undefined") {
    document$.subscribe(() => start(document)); // of the theme: fires for every page, loaded or swapped in
  } else if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => start(document));
  } else {
    setTimeout(() => start(document)); // after the widgets' own files, which follow this one
  }
})();
