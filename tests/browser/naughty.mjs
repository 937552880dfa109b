// Hostile names, file names and cell values are text on every page, and nothing more.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { ROOT, assert, browsing, drop, inert } from "./harness.mjs";

const HOSTILE = [
  '<script>document.title = "owned"</script>',
  '"><img src=x onerror=\'document.title="owned"\'>',
  "'><svg onload=alert(1)>",
  '</title></textarea></select></script></pre></table><h1 id="owned">owned</h1>',
  '" autofocus onfocus="alert(1)" x="',
  "javascript:alert(1)",
  "<!-- ",
  "{{7*7}}${7*7}",
  "&lt;b&gt;&amp;",
  "<a hx-get='/console/tokens' hx-trigger='load' hx-on::load='alert(1)'>x</a>",
  "<b onclick=alert(1)>bold</b>",
  "x".repeat(3000),
];
const NAUGHTY = [...HOSTILE, ...JSON.parse(readFileSync(join(ROOT, "tests/naughty.json"), "utf8"))];
const FILE = '<img src=x onerror=alert(1)>" onload=alert(2) \'{{7*7}}.csv';

const main = (page) => page.getByRole("main");
const quoted = (cell) => `"${cell.replaceAll('"', '""')}"`;

browsing("hostile names, file names and values are inert on every page", {
  config: "[[drop_folder]]\nname = \"px\"\nobject_type = \"managed/px_user\"\nbucket = \"file:drop\"\nbase_folder = \"b\"\npoll_interval = \"1h\"\nsettle_time = \"0s\"\n",
}, async ({ page, service }) => {
  // An object type that is called so, with properties that are called so.
  const definition = {
    name: "hostile",
    schema: {
      title: HOSTILE[1],
      description: HOSTILE[3],
      properties: {
        key: { type: "string", title: HOSTILE[0], policies: [{ policyId: "unique" }] },
        value: { type: "string", title: HOSTILE[4], description: HOSTILE[2], policies: [{ policyId: "maximum-length", params: { maxLength: 2000 } }] },
        other: { type: "string", title: HOSTILE[9] },
      },
      required: ["key"],
    },
  };
  writeFileSync(join(service.data, "hostile.json"), JSON.stringify({ objects: [definition] }));
  const applied = service.command("types", "apply", join(service.data, "hostile.json"));
  assert.equal(applied.code, 0, applied.err);
  for (const name of HOSTILE.slice(0, 6)) service.command("token", "create", "--name", name, "--role", "viewer");

  // Records of which some fail, with values that are quoted where it is said why.
  const rows = NAUGHTY.map((value, at) => [`${value.slice(0, 60)}-${at}`, value, value].map(quoted).join(","));
  const csv = `key,value,other\n${rows.join("\n")}\n`;
  await service.given(csv, { into: "managed/hostile", unique: "key", name: FILE });
  await service.given(csv, { into: "managed/hostile", unique: "key", name: FILE, query: "&dryRun=true" });
  const people = NAUGHTY.map((value, at) => [`n${at}`, value, value, value].map(quoted).join(","));
  await service.given(`userName,givenName,sn,mail\n${people.join("\n")}\n`, { name: FILE });

  // A partition with a file that is called so.
  const partition = join(service.data, "drop/b/current/dt=20210228");
  mkdirSync(partition, { recursive: true });
  writeFileSync(join(partition, "<img src=x onerror=alert(1)>.csv.gz"), gzipSync(`id,email\n${NAUGHTY.map((value, at) => `${quoted(`i${at}`)},${quoted(value)}`).join("\n")}\n`));
  writeFileSync(join(partition, "_SUCCESS"), "");
  await service.rest("POST", "/openidm/dropFolder/px?_action=poll", {});

  const { result: imports } = await service.rest("GET", "/openidm/csv/metadata?_queryFilter=true");
  const { result: objects } = await service.rest("GET", "/openidm/managed/hostile?_queryFilter=true&_fields=_id");
  const evil = encodeURIComponent(HOSTILE[1]);
  const paths = [
    "imports", `imports?type=${evil}&state=${evil}&origin=${evil}&from=${evil}`,
    ...imports.flatMap(({ _id }) => [`imports/${_id}`, `imports/${_id}/failures`, `imports/${_id}/failures?q=${evil}`, `imports/${_id}/failures?requirement=${evil}&property=${evil}`, `new/report/${_id}`]),
    "new", "new/hostile", `new/${evil}`,
    "integrations", "integrations/px", `integrations/new?kind=${evil}`, `integrations/${evil}`,
    "objects", "objects/hostile", `objects/hostile?property=value&match=is&value=${evil}`, `objects/hostile?property=${evil}&match=${evil}&value=${evil}`,
    ...objects.slice(0, 16).map(({ _id }) => `objects/hostile/${_id}`),
    "types", "types/hostile", `types/hostile/properties?name=${evil}&back=javascript:alert(1)`, `types/${evil}`,
    "tokens", "settings", evil,
  ];
  for (const path of paths) {
    await page.goto(`${service.address}/console/${path}`);
    await inert(page, path);
  }
  await page.goto(`${service.address}/console/integrations/px`);
  const run = main(page).locator("table a[href*='/runs/']").first();
  if (await run.count()) {
    await run.click();
    await inert(page, "run");
  }

  // The browser's own door: a hostile file is dropped, refused, and its dry run read.
  await page.goto(`${service.address}/console/new/hostile`);
  await page.getByText("Drop a CSV file here").waitFor();
  await drop(page, "body", { name: FILE, content: `key,${quoted(HOSTILE[3])}\na,b\n` });
  await main(page).getByRole("alert").first().waitFor();
  await inert(page, "refused");
  await page.goto(`${service.address}/console/new/hostile`);
  await page.getByText("Drop a CSV file here").waitFor();
  await drop(page, "body", { name: FILE, content: csv });
  await page.waitForURL("**/console/new/report/**");
  await main(page).locator("dl.tally").first().waitFor();
  await inert(page, "report");
  assert.notEqual(await page.title(), "owned");
});

