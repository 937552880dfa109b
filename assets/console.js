"use strict";

// What pages do beyond what they do without a script: files are dropped and their upload is shown, dialogs are modal,
// times are the visitor's, what is live stays out of the way. Nothing here decides anything: the server does.
(() => {
  const each = (selector, root, act) => {
    if (root.matches?.(selector)) act(root);
    root.querySelectorAll(selector).forEach(act);
  };

  const made = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  // Announcements: said politely, one at a time, by a region that is there from the start.

  const announcer = made("div", { className: "visually-hidden" });
  announcer.setAttribute("role", "status");
  let lastSaid = "";
  let saying = 0;

  const announce = (text) => {
    clearTimeout(saying);
    announcer.textContent = "";
    saying = setTimeout(() => { announcer.textContent = text; }, 200);
  };

  // Parts of live regions say with data-announce what is worth hearing; at most every ten seconds, and at once when the
  // state changes (data-announce-state).
  let lastState = null;
  let nextAnnouncement = 0;
  const announceLive = (root) => each("[data-announce]", root, (part) => {
    const text = part.dataset.announce;
    const state = part.dataset.announceState ?? "";
    if (text === lastSaid || (state === lastState && Date.now() < nextAnnouncement)) return;
    lastSaid = text;
    lastState = state;
    nextAnnouncement = Date.now() + 10_000;
    announce(text);
  });

  // Times, in the visitor's time zone.

  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const two = (number) => String(number).padStart(2, "0");
  const local = (at) =>
    `${at.getDate()} ${months[at.getMonth()]} ${at.getFullYear()}, ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const universal = (at) =>
    `${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} UTC`;

  const relative = (at) => {
    const seconds = Math.round((Date.now() - at) / 1000);
    const distance = Math.abs(seconds);
    const [number, unit] =
      distance < 60 ? [distance, "s"] : distance < 3600 ? [Math.floor(distance / 60), "min"]
        : distance < 86_400 ? [Math.floor(distance / 3600), "h"] : [Math.floor(distance / 86_400), "d"];
    if (distance < 5) return "just now";
    if (unit === "d" && number > 30) return local(at);
    return seconds < 0 ? `in ${number} ${unit}` : `${number} ${unit} ago`;
  };

  const tell = (time) => {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) return;
    const isRelative = "relative" in time.dataset;
    const here = at.getTimezoneOffset() === 0 ? universal(at) : local(at);
    const text = isRelative ? relative(at) : here;
    if (time.textContent !== text) time.textContent = text;
    const full = isRelative && here !== universal(at) ? `${here} (${universal(at)})` : universal(at);
    if (full === text) time.removeAttribute("title");
    else if (time.title !== full) time.title = full;
  };

  setInterval(() => { if (!document.hidden) each("time[data-relative]", document, tell); }, 10_000);

  // Copying.

  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // No clipboard where the page came over plain HTTP.
      const area = made("textarea", { value: text, className: "visually-hidden" });
      (document.querySelector("dialog:modal") ?? document.body).append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };

  const copy = async (button) => {
    const source = document.querySelector(button.dataset.copy);
    if (!source) return;
    const done = await copied(source.value ?? source.textContent);
    const said = button.textContent;
    button.focus();
    if (button.dataset.said) return;
    button.dataset.said = said;
    button.textContent = done ? "Copied" : "Select and copy it yourself";
    announce(button.textContent);
    setTimeout(() => { button.textContent = said; delete button.dataset.said; }, 2500);
  };

  // Dialogs: the server opens them, and closing one is following its way out.

  const modal = (dialog) => {
    if (dialog.matches(":modal")) return;
    dialog.removeAttribute("open");
    dialog.showModal();
    // What is to be filled in comes first, not the way out.
    const fields = Array.from(dialog.querySelectorAll("input:not([type=hidden]), select, textarea"));
    const first = dialog.querySelector("[aria-invalid=true]") ?? fields.find((field) => !field.disabled && field.checkVisibility());
    first?.focus();
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      const out = dialog.querySelector("a[data-cancel], .form-actions a[href], .actions a[href], header a[href]");
      if (out) out.click();
    });
  };

  // Forms: not sent twice, not left unsaved by accident.

  const unsaved = new Set();
  addEventListener("beforeunload", (event) => { if (unsaved.size) event.preventDefault(); });
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.matches("form[data-warn]")) unsaved.add(form);
  });

  const release = (button) => button.removeAttribute("aria-busy");
  addEventListener("pageshow", () => each("button[aria-busy]", document, release));

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
    const button = event.submitter ?? form.querySelector("button:not([type=button])");
    if (button?.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    unsaved.delete(form);
    if (form.matches("form[data-upload]") && sendsFile(form)) {
      event.preventDefault();
      send(form, event.submitter);
      return;
    }
    if (!button || form.hasAttribute("target")) return;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => release(button), 10_000);
  });

  // Files: dropped anywhere on a page that takes one.

  const size = (bytes) => {
    const units = ["bytes", "KB", "MB", "GB", "TB"];
    let at = 0;
    while (bytes >= 1024 && at < units.length - 1) { bytes /= 1024; at += 1; }
    return `${at === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[at]}`;
  };

  const zone = () => {
    const inDialog = document.querySelector("dialog:modal");
    return (inDialog ?? document).querySelector(".dropzone input[type=file]:not(:disabled)");
  };
  const bringsFiles = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");
  const dragging = (is) => document.body.classList.toggle("dragging", is);

  addEventListener("dragover", (event) => {
    if (!bringsFiles(event)) return;
    // Also where no file is taken: a browser would leave the page to show it.
    event.preventDefault();
    const input = zone();
    event.dataTransfer.dropEffect = input ? "copy" : "none";
    dragging(Boolean(input));
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) dragging(false); });
  addEventListener("drop", (event) => {
    dragging(false);
    if (!bringsFiles(event)) return;
    event.preventDefault();
    const input = zone();
    const files = event.dataTransfer.files;
    if (!input || !files.length) return;
    if (files.length > 1 && !input.multiple) {
      complain(input.form, `That were ${files.length} files. Drop one at a time: each file is an import of its own.`);
      return;
    }
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  });

  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!input.matches?.(".dropzone input[type=file]")) return;
    const around = input.closest(".dropzone");
    const files = Array.from(input.files);
    around.classList.toggle("filled", files.length > 0);
    const shown = around.querySelector("[data-dropzone-name]");
    if (shown) shown.textContent = "";
    around.querySelector(".chosen")?.remove();
    input.form?.querySelector(".notice[data-complaint]")?.remove();
    if (!files.length) return;
    const names = files.map((file) => `${file.name}, ${size(file.size)}`).join("; ");
    if (shown) shown.textContent = names;
    else around.append(made("span", { className: "chosen", textContent: names }));
    announce(`Chosen: ${names}`);
    if (isTooLarge(input.form, files)) return;
    // Some forms have nothing left to ask.
    if (input.form?.dataset.upload === "now" && input.form.checkValidity()) input.form.requestSubmit();
  });

  // Said before it is sent, not after.
  const isTooLarge = (form, files) => {
    const most = Number(form?.dataset.maxSize ?? 0);
    const large = most > 0 && files.find((file) => file.size > most);
    if (!large) return false;
    complain(form, form.dataset.tooLarge ?? `${large.name} has ${size(large.size)}; at most ${size(most)} are taken here.`);
    return true;
  };

  const complain = (form, text) => {
    form.querySelector(".notice[data-complaint]")?.remove();
    const notice = made("div", { className: "notice bad" }, made("p", { textContent: text }));
    notice.dataset.complaint = "";
    notice.setAttribute("role", "alert");
    form.prepend(notice);
    notice.scrollIntoView({ block: "nearest" });
  };

  const sendsFile = (form) => Array.from(form.querySelectorAll("input[type=file]")).some((input) => input.files.length);

  // A browser does not read a file that was changed after it was chosen, nor a folder; it says so by breaking off.
  const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);
  const unreadable = async (form, files) => {
    for (const file of files) {
      if (await isReadable(file)) continue;
      each("input[type=file]", form, (input) => {
        input.value = "";
        input.dispatchEvent(new Event("change", { bubbles: true }));
      });
      complain(form, `${file.name} has changed since you chose it, or cannot be read: choose it again, or drop it here.`);
      form.querySelector("input[type=file]").focus();
      return true;
    }
    return false;
  };

  const send = async (form, submitter) => {
    const files = Array.from(form.querySelectorAll("input[type=file]")).flatMap((input) => Array.from(input.files));
    form.querySelector(".notice[data-complaint]")?.remove();
    if (form.inert || isTooLarge(form, files) || await unreadable(form, files)) return;
    const figures = made("span");
    const bar = made("progress", { max: 1, value: 0 });
    const cancel = made("button", { type: "button", className: "danger", textContent: "Cancel the upload" });
    const name = made("span", { className: "name", textContent: files.map((file) => file.name).join(", ") });
    const panel = made("div", { className: "upload" }, made("p", {}, name, figures), bar, made("div", { className: "actions" }, cancel));
    panel.setAttribute("role", "group");
    panel.setAttribute("aria-label", "Upload");
    bar.setAttribute("aria-label", "Uploaded");

    // A field may be called like a property of its form, and then is what one gets for it.
    const address = form.getAttribute("action") ?? location.href;
    const request = new XMLHttpRequest();
    const body = new FormData(form, submitter);
    const started = Date.now();
    let gone = false;

    const end = () => {
      panel.remove();
      form.inert = false;
      form.removeAttribute("aria-busy");
    };
    const fail = (text) => {
      end();
      complain(form, text);
      (submitter ?? form.querySelector("button:not([type=button])"))?.focus();
    };

    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      const seconds = Math.max(Date.now() - started, 1) / 1000;
      if (event.loaded < event.total) {
        bar.value = event.loaded / event.total;
        figures.textContent = `${size(event.loaded)} of ${size(event.total)}, ${size(event.loaded / seconds)}/s`;
      }
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      figures.textContent = `${size(files.reduce((sum, file) => sum + file.size, 0))} sent; looking at every record\u2026`;
      announce("The file is sent. Looking at every record.");
    });
    request.addEventListener("readystatechange", () => {
      if (request.readyState !== XMLHttpRequest.HEADERS_RECEIVED || !request.responseURL) return;
      const target = new URL(request.responseURL);
      const asked = new URL(address, document.baseURI);
      if (target.pathname === asked.pathname && target.search === asked.search) return;
      gone = true;
      request.abort();
      location.assign(target);
    });
    request.addEventListener("load", () => {
      const isPage = request.getResponseHeader("Content-Type")?.startsWith("text/html");
      if (!isPage) return fail(`The server answered ${request.status}. Try again; its log knows more.`);
      show(form, request.responseText, end);
    });
    request.addEventListener("error", async () => {
      if (await unreadable(form, files)) return end();
      fail("The connection broke before an answer came: nothing was imported. Is the file larger than what is taken here? Otherwise try again.");
    });
    request.addEventListener("abort", () => {
      if (gone) return;
      end();
      announce("The upload is cancelled.");
      form.querySelector("input[type=file]")?.focus();
    });
    cancel.addEventListener("click", () => request.abort());

    form.inert = true;
    form.setAttribute("aria-busy", "true");
    form.after(panel);
    cancel.focus();
    announce(`Uploading ${name.textContent}`);
    request.open("POST", address);
    request.send(body);
  };

  // The page that a form was answered with, in place. The chosen file stays chosen.
  const show = (form, text, end) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const answer = page.querySelector("main");
    const main = document.querySelector("main");
    const input = form.querySelector("input[type=file]");
    end();
    if (!answer) return complain(form, "The answer could not be read. Try again.");
    const next = answer.querySelector("form[data-upload] input[type=file]");
    if (!next) {
      // Only what was refused, and why: what was filled in is still right.
      const said = Array.from(answer.querySelectorAll(".notice, main > p, main > h1")).filter((part) => !part.querySelector("a.button"));
      complain(form, said.map((part) => part.textContent.trim().replace(/([^.!?])$/, "$1.")).join(" "));
      return;
    }
    main.replaceChildren(...Array.from(answer.childNodes).map((node) => document.importNode(node, true)));
    document.title = page.title;
    const here = main.querySelector("form[data-upload] input[type=file]");
    here.files = input.files;
    window.htmx?.process(main);
    enhance(main);
    // It is shown as chosen, and not sent once more.
    const { upload } = here.form.dataset;
    here.form.dataset.upload = "";
    here.dispatchEvent(new Event("change", { bubbles: true }));
    here.form.dataset.upload = upload;
    attend();
    // Whoever was at the button is led to what is said about his file.
    (main.querySelector(".notice[role=alert]") ?? main).scrollIntoView({ block: "start" });
    if (!main.contains(document.activeElement)) main.focus({ preventScroll: true });
  };

  // What is live.

  const isPoll = (ctx) => ctx?.sourceEvent?.type === "every";

  const inUse = (part) => {
    const selection = getSelection();
    return Boolean(part?.querySelector("details.confirm[open]")) ||
      Boolean(selection && !selection.isCollapsed && part?.contains(selection.anchorNode));
  };

  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail.ctx;
    const target = ctx.target instanceof Element ? ctx.target : ctx.sourceElement;
    if (isPoll(ctx) && (document.hidden || inUse(target))) event.preventDefault();
  });

  // What somebody looks at is not replaced by a refusal that he did not ask for.
  document.addEventListener("htmx:before:swap", (event) => {
    const ctx = event.detail.ctx;
    if (isPoll(ctx) && (ctx.response?.status ?? 200) >= 400) event.preventDefault();
  });

  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail.ctx;
    const target = ctx?.target instanceof Element && ctx.target.isConnected ? ctx.target : document.body;
    enhance(target.parentElement ?? target);
    announceLive(target.parentElement ?? target);
    connected(true);
  });

  let lost = null;
  const connected = (is) => {
    if (is) {
      lost?.remove();
      lost = null;
    } else if (!lost) {
      lost = made("div", { className: "toast", textContent: "The connection is lost. Trying again\u2026" });
      document.body.append(lost);
      announce(lost.textContent);
    }
  };
  let isSignedOut = false;
  document.addEventListener("htmx:sse:error", (event) => {
    if (event.detail?.status !== 401) return connected(false);
    isSignedOut = true;
    connected(false);
    const here = encodeURIComponent(location.pathname + location.search);
    const way = made("a", { href: `/console/sign-in?next=${here}`, textContent: "Sign in again" });
    lost.replaceChildren("You are no longer signed in. ", way);
    announce(lost.textContent);
  });
  document.addEventListener("htmx:sse:before:connection", (event) => { if (isSignedOut) event.preventDefault(); });
  document.addEventListener("htmx:sse:after:connection", () => connected(true));
  document.addEventListener("htmx:error", (event) => { if (isPoll(event.detail?.ctx)) connected(false); });

  // What scrolls sideways can be scrolled with the keyboard.

  const label = (part) => {
    const heading = part.closest("section, article, dialog, main")?.querySelector("h1, h2, h3, h4");
    return part.querySelector("caption")?.textContent.trim() || heading?.textContent.trim() || "Table";
  };
  const reachable = (part) => {
    const scrolls = part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1;
    if (scrolls && !part.hasAttribute("tabindex")) {
      part.tabIndex = 0;
      if (!part.hasAttribute("aria-label") && !part.hasAttribute("aria-labelledby")) part.setAttribute("aria-label", label(part));
      if (!part.hasAttribute("role")) part.setAttribute("role", "group");
    }
  };
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => reachable(entry.target)));

  const enhance = (root) => {
    each("time[datetime]", root, tell);
    each("button[data-copy]", root, (button) => button.classList.add("ready"));
    each("dialog.sheet[open]", root, modal);
    each(".table-wrap, pre", root, (part) => { reachable(part); sizes.observe(part); });
  };

  // What a page has to say when it comes: nobody hears what was there before the page was read out.
  const attend = () => {
    const wrong = document.querySelector("[aria-invalid=true]");
    if (wrong && !document.activeElement?.matches("[aria-invalid=true]")) wrong.focus();
    const said = Array.from(document.querySelectorAll(".notice[role]"), (notice) => notice.textContent.trim());
    if (said.length) setTimeout(() => announce(said.join(" ").replace(/\s+/g, " ")), 300);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (button) copy(button);
  });

  // Scripts of the page come after it.
  document.body.append(announcer);
  enhance(document);
  attend();
})();
