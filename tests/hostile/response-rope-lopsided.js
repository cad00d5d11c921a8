function hostile(request, session, config) {
  var t = ''; for (var i = 0; i < 3e6; i++) { t = 'ab' + t; } return TykJsResponse({Body: t.charAt(5) + t, Code: 200}, {});
}
