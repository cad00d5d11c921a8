function plain(request, session, config) {
  return TykJsResponse({
    Body: "This is a virtual endpoint!",
    Headers: { "foo-header": "bar", "foo-header-2": "baz" },
    Code: 200
  }, session.meta_data);
}
