// The pictures of README.md: the report of a dry run, and an import while it runs. scripts/screenshots runs this.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, Service, close, drop, signIn, visit } from "./harness.mjs";

/** Records of a CSV file. Some go over several lines. */
const split = (csv) => csv.trimEnd().split("\n").reduce((all, line) => {
  const isOpen = all.length > 0 && all.at(-1).split('"').length % 2 === 0;
  return isOpen ? [...all.slice(0, -1), `${all.at(-1)}\n${line}`] : [...all, line];
}, []);

const [folder] = process.argv.slice(2);
const service = await Service.start();
const context = await visit({ viewport: { width: 1280, height: 800 }, timezoneId: "UTC", reducedMotion: "reduce", colorScheme: "light" });
const page = await context.newPage();
const take = (name) => page.screenshot({ path: join(ROOT, folder, `${name}.png`) });

try {
  const csv = readFileSync(join(ROOT, "examples/users.csv"), "utf8");
  const [header, ...records] = split(csv);
  // Most of them are there already, some as they were before they moved.
  const before = records.slice(0, 700).map((record, at) => (at % 9 === 4 ? record.replace(/\+(\d+) /, "+$1 0") : record));
  await service.given([header, ...before, ""].join("\n"), { name: "users-october.csv" });

  await signIn(page, service, undefined, "/console/new/user");
  await page.getByText("Drop a CSV file here").waitFor();
  await drop(page, "body", { name: "users.csv", content: csv });
  await page.getByRole("button", { name: /^Import/ }).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await take("report");

  // So many that one can watch.
  const many = Array.from({ length: 250 }, (_, round) => records.map((record) => record.replace(/^[^,]*/, (name) => `${name}.${round}`)));
  const id = await service.given([header, ...many.flat(), ""].join("\n"), { name: "everybody.csv", begun: true });
  await page.goto(`${service.address}/console/imports/${id}`);
  await page.waitForFunction(() => {
    const bar = document.querySelector("main progress");
    return bar && bar.value / bar.max > 0.6;
  });
  await take("import");
  await service.over(id);
} finally {
  await context.close();
  await close();
  await service.stop();
}
