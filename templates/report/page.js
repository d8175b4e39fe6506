"use strict";
(function () {
  // Tables: a button in each head sorts by its column, by the exact value where there is one.
  function key(row, column) {
    var cell = row.cells[column];
    var data = cell.querySelector("data");
    return data ? parseFloat(data.value) : cell.textContent.trim();
  }
  function compare(left, right) {
    if (typeof left === "number" && typeof right === "number") return left - right;
    // What has no value stands at the end of an ascending order.
    if (typeof left === "number") return -1;
    if (typeof right === "number") return 1;
    return left.localeCompare(right);
  }
  function sortBy(table, column, head) {
    var down = head.getAttribute("aria-sort") === "ascending";
    var heads = head.parentNode.cells;
    for (var at = 0; at < heads.length; at++) heads[at].removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    var body = table.tBodies[0];
    Array.prototype.slice.call(body.rows)
      .map(function (row, place) { return { row: row, place: place, key: key(row, column) }; })
      .sort(function (one, two) {
        return compare(one.key, two.key) * (down ? -1 : 1) || one.place - two.place;
      })
      .forEach(function (one) { body.appendChild(one.row); });
  }
  document.querySelectorAll("table[data-sortable]").forEach(function (table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
      if (head.querySelector("svg")) return;
      var button = document.createElement("button");
      button.type = "button";
      button.append(head.textContent);
      head.textContent = "";
      head.append(button);
      button.addEventListener("click", function () { sortBy(table, column, head); });
    });
  });

  // The run over time: all panels show the same stretch of it.
  var source = document.getElementById("timeline-data");
  var home = document.getElementById("timeline");
  if (!source || !home) return;
  var data = JSON.parse(source.textContent);
  var SVG = home.querySelector("svg").namespaceURI;
  var panels = Array.prototype.map.call(home.querySelectorAll(".panel"), function (figure, at) {
    var frame = figure.querySelector(".frame");
    var plot = frame.querySelector(".plot");
    var readout = document.createElement("span");
    readout.className = "readout";
    figure.querySelector("figcaption").append(readout);
    return {
      figure: figure, frame: frame, plot: plot, readout: readout, data: data.panels[at],
      ticks: frame.querySelector(".xticks"), height: plot.viewBox.baseVal.height
    };
  });
  var whole = { from: 0, to: data.end };
  var shown = { from: 0, to: data.end };
  var cursor = null;

  function element(name, attributes) {
    var made = document.createElementNS(SVG, name);
    for (var one in attributes) made.setAttribute(one, attributes[one]);
    return made;
  }
  function clock(seconds) {
    if (seconds < 60 || seconds % 1 !== 0) return +seconds.toFixed(2) + "s";
    var hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = seconds % 60;
    return (hours ? hours + "h" : "") + (minutes ? minutes + "m" : "") + (rest ? rest + "s" : "");
  }
  function step(span) {
    var steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
    for (var at = 0; at < steps.length; at++) if (span / steps[at] <= 8) return steps[at];
    return Math.ceil(span / 8 / 14400) * 14400;
  }
  function show(from, to) {
    var least = Math.min(data.end, Math.max(data.step * 3, data.end / 1000));
    var span = Math.min(data.end, Math.max(least, to - from));
    from = Math.max(0, Math.min(from, data.end - span));
    shown = { from: from, to: from + span };
    var by = step(span);
    panels.forEach(function (panel) {
      panel.plot.setAttribute("viewBox",
        [from / data.end * 1000, 0, span / data.end * 1000, panel.height].join(" "));
      panel.ticks.textContent = "";
      // Every other label is left out where there is little room, counted from the last one if that
      // stands at the end.
      var last = Math.floor(shown.to / by + 1e-9);
      var atEnd = (last * by - from) / span > 0.97;
      for (var at = Math.ceil(from / by - 1e-9); at <= last; at++) {
        var place = (at * by - from) / span * 100 + "%";
        panel.ticks.append(element("line", { "class": "grid", x1: place, x2: place, y1: 0, y2: "100%" }));
        var end = atEnd && at === last ? " end" : "";
        var odd = (atEnd ? last - at : at) % 2;
        var text = element("text", { "class": "tx" + end + (odd ? " odd" : ""), x: place, y: panel.height + 17 });
        text.textContent = clock(+(at * by).toFixed(3));
        panel.ticks.append(text);
      }
    });
    home.dataset.from = shown.from;
    home.dataset.to = shown.to;
    var all = span >= data.end - 1e-9;
    reset.disabled = all;
    said.textContent = all ? "" : clock(+from.toFixed(1)) + " to " + clock(+shown.to.toFixed(1));
    point(cursor);
  }
  function figure(value, unit) {
    if (value === null || value === undefined) return "–";
    var text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en")
      : String(+value.toFixed(value < 10 ? 3 : 1));
    return text + (unit === "ms" ? " ms" : unit);
  }
  function point(seconds) {
    cursor = seconds;
    panels.forEach(function (panel) {
      var old = panel.frame.querySelector(".cursor");
      if (old) old.remove();
      if (seconds === null || seconds < shown.from || seconds > shown.to) {
        panel.readout.textContent = "";
        return;
      }
      var at = Math.max(0, Math.floor(seconds / data.step));
      var middle = Math.min((at + 0.5) * data.step, data.end);
      var place = (middle - shown.from) / (shown.to - shown.from) * 100 + "%";
      panel.frame.append(element("line", { "class": "cursor", x1: place, x2: place, y1: 0, y2: panel.height }));
      panel.readout.textContent = "at " + clock(+(at * data.step).toFixed(1)) + ": " +
        panel.data.lines.map(function (line) {
          return line.name + " " + figure(line.values[at], panel.data.unit);
        }).join(", ");
    });
  }
  function where(panel, event) {
    var box = panel.plot.getBoundingClientRect();
    var share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    return shown.from + share * (shown.to - shown.from);
  }

  var tools = document.createElement("div");
  tools.className = "tools";
  tools.setAttribute("role", "group");
  tools.setAttribute("aria-label", "Stretch of time");
  function tool(name, label, act) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", act);
    tools.append(button);
    return button;
  }
  function scaled(factor) {
    var middle = cursor === null || cursor < shown.from || cursor > shown.to
      ? (shown.from + shown.to) / 2 : cursor;
    show(middle - (middle - shown.from) * factor, middle + (shown.to - middle) * factor);
  }
  function moved(share) {
    var by = (shown.to - shown.from) * share;
    show(shown.from + by, shown.to + by);
  }
  tool("+", "Show a shorter stretch", function () { scaled(0.5); });
  tool("−", "Show a longer stretch", function () { scaled(2); });
  tool("←", "Earlier", function () { moved(-0.25); });
  tool("→", "Later", function () { moved(0.25); });
  var reset = tool("all", "Show the whole run", function () { show(whole.from, whole.to); });
  var said = document.createElement("span");
  said.setAttribute("role", "status");
  tools.append(said);
  var hint = document.createElement("span");
  hint.className = "hint";
  hint.textContent = "Drag over a chart to look closer; with the keyboard: arrows, + and −, Esc.";
  tools.append(hint);
  home.before(tools);

  home.tabIndex = 0;
  home.setAttribute("role", "group");
  home.setAttribute("aria-label", "Charts over time: arrows move the cursor, plus and minus zoom, Escape shows all");
  home.addEventListener("keydown", function (event) {
    var acts = {
      ArrowLeft: function () { point(Math.max(0, (cursor === null ? shown.to : cursor) - data.step)); },
      ArrowRight: function () { point(Math.min(data.end - data.step / 2, (cursor === null ? shown.from : cursor) + data.step)); },
      "+": function () { scaled(0.5); }, "=": function () { scaled(0.5); }, "-": function () { scaled(2); },
      Escape: function () { show(whole.from, whole.to); point(null); }
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
    if (cursor !== null && (cursor < shown.from || cursor > shown.to)) {
      var half = (shown.to - shown.from) / 2;
      show(cursor - half, cursor + half);
    }
  });
  panels.forEach(function (panel) {
    var chart = panel.figure.querySelector(".chart");
    var began = null, range = null;
    chart.addEventListener("pointerdown", function (event) {
      if (event.button !== 0 || event.pointerType === "touch") return;
      began = where(panel, event);
      chart.setPointerCapture(event.pointerId);
      event.preventDefault();
      home.focus({ preventScroll: true });
    });
    chart.addEventListener("pointermove", function (event) {
      var now = where(panel, event);
      point(now);
      if (began === null) return;
      if (!range) panel.frame.append(range = element("rect", { "class": "range", y: 0, height: panel.height }));
      var span = shown.to - shown.from;
      range.setAttribute("x", (Math.min(began, now) - shown.from) / span * 100 + "%");
      range.setAttribute("width", Math.abs(now - began) / span * 100 + "%");
    });
    function ended(event) {
      if (range) range.remove();
      range = null;
      if (began === null) return;
      var now = where(panel, event), from = Math.min(began, now), to = Math.max(began, now);
      began = null;
      if (event.type === "pointerup" && to - from > (shown.to - shown.from) / 100) show(from, to);
    }
    chart.addEventListener("pointerup", ended);
    chart.addEventListener("pointercancel", ended);
    chart.addEventListener("pointerleave", function () { if (began === null) point(null); });
    chart.addEventListener("dblclick", function () { show(whole.from, whole.to); });
  });
  show(whole.from, whole.to);
})();
