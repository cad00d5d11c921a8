function hostile(request, session, config) {
  Array.from({[Symbol.iterator]: function () { return {next: function () { return {value: 1}; }}; }});
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
