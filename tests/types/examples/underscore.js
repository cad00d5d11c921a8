// @ts-check

var orders = [{ id: 7, lines: [{ price: 2 }] }, { id: 9, lines: [] }];

/** @type {number} */
var sum = _.reduce(orders, function (sum, order) { return sum + order.lines.length; }, 0);
/** @type {number[]} */
var ids = _.map(orders, function (order) { return order.id; });
/** @type {{ [key: string]: { id: number }[] }} */
var groups = _.groupBy(orders, function (order) { return order.id % 2 ? "odd" : "even"; });
var prices = _.chain(orders).pluck("lines").flatten().pluck("price").sortBy().first(2).value();
var page = _.template("<% _.each(ids, function (id) { %><%- id %><% }) %>")({ ids: ids });
_.mixin({ shout: function (text) { return String(text).toUpperCase(); } });
log([sum, ids, _.size(groups), prices, page, _.uniq(ids, true), _([3, 1]).max(), _.random(1, 6)].join());
