function hostile(request, session, config) {
  var o = {valueOf: function () { return +o + 1; }, toString: function () { return `${o}`; }}; return o * 2;
}
