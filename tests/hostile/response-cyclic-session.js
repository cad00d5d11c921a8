function hostile(request, session, config) {
  var m = {}; m.m = [m, session]; session.meta_data = m; session.self = session; return TykJsResponse({Body: 'x', Code: 200}, m);
}
