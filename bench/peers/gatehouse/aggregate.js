function aggregate(request, session, config) {
  var answer = JSON.parse(TykMakeHttpRequest(JSON.stringify({
    Method: "GET", Domain: config.config_data.upstream, Resource: "/item", Headers: {}
  })));
  var item = JSON.parse(answer.Body);
  item.greeting = "Hello " + item.name;
  return TykJsResponse({
    Body: JSON.stringify(item),
    Headers: { "Content-Type": "application/json" },
    Code: 200
  }, session.meta_data);
}
