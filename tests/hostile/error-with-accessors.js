function hostile(request, session, config) {
  var error = new Error('x');
  for (var name of ['message', 'name', 'stack', 'toString', 'constructor']) {
    Object.defineProperty(error, name, {get: function () { for (;;) {} }});
  }
  throw error;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
