// The whole job: a file is checked, imported, watched, cancelled, corrected.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { PATIENCE, REPOSITORY, assert, browsing, drop, examine, reach, users } from "./harness.mjs";

const main = (page) => page.getByRole("main");
const stands = (page, said) => main(page).locator(".standing", { hasText: said }).waitFor();
const isOver = (page) => main(page).locator(".standing .state:not(.queued, .running)").first().waitFor({ timeout: PATIENCE });

/** A new import of users, with a file dropped onto the page. */
const dropped = async (page, name, content) => {
  await page.goto(new URL("/console/new/user", page.url()).href);
  await page.locator(".dropzone").waitFor();
  await drop(page, "h1", { name, content });
  await page.waitForURL("**/console/new/report/**");
  await page.getByText("Exactly the file that was checked is imported").or(page.locator(".notice.bad")).first().waitFor();
};

browsing("a file is dropped onto the page, its dry run read, the good records imported and watched to the end", {}, async ({ page }) => {
  await main(page).getByRole("link", { name: "New import" }).first().click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await examine(page, "new import");
  await main(page).locator("a[href='/console/new/user']").click();
  await page.getByText("Drop a CSV file here").waitFor();
  await examine(page, "new import of users");

  // Whoever drags a file over the page sees that it can be dropped anywhere.
  await page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "x.csv"));
    dispatchEvent(new DragEvent("dragover", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await page.locator("body.dragging").waitFor();

  await dropped(page, "staff.csv", users(2000, { wrong: 20 }));
  await main(page).getByText("100 records of 2,000 would fail").waitFor();
  const tally = main(page).locator("dl.tally").first();
  assert.match((await tally.textContent()).replace(/\s+/g, " "), /Created\s*1,900.*Updated\s*0.*Unchanged\s*0.*Failed\s*100/);
  await main(page).getByRole("link", { name: /in mail/ }).waitFor();
  await examine(page, "report");

  await main(page).getByRole("button", { name: "Import the 1,900 good records" }).click();
  await page.waitForURL("**/console/imports/*");
  await isOver(page);
  await stands(page, "1,900 records are in, 100 failed");
  await examine(page, "import");

  await page.goto(new URL("/console/imports", page.url()).href);
  await main(page).getByRole("link", { name: "staff.csv" }).first().waitFor();
  await examine(page, "imports");
});

browsing("progress is live, and takes neither the focus nor what is selected away", {}, async ({ page, service }) => {
  // So many that one can watch them. PostgreSQL takes longer.
  const many = REPOSITORY === "postgres" ? 150_000 : 400_000;
  const id = await service.given(users(many), { begun: true });
  await page.goto(`${service.address}/console/imports/${id}`);
  const bar = main(page).getByRole("progressbar").first();
  await bar.waitFor();
  const link = main(page).getByRole("link", { name: "Imports" });
  await link.focus();
  const read = () => bar.evaluate((element) => element.value).catch(() => null);
  const seen = new Set();
  const ended = isOver(page).then(() => "over");
  for (;;) {
    const value = await read();
    if (value !== null) seen.add(value);
    if (await Promise.race([ended, page.waitForTimeout(100)]) === "over") break;
  }
  assert.ok(seen.size > 3, `progress was seen to move: ${[...seen]}`);
  assert.ok(await link.evaluate((element) => element === document.activeElement), "the focus is where it was");
  await stands(page, `All ${many.toLocaleString("en")} records are in`);
});

browsing("a large import is cancelled while it runs", {}, async ({ page, service }) => {
  const id = await service.given(users(250_000), { begun: true });
  await page.goto(`${service.address}/console/imports`);
  await main(page).locator(".state.running").first().waitFor();
  await main(page).getByRole("link", { name: "users.csv" }).first().click();
  await main(page).locator("summary", { hasText: "Cancel" }).click();
  await main(page).getByRole("button", { name: "Cancel this import" }).click();
  await main(page).locator(".standing .state.cancelled").waitFor();
  const { success, total } = await service.over(id);
  assert.ok(success < 250_000, `${success} of ${total} were imported before it was cancelled`);
  await examine(page, "import cancelled");
});

browsing("the failures are downloaded, corrected and uploaded again", {}, async ({ page, service }) => {
  const { _id: id } = await service.given(users(500, { wrong: 50 }), { name: "staff.csv" });
  await page.goto(`${service.address}/console/imports/${id}`);
  await main(page).getByRole("link", { name: "Look through the failures" }).click();
  await main(page).locator("mark", { hasText: "no address" }).first().waitFor();
  assert.equal(await main(page).locator("mark").count(), 10);
  await page.getByLabel("Search in cells and reasons").fill("user450");
  await page.keyboard.press("Enter");
  await main(page).getByRole("cell", { name: "user450", exact: true }).waitFor();
  assert.equal(await main(page).locator("mark").count(), 1);
  await examine(page, "failures");

  const download = page.waitForEvent("download");
  await main(page).getByRole("link", { name: /Download/ }).click();
  const text = readFileSync(await (await download).path(), "utf8");
  assert.match(text, /_importError/);
  const corrected = text.replaceAll(",no address,", ",corrected@example.com,");
  assert.notEqual(corrected, text);

  await main(page).getByRole("link", { name: "Correct and upload again" }).click();
  await page.getByText("Drop a CSV file here").waitFor();
  await drop(page, "body", { name: "staff-failures.csv", content: corrected });
  await page.waitForURL("**/console/new/report/**");
  await main(page).getByText("All 10 records are good").waitFor();
  await main(page).getByRole("button", { name: "Import 10 records" }).click();
  await stands(page, "All 10 records are in");
});

browsing("a file that does not fit is refused before anything happens, and corrected in place", {}, async ({ page, service }) => {
  await page.goto(`${service.address}/console/new/user`);
  await page.getByText("Drop a CSV file here").waitFor();
  await drop(page, "body", { name: "colours.csv", content: "userName,givenName,sn,mail,favouriteColour\nada,Ada,Lovelace,ada@example.com,green\n" });
  await main(page).getByRole("alert").filter({ hasText: "favouriteColour" }).waitFor();
  await examine(page, "new import refused");

  // The unknown column becomes a property where it was noticed.
  await main(page).getByRole("link", { name: /add favouriteColour/ }).click();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "favouriteColour");
  await examine(page, "add a property");
  await main(page).getByRole("button", { name: "Add the property" }).click();
  await main(page).getByText("favouriteColour").first().waitFor();
  await dropped(page, "colours.csv", "userName,givenName,sn,mail,favouriteColour\nada,Ada,Lovelace,ada@example.com,green\n");
  await main(page).getByText("All 1 record").or(main(page).getByText("good.")).first().waitFor();
});

browsing("a file that was corrected on disk is chosen again, not sent as it was", {}, async ({ page, service }) => {
  const file = join(service.data, "people.csv");
  writeFileSync(file, "userName,givenName,sn,email\nada,Ada,Lovelace,ada@example.com\n");
  await page.goto(`${service.address}/console/new/user`);
  const input = page.locator(".dropzone input[type=file]");
  await input.setInputFiles(file);
  const refused = main(page).getByRole("alert").filter({ hasText: "email" });
  await refused.waitFor();
  await page.waitForFunction(() => {
    const { top, bottom } = document.querySelector(".notice[role=alert]").getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
  await page.waitForTimeout(50);
  writeFileSync(file, "userName,givenName,sn,mail\nada,Ada,Lovelace,ada@example.com\ngrace,Grace,Hopper,grace@example.com\n");
  await main(page).getByRole("button", { name: "Check the file" }).click();
  await main(page).getByText("people.csv has changed since you chose it").waitFor();
  await input.setInputFiles(file);
  await page.waitForURL("**/console/new/report/**");
  await main(page).getByText("All 2 records are good").waitFor();
});

browsing("an upload is cancelled, and too large a file is not even sent", { config: "[upload]\nmax_size = \"8MB\"\n" }, async ({ page, service, context }) => {
  await page.goto(`${service.address}/console/new/user`);
  await page.getByText("Drop a CSV file here").waitFor();
  await drop(page, "body", { name: "large.csv", content: users(200_000) });
  await main(page).getByText("The file is larger than").waitFor();

  const network = await context.newCDPSession(page);
  await network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 200_000 });
  await drop(page, "body", { name: "slow.csv", content: users(60_000) });
  const upload = page.getByRole("group", { name: "Upload" });
  await upload.getByText("slow.csv").waitFor();
  await page.waitForFunction(() => document.querySelector(".upload progress")?.value > 0);
  await page.screenshot({ path: "target/screenshots/uploading.png" });
  await upload.getByRole("button", { name: "Cancel the upload" }).click();
  await upload.waitFor({ state: "detached" });
  await main(page).getByText("slow.csv").waitFor();
  assert.equal(page.url(), `${service.address}/console/new/user`);
});

browsing("a whole job with the keyboard alone", {}, async ({ page }) => {
  await reach(page, "Skip to content");
  await page.keyboard.press("Enter");
  await reach(page, "New import");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/new");
  await reach(page, /^User/);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/new/user");
  // Somebody listens for choosers from before Tab is pressed: playwright does not wait until the browser knows that they are
  // ours, and Chromium without a window opens those of a key that is pressed before that itself, and cancels them.
  page.on("filechooser", () => {});
  await reach(page, "Drop a CSV file here");
  const opened = async (key) => {
    const chooser = page.waitForEvent("filechooser");
    await page.keyboard.press(key);
    return chooser;
  };
  await opened("Space");
  const chooser = await opened("Enter");
  await chooser.setFiles({ name: "keys.csv", mimeType: "text/csv", buffer: Buffer.from(users(40, { wrong: 20 })) });
  await page.waitForURL("**/console/new/report/**");
  await main(page).getByRole("button", { name: /^Import/ }).waitFor();
  await reach(page, /^Import the 38/);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/imports/*");
  await isOver(page);
  await reach(page, "Look through the failures");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/failures");
  await reach(page, "Search in cells");
  await page.keyboard.type("user20");
  await page.keyboard.press("Enter");
  await main(page).getByRole("cell", { name: "user20", exact: true }).waitFor();
});

browsing("a whole job without JavaScript", { context: { javaScriptEnabled: false } }, async ({ page }) => {
  await main(page).getByRole("link", { name: "New import" }).first().click();
  await main(page).locator("a[href='/console/new/user']").click();
  await page.locator("input[type=file]").setInputFiles({ name: "plain.csv", mimeType: "text/csv", buffer: Buffer.from(users(40, { wrong: 20 })) });
  await main(page).getByRole("button", { name: "Check the file" }).click();
  await page.waitForURL("**/console/new/report/**");
  const importing = main(page).getByRole("button", { name: "Import the 38 good records" });
  for (let at = 0; at < 100 && await importing.count() === 0; at += 1) {
    await page.waitForTimeout(200);
    await page.reload();
  }
  await importing.click();
  await page.waitForURL("**/console/imports/*");
  for (let at = 0; at < 100 && await main(page).locator(".standing .state.finished").count() === 0; at += 1) {
    await page.waitForTimeout(200);
    await page.reload();
  }
  await stands(page, "38 records are in, 2 failed");
  await main(page).locator("summary", { hasText: "Delete the record" }).click();
  await main(page).getByRole("button", { name: "Delete the record of this import" }).click();
  await page.waitForURL("**/console/imports?*");
  await main(page).getByText("Nothing has been imported yet").or(main(page).getByRole("link", { name: "plain.csv" })).first().waitFor();
});
