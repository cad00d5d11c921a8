'use strict';
// What both Node servers do for a job, apart from HTTP.

exports.PLAIN_BODY = 'This is a virtual endpoint!';

exports.work = function work(order) {
  let total = 0;
  const big = [];
  for (const item of order.items) {
    total += item.q;
    if (item.q > 6) big.push({ id: item.id, double: item.q * 2 });
  }
  return { customer: order.customer, total, big };
};

exports.greet = function greet(item) {
  item.greeting = 'Hello ' + item.name;
  return item;
};
