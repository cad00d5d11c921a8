function hostile(request, session, config) {
  Object.defineProperty(request, 'Body', {get: function () { for (;;) {} }}); Object.defineProperty(request, 'Headers', {get: function () { throw 1; }}); delete request.URL; session.meta_data = request; config.self = config; return TykJsResponse({Body: JSON.stringify(request), Code: 200}, session.meta_data);
}
