function hostile(request, session, config) {
  Object.prototype.toJSON = function () { return {a: {}}; };
  return TykJsResponse({Body: 'x', Code: 200}, {});
}
