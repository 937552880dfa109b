// Objects, object types, tokens, settings.

import { readFileSync } from "node:fs";

import { assert, browsing, examine, signIn, users, visit } from "./harness.mjs";

const main = (page) => page.getByRole("main");

browsing("objects are searched, looked at and exported", {}, async ({ page, service }) => {
  const { _id: id } = await service.given(users(300), { name: "staff.csv" });
  await page.goto(`${service.address}/console/objects`);
  await main(page).getByRole("link", { name: "user", exact: true }).waitFor();
  await examine(page, "objects");
  await main(page).getByRole("link", { name: "user", exact: true }).click();
  await page.getByLabel("Property").selectOption("userName");
  await page.getByLabel("Match").selectOption("begins with");
  await page.getByLabel("Value").fill("user29");
  await main(page).getByRole("button", { name: "Search" }).click();
  await main(page).getByRole("link", { name: "user291" }).waitFor();
  await examine(page, "objects found");
  await page.getByLabel("Value").fill("nobody");
  await page.keyboard.press("Enter");
  await main(page).locator(".empty").waitFor();
  await page.getByLabel("Value").fill("USER291");
  await page.getByLabel("Match").selectOption("is");
  await page.keyboard.press("Enter");
  await main(page).getByRole("link", { name: "user291" }).click();
  await main(page).getByRole("cell", { name: "Given 291" }).waitFor();
  await main(page).getByRole("link", { name: "the import of staff.csv" }).waitFor();
  await examine(page, "object");
  await main(page).getByRole("link", { name: "the import of staff.csv" }).click();
  await page.waitForURL(`**/console/imports/${id}`);

  await page.goto(`${service.address}/console/objects/user`);
  const download = page.waitForEvent("download");
  await main(page).getByRole("link", { name: /CSV/ }).first().click();
  const exported = readFileSync(await (await download).path(), "utf8");
  assert.equal(exported.trimEnd().split("\n").length, 301);
});

browsing("an object type is looked at, and given a property", {}, async ({ page, service }) => {
  await page.goto(`${service.address}/console/types`);
  await main(page).getByRole("link", { name: "user", exact: true }).waitFor();
  await examine(page, "object types");
  await main(page).getByRole("link", { name: "user", exact: true }).click();
  await main(page).getByText("userName").first().waitFor();
  await examine(page, "object type");
  await main(page).getByRole("link", { name: "Add a property" }).click();
  await page.getByLabel("Name", { exact: true }).fill("userName");
  await main(page).getByRole("button", { name: "Add the property" }).click();
  await main(page).getByRole("alert").first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "name", "what is wrong has the focus");
  await examine(page, "add a property, refused");
  await page.getByLabel("Name", { exact: true }).fill("badge");
  await page.getByLabel("Pattern of a text").fill("^[A-Z]{3}-[0-9]+$");
  await main(page).getByRole("button", { name: "Add the property" }).click();
  await main(page).locator("th", { hasText: "badge" }).waitFor();
});

browsing("a token is made, copied, used and revoked", { context: { permissions: ["clipboard-read", "clipboard-write"] } }, async ({ page, service }) => {
  await page.goto(`${service.address}/console/tokens`);
  await examine(page, "tokens");
  await page.getByLabel("Name", { exact: true }).fill("Zoe");
  await page.getByRole("radio", { name: /^viewer/ }).check();
  await main(page).getByRole("button", { name: "Make the token" }).click();
  const secret = (await main(page).locator("#secret").textContent()).trim();
  await examine(page, "token made");
  await main(page).getByRole("button", { name: "Copy the token" }).click();
  await main(page).getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);

  const other = await visit();
  const zoe = await other.newPage();
  await signIn(zoe, service, secret);
  await zoe.getByText("Zoe").first().waitFor();

  await page.goto(`${service.address}/console/tokens`);
  assert.ok(!(await page.content()).includes(secret), "it is shown once");
  await main(page).locator("summary", { hasText: "Revoke the token of Zoe" }).click();
  await main(page).getByRole("button", { name: "Revoke 'Zoe'" }).click();
  await main(page).getByRole("status").first().waitFor();
  await zoe.reload();
  await zoe.getByLabel("Access token").waitFor();
  await other.close();

  assert.equal(service.command("token", "create", "--name", "short", "--role", "viewer", "--expires", "1ms").code, 0);
  await page.goto(`${service.address}/console/tokens`);
  await main(page).locator("summary", { hasText: "Remove the token of short" }).click();
  await examine(page, "token expired");
  await main(page).getByRole("button", { name: "Remove 'short'" }).click();
  await main(page).getByRole("status").first().waitFor();
  assert.equal(await main(page).getByText("short").count(), 0);
});

browsing("a token for some object types is made", {}, async ({ page, service }) => {
  await page.goto(`${service.address}/console/tokens`);
  const user = main(page).getByRole("checkbox", { name: "managed/user" });
  await user.waitFor({ state: "hidden" });
  await page.getByLabel("Name", { exact: true }).fill("Zoe");
  await main(page).getByRole("radio", { name: "Only those that are ticked" }).check();
  await user.check();
  // What is ticked stays in sight, for it contradicts this.
  await main(page).getByRole("radio", { name: /^All of them/ }).check();
  await main(page).getByRole("button", { name: "Make the token" }).click();
  await main(page).getByRole("alert").filter({ hasText: "choose 'Only those that are ticked', or untick them" }).waitFor();
  assert.ok(await user.isChecked() && await user.isVisible());
  await main(page).getByRole("radio", { name: "Only those that are ticked" }).check();
  await main(page).getByRole("button", { name: "Make the token" }).click();
  await main(page).locator("#secret").waitFor();
  await main(page).getByRole("row", { name: /Zoe/ }).getByRole("cell", { name: "managed/user" }).waitFor();
});

browsing("the settings say where each comes from", { config: "[upload]\nmax_size = \"7MB\"\n" }, async ({ page, service }) => {
  await page.goto(`${service.address}/console/settings`);
  await main(page).getByText("max_size").first().waitFor();
  await main(page).getByText("7 MB").or(main(page).getByText("7MB")).first().waitFor();
  await examine(page, "settings");
});
