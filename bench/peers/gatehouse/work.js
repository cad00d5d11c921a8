function work(request, session, config) {
  var order = JSON.parse(request.Body);
  var total = 0;
  var big = [];
  for (var i = 0; i < order.items.length; i++) {
    var item = order.items[i];
    total += item.q;
    if (item.q > 6) {
      big.push({ id: item.id, double: item.q * 2 });
    }
  }
  return TykJsResponse({
    Body: JSON.stringify({ customer: order.customer, total: total, big: big }),
    Headers: { "Content-Type": "application/json" },
    Code: 200
  }, session.meta_data);
}
