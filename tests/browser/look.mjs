// Screenshots of pages of a running service, at both widths, light and dark, into target/screenshots; and what axe-core
// finds there, and what the browser complains of.
//
//     node tests/browser/look.mjs http://127.0.0.1:8080 TOKEN /console/imports ...

import { fileURLToPath } from "node:url";

import { close, examine, signIn, visit } from "./harness.mjs";

const [address, token, ...paths] = process.argv.slice(2);
const context = await visit();
const page = await context.newPage();
// With the style sheet and the script of this checkout, whatever the service was built with.
for (const name of ["console.css", "console.js"]) {
  const [stem, ending] = name.split(".");
  const here = fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));
  await context.route(`**/console/assets/${stem}.*.${ending}`, (route) => route.fulfill({ path: here }));
}
await signIn(page, { address }, token, paths[0]);
for (const path of paths) {
  await page.goto(address + path);
  await page.waitForTimeout(300);
  const name = path.replace(/^\/console\/?/, "").replaceAll(/[^a-z0-9]+/gi, "-") || "home";
  await examine(page, name).catch((error) => { console.log(path, error.actual?.join("\n") ?? error); });
}
console.log(context.complaints.all.join("\n") || "no complaints");
await context.close();
await close();
