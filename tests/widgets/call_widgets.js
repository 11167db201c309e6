// node call_widgets.js FOLDER: answer each line of calls, [[file, function, arguments...], ...], by a line with
// what the widgets' functions return, or with the message of an error.
"use strict";
const path = require("path");
const lines = require("readline").createInterface({ input: process.stdin });

const plain = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);

lines.on("line", (line) => {
  try {
    const results = JSON.parse(line).map(([widget, name, ...given]) =>
      require(path.join(process.argv[2], `${widget}.js`))[name](...given),
    );
    console.log(JSON.stringify(results, plain));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
});
