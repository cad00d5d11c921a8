function hostile(request, session, config) {
  function* nest(n) { if (n > 0) { yield* nest(n - 1); } yield n; }
  for (var n = 1; ; n *= 2) { for (var value of nest(n)) { value++; } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
