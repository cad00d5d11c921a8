// Evaluated in the context of each library before it is loaded: a clock moved by hand, and helpers.
var clock = 1700000000000, timers = [], timerId = 0, started = clock;
Date.now = function () { return clock; };
function setTimeout(fn, ms) {
  timers.push({ id: ++timerId, at: clock + Math.max(1, +ms || 0), fn: fn });
  return timerId;
}
function clearTimeout(id) { timers = timers.filter(function (t) { return t.id !== id; }); }
function advance(ms) {
  var end = clock + ms;
  for (;;) {
    var due = timers.filter(function (t) { return t.at <= end; })
      .sort(function (a, b) { return a.at - b.at || a.id - b.id; })[0];
    if (!due) break;
    clearTimeout(due.id);
    clock = Math.max(clock, due.at);
    due.fn();
  }
  clock = end;
}
function resetClock() { timers = []; started = clock; }
function T0() { return started; }
// fn logs its arguments, and the time since the case began.
function recorder() {
  var log = [], n = 0;
  return { log: log, fn: function () { log.push([[].slice.call(arguments), clock - started]); return ++n; } };
}
function args() { return arguments; }
function double(x) { return x * 2; }
function add(a, b) { return a + b; }
function even(x) { return x % 2 === 0; }
function constant1() { return 1; }
function collectArgs() { return [].slice.call(arguments); }
