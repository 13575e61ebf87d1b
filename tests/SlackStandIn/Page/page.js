"use strict";
// Everything that comes from a message or a view goes in as text nodes: nothing here ever parses HTML.

const $ = id => document.getElementById(id);
const here = { user: null, channel: null, tab: "messages", version: 0, state: null, seen: {}, forms: {}, busy: {}, suggested: {}, shownViews: "" };
const params = new URLSearchParams(location.search);

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

async function act(name, body) {
  const response = await fetch("/control/" + name, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || "The stand-in refused.");
  return answer;
}

function say(words, bad) {
  $("hint").textContent = words;
  $("hint").className = bad ? "bad" : "";
}

// ---- Slack's text ----

function decode(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function userName(id) {
  const user = here.state.users.find(one => one.id === id);
  return user ? user.name : id;
}

function link(url, label) {
  const safe = /^(https?:|mailto:)/i.test(url);
  return safe ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label || url) : document.createTextNode(label || url);
}

function date(timestamp, format, fallback) {
  const when = new Date(timestamp * 1000);
  if (isNaN(when)) return fallback;
  const day = { year: "numeric", month: "long", day: "numeric" };
  const short = { year: "numeric", month: "short", day: "numeric" };
  const days = Math.round((new Date(when).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86400000);
  const near = { "-1": "yesterday", "0": "today", "1": "tomorrow" }[days];
  const known = {
    date_num: () => `${when.getFullYear()}-${String(when.getMonth() + 1).padStart(2, "0")}-${String(when.getDate()).padStart(2, "0")}`,
    date_slash: () => when.toLocaleDateString(),
    date: () => when.toLocaleDateString(undefined, day),
    date_long: () => when.toLocaleDateString(undefined, { weekday: "long", ...day }),
    date_short: () => when.toLocaleDateString(undefined, short),
    date_pretty: () => near || when.toLocaleDateString(undefined, day),
    date_long_pretty: () => near || when.toLocaleDateString(undefined, { weekday: "long", ...day }),
    date_short_pretty: () => near || when.toLocaleDateString(undefined, short),
    time: () => when.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }),
    time_secs: () => when.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    ago: () => `${Math.max(0, Math.round((Date.now() - when) / 60000))} minutes ago`,
  };
  const text = format.replace(/\{(\w+)\}/g, (whole, name) => known[name] ? known[name]() : whole);
  return el("time", { datetime: when.toISOString(), title: fallback }, text);
}

function angle(inside) {
  const [what, label] = inside.split(/\|(.*)/s);
  if (what.startsWith("@")) return el("span", { class: "mention" }, "@" + userName(what.slice(1)));
  if (what.startsWith("#")) {
    const channel = here.state.channels.find(one => one.id === what.slice(1));
    return el("span", { class: "mention" }, "#" + (label || (channel ? channel.name : what.slice(1))));
  }
  if (what.startsWith("!date^")) {
    const [, timestamp, format, url] = what.split("^");
    const shown = date(Number(timestamp), format || "", label || "");
    return url && shown instanceof Node ? el("span", {}, link(url, shown.textContent)) : shown instanceof Node ? shown : document.createTextNode(shown);
  }
  if (what.startsWith("!subteam^")) {
    const group = here.state.usergroups.find(one => one.id === what.slice(9));
    return el("span", { class: "mention" }, label ? decode(label) : "@" + (group ? group.handle : what.slice(9)));
  }
  if (what.startsWith("!")) return el("span", { class: "mention" }, "@" + (label || what.slice(1)));
  return link(decode(what), label ? decode(label) : undefined);
}

// Order matters: code first (nothing is parsed in it), then what is in angle brackets, then emphasis at word edges.
const marks = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\w*])|(?<![\w_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\w_])|(?<![\w~])~(?!\s)([^~\n]+?)(?<!\s)~(?![\w~])/;

function inline(text) {
  const nodes = [];
  while (text) {
    const found = marks.exec(text);
    if (!found) {
      nodes.push(document.createTextNode(decode(text)));
      break;
    }
    if (found.index) nodes.push(document.createTextNode(decode(text.slice(0, found.index))));
    if (found[1] !== undefined) nodes.push(el("pre", {}, decode(found[1].replace(/^\n/, "").replace(/\n$/, ""))));
    else if (found[2] !== undefined) nodes.push(el("code", {}, decode(found[2])));
    else if (found[3] !== undefined) nodes.push(angle(found[3]));
    else if (found[4] !== undefined) nodes.push(el("b", {}, inline(found[4])));
    else if (found[5] !== undefined) nodes.push(el("i", {}, inline(found[5])));
    else nodes.push(el("s", {}, inline(found[6])));
    text = text.slice(found.index + found[0].length);
  }
  return nodes;
}

function mrkdwn(text) {
  // A quote is a line of its own; inside ``` there are no quotes.
  const nodes = [];
  for (const piece of text.split(/(```[\s\S]+?```)/)) {
    if (piece.startsWith("```")) { nodes.push(...inline(piece)); continue; }
    for (const [i, part] of piece.split(/((?:^|(?<=\n))(?:&gt;|>)[^\n]*(?:\n(?:&gt;|>)[^\n]*)*\n?)/).entries()) {
      if (i % 2) nodes.push(el("blockquote", {}, inline(part.replace(/^(?:&gt;|>) ?/gm, "").replace(/\n$/, ""))));
      else if (part) nodes.push(...inline(part));
    }
  }
  return nodes;
}

function textOf(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : [document.createTextNode(object.text)];
}

function plain(object) {
  return object ? object.text : "";
}

// ---- blocks ----

function richInline(element) {
  const style = element.style || {};
  let node;
  switch (element.type) {
    case "text": node = document.createTextNode(element.text); break;
    case "link": node = link(element.url, element.text); break;
    case "user": node = el("span", { class: "mention" }, "@" + userName(element.user_id)); break;
    case "channel": node = angle("#" + element.channel_id); break;
    case "usergroup": node = angle("!subteam^" + element.usergroup_id); break;
    case "broadcast": node = el("span", { class: "mention" }, "@" + element.range); break;
    case "emoji": node = document.createTextNode(element.unicode ? String.fromCodePoint(...element.unicode.split("-").map(c => parseInt(c, 16))) : `:${element.name}:`); break;
    case "date": {
      const shown = date(element.timestamp, element.format, element.fallback || "");
      node = shown instanceof Node ? shown : document.createTextNode(shown);
      break;
    }
    default: node = document.createTextNode(element.value || "");
  }
  if (style.code) node = el("code", {}, node);
  if (style.bold) node = el("b", {}, node);
  if (style.italic) node = el("i", {}, node);
  if (style.strike) node = el("s", {}, node);
  return node;
}

function rich(element) {
  const inside = () => element.elements.map(richInline);
  switch (element.type) {
    case "rich_text_preformatted": return el("pre", {}, inside());
    case "rich_text_quote": return el("blockquote", {}, inside());
    case "rich_text_list": return el(element.style === "ordered" ? "ol" : "ul", {}, element.elements.map(item => el("li", {}, rich(item))));
    default: return el("div", { class: "text" }, inside());
  }
}

function drawBlock(block, context) {
  switch (block.type) {
    case "header": return el("h3", { class: "block header" }, plain(block.text));
    case "divider": return el("hr", { class: "block" });
    case "section": return el("div", { class: "block section" },
      el("div", { class: "main" },
        block.text ? el("div", { class: "text" }, textOf(block.text)) : null,
        block.fields ? el("div", { class: "fields" }, block.fields.map(field => el("div", { class: "text" }, textOf(field)))) : null),
      block.accessory ? drawElement(block.accessory, block, context) : null);
    case "context": return el("div", { class: "block context" }, block.elements.map(element =>
      element.type === "image" ? el("span", { class: "picture" }, element.alt_text) : el("span", { class: "text" }, textOf(element))));
    case "actions": return el("div", { class: "block actions" }, block.elements.map(element => drawElement(element, block, context)));
    case "rich_text": return el("div", { class: "block" }, block.elements.map(rich));
    case "image": return el("div", { class: "block picture" }, block.alt_text);
    case "input": return drawInput(block, context);
    default: return el("div", { class: "block picture" }, `(${block.type})`);
  }
}

function options(element) {
  return (element.option_groups || []).flatMap(group => group.options).concat(element.options || []);
}

function select(element, value, attributes) {
  const option = one => el("option", { value: one.value, selected: one.value === value }, plain(one.text));
  return el("select", attributes,
    el("option", { value: "", selected: !value }, plain(element.placeholder) || "Select an option"),
    element.option_groups
      ? element.option_groups.map(group => el("optgroup", { label: plain(group.label) }, group.options.map(option)))
      : options(element).map(option));
}

function people(element, value, attributes) {
  return el("select", attributes,
    el("option", { value: "", selected: !value }, plain(element.placeholder) || "Select a person"),
    here.state.users.map(user => el("option", { value: user.id, selected: user.id === value }, user.name)));
}

// A control outside an input block: it tells the app at once.
function drawElement(element, block, context) {
  const id = "button-" + element.action_id;
  const send = value => press(element, block, context, value);
  switch (element.type) {
    case "button": {
      const key = context.key + block.block_id + element.action_id + (element.value || "");
      const button = el("button", {
        type: "button", class: "button " + (element.style || "") + (here.busy[key] === "failed" ? " failed" : ""), "data-testid": id, "data-key": key,
        "aria-label": element.accessibility_label, disabled: here.busy[key] === true,
        onclick: async () => {
          if (element.url) window.open(element.url, "_blank", "noopener,noreferrer");
          await send();
        },
      }, plain(element.text));
      return button;
    }
    case "external_select":
    case "multi_external_select": return search(element, block, context, id, id, { onpick: value => send(value) });
    case "static_select": return select(element, element.initial_option && element.initial_option.value,
      { class: "inline-select", "data-testid": id, onchange: event => event.target.value && send(event.target.value) });
    case "users_select": return people(element, element.initial_user,
      { class: "inline-select", "data-testid": id, onchange: event => event.target.value && send(event.target.value) });
    case "overflow": return select({ ...element, placeholder: { text: "…" } }, null,
      { class: "inline-select", "data-testid": id, onchange: event => event.target.value && send(event.target.value) });
    case "image": return el("span", { class: "picture" }, element.alt_text);
    case "radio_buttons":
    case "checkboxes": return el("div", { class: "field", "data-testid": id }, choices(element, block, context, () => send(valueOf(element, block, context))));
    default: return el("span", { class: "picture" }, `(${element.type})`);
  }
}

async function press(element, block, context, value) {
  const key = context.key + block.block_id + element.action_id + (element.value || "");
  const mine = document.activeElement && document.activeElement.dataset.key === key;
  if (element.confirm && !(await confirmed(element.confirm))) return;
  here.busy[key] = true;
  draw();
  try {
    const body = { user: here.user, action_id: element.action_id, block_id: block.block_id, value };
    if (context.view) Object.assign(body, { view_id: context.view.id, values: collect(context.view) });
    else Object.assign(body, { channel: context.message.channel, ts: context.message.ts });
    const answer = await act("action", body);
    here.busy[key] = answer.status >= 200 && answer.status < 300 ? false : "failed";
    if (here.busy[key]) say("The app did not answer the click.", true);
  } catch (fault) {
    here.busy[key] = "failed";
    say(fault.message, true);
  }
  draw(true);
  // While it was busy it could not be on it; what is gone by now leaves them where they were reading.
  if (mine) refocus(key);
  if (mine && document.activeElement === document.body) (here.tab === "home" ? $("home") : $("messages")).focus();
}

// Whoever goes on with Tab stays in the window that is open.
function stay(event) {
  if (event.key !== "Tab") return;
  const stops = [...event.currentTarget.querySelectorAll("input, textarea, select, button, [tabindex]")].filter(one => !one.disabled && one.offsetParent !== null);
  const [first, last] = [stops[0], stops.at(-1)];
  const over = event.shiftKey ? first : last;
  if (document.activeElement !== over) return;
  event.preventDefault();
  (event.shiftKey ? last : first).focus();
}

function confirmed(confirm) {
  return new Promise(done => {
    const before = document.activeElement && document.activeElement.dataset.key;
    const finish = answer => {
      shade.remove();
      refocus(before);
      done(answer);
    };
    const shade = el("div", { class: "shade", "data-testid": "confirm", onkeydown: stay },
      el("div", { class: "modal", role: "alertdialog", "aria-modal": "true", "aria-label": plain(confirm.title) },
        el("header", {}, plain(confirm.title)),
        el("div", { class: "content text" }, textOf(confirm.text)),
        el("footer", {},
          el("button", { type: "button", class: "button", "data-testid": "confirm-deny", onclick: () => finish(false) }, plain(confirm.deny)),
          el("button", {
            type: "button", class: "button " + (confirm.style === "danger" ? "solid-danger" : "primary"), "data-testid": "confirm-ok",
            onclick: () => finish(true),
          }, plain(confirm.confirm)))));
    document.body.append(shade);
    shade.querySelector("[data-testid=confirm-ok]").focus();
  });
}

// ---- forms ----

function form(view) {
  return here.forms[view.id] = here.forms[view.id] || {};
}

function initial(element) {
  if (element.initial_option) return element.initial_option.value;
  if (element.initial_options) return element.initial_options.map(option => option.value);
  for (const name of ["initial_value", "initial_user", "initial_users", "initial_date", "initial_time", "initial_date_time", "initial_channel", "initial_conversation"])
    if (element[name] !== undefined) return element[name];
  return element.type === "checkboxes" || element.type.startsWith("multi_") ? [] : "";
}

function valueOf(element, block, context) {
  const known = form(context.view || { id: context.key })[block.block_id + "\u0000" + element.action_id];
  return known === undefined ? initial(element) : known;
}

function keep(element, block, context, value) {
  form(context.view || { id: context.key })[block.block_id + "\u0000" + element.action_id] = value;
}

function collect(view) {
  const values = {};
  for (const block of view.blocks) {
    const elements = block.type === "input" ? [block.element] : block.type === "section" && block.accessory ? [block.accessory] : block.type === "actions" ? block.elements : [];
    for (const element of elements) {
      if (element.type === "button" || element.type === "image" || element.type === "overflow") continue;
      const value = valueOf(element, block, { view });
      (values[block.block_id] = values[block.block_id] || {})[element.action_id] = value === "" ? null : value;
    }
  }
  return values;
}

function choices(element, block, context, changed) {
  const many = element.type === "checkboxes";
  const current = valueOf(element, block, context);
  return options(element).map(option => el("label", { class: "choice" },
    el("input", {
      type: many ? "checkbox" : "radio", name: context.key + block.block_id + element.action_id, value: option.value,
      checked: many ? current.includes(option.value) : current === option.value,
      onchange: event => {
        const before = valueOf(element, block, context);
        keep(element, block, context, !many ? option.value
          : event.target.checked ? [...before, option.value] : before.filter(value => value !== option.value));
        if (changed) changed();
      },
    }), " ", textOf(option.text), option.description ? el("small", {}, textOf(option.description)) : null));
}

// ---- searches: what is typed is asked of the app, and one of its answers is picked ----

function label(value, element, key) {
  const known = [element.initial_option, ...(element.initial_options || []), ...((here.suggested[key] || []))].filter(Boolean);
  const option = known.find(one => one.value === value);
  return option ? plain(option.text) : value;
}

function search(element, block, context, id, testid, also) {
  const many = element.type.startsWith("multi_");
  const key = context.key + block.block_id + element.action_id;
  const current = () => valueOf(element, block, context);
  const list = el("div", {
    class: "suggestions", role: "listbox", id: id + "-options", "aria-label": block.label ? plain(block.label) : "Suggestions", "data-testid": "options-" + block.block_id, hidden: true, onkeydown: walk,
  });
  const chips = el("div", { class: "chips" });
  const least = element.min_query_length === undefined ? 3 : element.min_query_length;
  let taken = false;
  const input = el("input", {
    id, type: "text", role: "combobox", autocomplete: "off", "data-testid": testid, placeholder: plain(element.placeholder) || "Type to search",
    "aria-expanded": "false", "aria-controls": id + "-options", "aria-autocomplete": "list", "aria-invalid": also.invalid, "aria-describedby": also.described, oninput: ask, onfocus: ask, onkeydown: walk,
    // Whoever is back in it by then goes on typing.
    onblur: () => setTimeout(() => { if (document.activeElement !== input && !list.contains(document.activeElement)) { hide(); show(); } }, 150),
  });

  function show() {
    if (!many) { input.value = current() ? label(current(), element, key) : ""; return; }
    input.value = "";
    chips.replaceChildren(...current().map(value => el("span", { class: "chip", "data-testid": "chip" }, label(value, element, key),
      el("button", { type: "button", "aria-label": "Remove " + label(value, element, key), onclick: () => { keep(element, block, context, current().filter(one => one !== value)); show(); } }, "×"))));
  }

  // Down into the suggestions and up again; Enter takes one, and never sends the form from here.
  function walk(event) {
    const all = [...list.querySelectorAll(".option")];
    const at = all.indexOf(document.activeElement);
    if (event.key === "Escape" && !list.hidden) { input.focus(); hide(); event.stopPropagation(); return; }
    if (event.key === "Enter" && at < 0) { event.preventDefault(); return; }
    if (list.hidden || all.length === 0 || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    const next = event.key === "ArrowDown" ? Math.min(at + 1, all.length - 1) : at - 1;
    (next < 0 ? input : all[next]).focus();
  }

  function hide() { list.hidden = true; input.setAttribute("aria-expanded", "false"); }

  function pick(option) {
    (here.suggested[key] = here.suggested[key] || []).push(option);
    keep(element, block, context, !many ? option.value : [...current().filter(one => one !== option.value), option.value]);
    taken = true;
    input.focus();
    taken = false;
    hide();
    show();
    if (also.onpick) also.onpick(current());
  }

  async function ask() {
    // Focus that comes back after a pick asks for nothing.
    if (taken) return;
    const typed = !many && input.value === (current() ? label(current(), element, key) : "") ? "" : input.value;
    const turn = here.asking = (here.asking || 0) + 1;
    if (typed.length < least) { hide(); return; }
    let answer;
    try {
      answer = await act("suggest", { view_id: context.view.id, block_id: block.block_id, action_id: element.action_id, value: typed });
    } catch (fault) {
      answer = { outcome: "trouble" };
    }
    if (turn !== here.asking) return;
    list.replaceChildren(...(answer.outcome !== "options" ? [el("div", { class: "nothing", role: "alert" }, "Something went wrong.")]
      : answer.options.length === 0 ? [el("div", { class: "nothing" }, "No results")]
      : answer.options.map(option => el("button", { type: "button", class: "option", role: "option", "data-testid": "option", "data-value": option.value, onclick: () => pick(option) },
        plain(option.text), option.description ? el("small", {}, plain(option.description)) : null))));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  show();
  return el("div", { class: "search" }, many ? chips : null, input, list);
}

function drawInput(block, context) {
  const element = block.element;
  const id = context.key + block.block_id;
  const value = valueOf(element, block, context);
  const error = context.view && context.view.errors && context.view.errors[block.block_id];
  const described = [error ? id + "-error" : null, block.hint ? id + "-hint" : null].filter(Boolean).join(" ") || null;
  const attributes = {
    id, "data-testid": "field-" + block.block_id, placeholder: plain(element.placeholder), "aria-invalid": error ? "true" : null,
    "aria-describedby": described, "aria-required": block.optional ? null : "true",
    oninput: event => keep(element, block, context, event.target.multiple ? [...event.target.selectedOptions].map(one => one.value) : event.target.value),
    onchange: () => { if (block.dispatch_action) press(element, block, context, valueOf(element, block, context)); },
  };
  let control;
  switch (element.type) {
    case "plain_text_input":
      control = element.multiline ? el("textarea", { ...attributes, rows: 3 }) : el("input", { ...attributes, type: "text" });
      control.value = value;
      break;
    case "static_select": control = select(element, value, attributes); break;
    case "external_select":
    case "multi_external_select":
      control = search(element, block, context, id, "field-" + block.block_id, {
        invalid: error ? "true" : null, described, onpick: value => { if (block.dispatch_action) press(element, block, context, value); },
      });
      break;
    case "users_select": control = people(element, value, attributes); break;
    case "radio_buttons":
    case "checkboxes": control = el("div", { id, "data-testid": "field-" + block.block_id, role: "group" }, choices(element, block, context)); break;
    case "multi_static_select":
    case "multi_users_select": {
      control = element.type === "multi_static_select" ? select(element, null, { ...attributes, multiple: true }) : people(element, null, { ...attributes, multiple: true });
      control.options[0].remove();
      for (const option of control.options) option.selected = value.includes(option.value);
      break;
    }
    default: {
      const kind = { datepicker: "date", timepicker: "time", email_text_input: "email", url_text_input: "url", number_input: "text" }[element.type] || "text";
      control = el("input", { ...attributes, type: kind });
      control.value = value;
    }
  }
  const group = element.type === "radio_buttons" || element.type === "checkboxes";
  return el(group ? "fieldset" : "div", { class: "field" + (error ? " bad" : "") },
    el(group ? "legend" : "label", group ? {} : { for: id }, plain(block.label), block.optional ? el("span", { class: "optional" }, " (optional)") : null),
    control,
    error ? el("div", { class: "error", id: id + "-error", role: "alert", "data-testid": "field-error-" + block.block_id }, error) : null,
    block.hint ? el("div", { class: "hint", id: id + "-hint" }, plain(block.hint)) : null);
}

function drawModal(view) {
  const context = { key: view.id, view };
  const busy = here.busy["submit" + view.id];
  const submit = async event => {
    event.preventDefault();
    here.busy["submit" + view.id] = true;
    draw(true);
    try {
      await act("submit", { view_id: view.id, values: collect(view) });
    } catch (fault) {
      say(fault.message, true);
    }
    delete here.busy["submit" + view.id];
    draw(true);
  };
  const close = all => act("close", { view_id: view.id, all }).catch(fault => say(fault.message, true));
  return el("form", { class: "modal", role: "dialog", "aria-modal": "true", "aria-label": plain(view.title), "data-testid": "modal", novalidate: true, onsubmit: submit, onkeydown: stay },
    el("header", {}, el("h2", { "data-testid": "modal-title" }, plain(view.title)),
      el("button", { type: "button", class: "x", "aria-label": "Close all", "data-testid": "modal-x", onclick: () => close(true) }, "×")),
    view.trouble ? el("div", { class: "trouble", role: "alert", "data-testid": "modal-trouble" }, view.trouble) : null,
    el("div", { class: "content" }, view.blocks.map(block => drawBlock(block, context))),
    el("footer", {},
      el("button", { type: "button", class: "button", "data-testid": "modal-close", onclick: () => close(false) }, plain(view.close) || (view.submit ? "Cancel" : "Close")),
      view.submit ? el("button", { type: "submit", class: "button primary", "data-testid": "modal-submit", disabled: busy, "aria-busy": busy ? "true" : null },
        busy ? el("span", { class: "spin", "data-testid": "modal-loading", title: "Loading" }) : plain(view.submit)) : null));
}

// ---- the page ----

function time(ts) {
  return new Date(Number(ts) * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

function drawThread(replies) {
  return replies.length === 0 ? null : el("div", { class: "thread", "data-testid": "thread" },
    el("div", { class: "count" }, replies.length === 1 ? "1 reply" : `${replies.length} replies`), replies.map(reply => drawMessage(reply, [])));
}

// The first message was deleted, and its thread stays.
function drawOrphans(ts, replies) {
  return el("article", { class: "message", "data-testid": "message-deleted", "data-ts": ts },
    el("div", { class: "avatar", "aria-hidden": "true" }, "–"),
    el("div", { class: "body" }, el("div", { class: "text" }, "This message was deleted."), drawThread(replies)));
}

function drawMessages(shown) {
  const replies = {};
  for (const message of shown) if (message.thread_ts && message.thread_ts !== message.ts) (replies[message.thread_ts] = replies[message.thread_ts] || []).push(message);
  const first = shown.filter(message => !message.thread_ts || message.thread_ts === message.ts);
  const orphans = Object.keys(replies).filter(ts => !first.some(message => message.ts === ts));
  return [...first.map(message => [message.ts, () => drawMessage(message, replies[message.ts] || [])]), ...orphans.map(ts => [ts, () => drawOrphans(ts, replies[ts])])]
    .sort((one, other) => one[0] < other[0] ? -1 : 1).map(([, drawn]) => drawn());
}

function drawMessage(message, replies) {
  const app = message.from_app || message.user === "USLACKBOT";
  const name = message.user === "USLACKBOT" ? "Slackbot" : message.from_app ? here.state.app.name : userName(message.user);
  const context = { key: message.channel + message.ts, message };
  return el("article", { class: "message" + (message.ephemeral ? " ephemeral" : ""), "data-testid": message.thread_ts && message.thread_ts !== message.ts ? "reply" : "message", "data-ts": message.ts, "data-kind": message.metadata && message.metadata.event_payload.kind, "data-ephemeral": String(message.ephemeral) },
    el("div", { class: "avatar" + (app ? " app" : ""), "aria-hidden": "true" }, [...name.replace(/^[^\p{L}\p{N}\p{Emoji}]+/u, "")][0] || "?"),
    el("div", { class: "body" },
      message.ephemeral ? el("div", { class: "only-you" }, "👁 Only visible to you") : null,
      el("div", { class: "who-line" }, el("strong", {}, name), app ? el("span", { class: "badge" }, "APP") : null, time(message.ts)),
      message.blocks && message.from_app ? message.blocks.map(block => drawBlock(block, context)) : el("div", { class: "text" }, mrkdwn(message.text)),
      // Slack has the shortcuts of apps in a menu of every message that is stored.
      message.ephemeral || app ? null : el("button", {
        type: "button", class: "shortcut", "data-testid": "shortcut", title: "A shortcut of the app's on this message",
        onclick: () => act("shortcut", { user: here.user, channel: message.channel, ts: message.ts, callback_id: "get_access" }).catch(fault => say(fault.message, true)),
      }, "⚡ Get access for this"),
      message.edited && !message.blocks ? el("span", { class: "edited" }, "(edited)") : null,
      drawThread(replies)));
}

function place(id, label, testid) {
  const last = here.state.messages.filter(message => message.channel === id).at(-1);
  const news = id !== here.channel && last && last.ts > (here.seen[here.user + id] || "0");
  return el("button", {
    type: "button", class: "place" + (id === here.channel ? " here" : "") + (news ? " news" : ""), "data-testid": testid, "data-key": testid,
    "aria-current": id === here.channel ? "page" : null, "aria-label": news ? `${label}, new messages` : null,
    onclick: () => { here.channel = id; here.tab = "messages"; draw(); $("text").focus(); },
  }, label);
}

// What is drawn anew is another element: whoever was on its button stays on it.
function refocus(key) {
  if (key && (document.activeElement === document.body || !document.activeElement)) [...document.querySelectorAll("[data-key]")].find(one => one.dataset.key === key)?.focus();
}

function draw(force) {
  const state = here.state;
  if (!state) return;
  const on = document.activeElement && document.activeElement.dataset.key;
  drawAll(state, force);
  refocus(on);
}

function drawAll(state, force) {
  const me = state.users.find(user => user.id === here.user);
  $("toggle-deleted").textContent = me.deleted ? "Reactivate" : "Deactivate";
  $("toggle-guest").textContent = me.guest ? "Make member" : "Make guest";
  const news = state.notifications.at(-1);
  $("notice").hidden = !news;
  // What a phone shows: who, and the first words.
  if (news) $("notice").textContent = `🔔 ${news.from_app ? state.app.name : userName(news.user)}: ${news.text}`;
  const app = state.app.channel;
  if (here.channel !== app && !state.channels.some(channel => channel.id === here.channel)) here.channel = app;

  $("team").textContent = state.team;
  $("user").replaceChildren(...state.users.filter(user => !user.bot).map(user =>
    el("option", { value: user.id, selected: user.id === here.user }, user.name + (user.note ? ` (${user.note})` : ""))));
  $("channels").replaceChildren(...state.channels.map(channel =>
    place(channel.id, (channel.private ? "🔒 " : "# ") + channel.name + (channel.archived ? " (archived)" : ""), "channel-" + channel.id)));
  $("apps").replaceChildren(place(app, state.app.name, "channel-app"));

  const inApp = here.channel === app;
  const channel = state.channels.find(one => one.id === here.channel);
  $("place").textContent = inApp ? state.app.name : (channel.private ? "🔒 " : "# ") + channel.name;
  $("tabs").replaceChildren(...(inApp ? ["home", "messages"] : []).map(tab => el("button", {
    type: "button", class: here.tab === tab ? "here" : "", "data-testid": "tab-" + tab, "data-key": "tab-" + tab, "aria-pressed": String(here.tab === tab),
    onclick: () => { here.tab = tab; draw(); act("home", { user: here.user, tab }).catch(fault => say(fault.message, true)); },
  }, tab === "home" ? "Home" : "Messages")));
  const home = inApp && here.tab === "home";
  $("home").hidden = !home;
  $("messages").hidden = home;
  $("compose").hidden = home;
  if (home) $("home").replaceChildren(...(state.home ? state.home.blocks.map(block => drawBlock(block, { key: state.home.id, view: state.home })) : ["Nothing here yet."]));

  const pane = $("messages");
  const atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 60;
  const shown = state.messages.filter(message => message.channel === here.channel);
  // What has not changed is left alone: somebody may be marking a password to copy it, or have the mouse down on a button.
  const picture = JSON.stringify([here.user, here.channel, shown, here.busy, state.users]);
  if (picture !== here.shownMessages) pane.replaceChildren(...drawMessages(shown));
  here.shownMessages = picture;
  if (atEnd || pane.dataset.channel !== here.user + here.channel) pane.scrollTop = pane.scrollHeight;
  pane.dataset.channel = here.user + here.channel;
  if (shown.length) here.seen[here.user + here.channel] = shown.at(-1).ts;
  $("text").placeholder = inApp ? `Message ${state.app.name}, or /db-access …` : "Message, or /db-access …";

  // A form that has not changed is left alone: redrawing it would take the focus from whoever is typing.
  const top = state.views.at(-1);
  const shape = JSON.stringify([top, here.busy, here.user]);
  if (force || shape !== here.shownViews) {
    here.shownViews = shape;
    const focused = document.activeElement && document.activeElement.id;
    const hadModal = $("layer").firstChild !== null;
    $("layer").replaceChildren(...(top ? [el("div", { class: "shade" }, drawModal(top))] : []));
    const errors = JSON.stringify(top ? top.errors : {});
    const field = focused && hadModal && errors === here.shownErrors ? document.getElementById(focused) : null;
    here.shownErrors = errors;
    if (top) (field || $("layer").querySelector("[aria-invalid]") || $("layer").querySelector("input, textarea, select, .button"))?.focus();
    else if (hadModal) $("text").focus();
  }
}

async function follow(user) {
  const turn = here.turn = (here.turn || 0) + 1;
  while (here.turn === turn) {
    try {
      const response = await fetch(`/control/state?user=${encodeURIComponent(user)}&since=${here.version}`);
      const state = await response.json();
      if (here.turn !== turn) return;
      if (!response.ok) throw new Error(state.error);
      here.version = state.version;
      here.state = state;
      here.user = state.me;
      draw();
    } catch (fault) {
      if (here.turn !== turn) return;
      say("The stand-in does not answer. " + fault.message, true);
      await new Promise(done => setTimeout(done, 1000));
    }
  }
}

function become(user) {
  here.user = user;
  here.version = 0;
  here.channel = null;
  here.tab = "messages";
  history.replaceState(null, "", "?user=" + encodeURIComponent(user));
  say("");
  follow(user);
}

async function send() {
  const text = $("text").value;
  if (!text.trim()) return;
  const [user, channel] = [here.user, here.channel];
  $("text").value = "";
  $("send").disabled = true;
  try {
    const command = /^\/[^\s]+/.exec(text);
    say(command ? `${command[0]} …` : "");
    if (command) await act("command", { user, channel, command: command[0], text: text.slice(command[0].length).replace(/^\s/, "") });
    else await act("message", { user, channel, text });
    say("");
  } catch (fault) {
    say(fault.message, true);
  }
  $("send").disabled = false;
}

$("compose").addEventListener("submit", event => { event.preventDefault(); send(); });
$("text").addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
$("user").addEventListener("change", event => become(event.target.value));
document.addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  const button = document.querySelector("[data-testid=confirm-deny]") || document.querySelector("[data-testid=modal-close]");
  if (button) button.click();
});
for (const [id, field, now] of [["toggle-deleted", "deleted", "deleted"], ["toggle-guest", "is_restricted", "guest"]]) {
  $(id).addEventListener("click", () => act("user", { user: here.user, [field]: !here.state.users.find(user => user.id === here.user)[now], send_event: true })
    .catch(fault => say(fault.message, true)));
}

// Several people side by side: each sits before a page of their own.
const together = (params.get("people") || "").split(",").filter(name => /^[\w.-]+$/.test(name));
if (together.length) {
  document.body.className = "together";
  document.body.replaceChildren(...together.map(name => el("section", { class: "column", "data-testid": "person-" + name },
    el("h2", {}, name),
    el("iframe", { name, title: name, "data-testid": "frame-" + name, src: "/?user=" + encodeURIComponent(name) }))));
} else {
  become(params.get("user") || "U0ENGINE1");
}
