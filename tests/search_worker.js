// node search_worker.js SITE QUERY...: what the built site's own search finds, best page first, as JSON.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [site, ...queries] = process.argv.slice(2);
const folder = path.join(site, "assets", "javascripts", "workers");
const worker = fs.readdirSync(folder).find((name) => name.endsWith(".js"));
const index = JSON.parse(fs.readFileSync(path.join(site, "search", "search_index.json"), "utf8"));

let ask;
let answer;
const browser = {
  console,
  addEventListener: (_, listener) => (ask = (type, data) => listener({ data: { type, data } })),
  postMessage: (message) => (answer = message),
};
browser.self = browser;
vm.runInNewContext(fs.readFileSync(path.join(folder, worker), "utf8"), browser);

(async () => {
  await ask(0, { ...index, options: { suggest: true } }); // set up
  const found = {};
  for (const query of queries) {
    await ask(2, query);
    found[query] = answer.data.items.map((sections) => sections[0].location.split("#")[0]);
  }
  console.log(JSON.stringify(found));
})();
