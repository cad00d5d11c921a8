function hostile(request, session, config) {
  var a = []; for (var i = 0; i < 70000; i++) { a.push('a' + i); } var f = new Function(a.join(), 'return arguments.length'); for (;;) { try { f.apply(null, new Array(65535)); Math.max.apply(null, {length: 65534}); f(...new Array(1e6)); } catch (e) {} }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
