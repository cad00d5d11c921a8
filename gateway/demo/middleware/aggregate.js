// Two upstream calls, one answer.
function get(upstream, path) {
  var answer = TykMakeHttpRequest(JSON.stringify({ Method: "GET", Domain: upstream, Resource: path }));
  return JSON.parse(JSON.parse(answer).Body);
}

function userWithOrders(request, session, config) {
  var id = request.URL.split("/").pop();
  var upstream = config.config_data.upstream;
  var user = get(upstream, "/users/" + id);
  user.orders = get(upstream, "/orders").filter(function (order) { return order.user === user.id; });
  return TykJsResponse({
    Body: JSON.stringify(user),
    Headers: { "Content-Type": "application/json" },
    Code: 200
  }, session.meta_data);
}
