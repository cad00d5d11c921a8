// The jobs for njs (js_content).

function plain(r) {
    r.headersOut['foo-header'] = 'bar';
    r.headersOut['foo-header-2'] = 'baz';
    r.return(200, 'This is a virtual endpoint!');
}

function work(r) {
    let order = JSON.parse(r.requestText);
    let total = 0;
    let big = [];
    for (let i = 0; i < order.items.length; i++) {
        let item = order.items[i];
        total += item.q;
        if (item.q > 6) {
            big.push({ id: item.id, double: item.q * 2 });
        }
    }
    sendJson(r, { customer: order.customer, total: total, big: big });
}

// ngx.fetch opens a connection for each call in njs 0.7.9.
async function aggregateFetch(r) {
    let answer = await ngx.fetch(r.variables.upstream_item);
    let item = await answer.json();
    greet(r, item);
}

// A subrequest to a proxied location uses nginx's upstream keep-alive.
async function aggregateSubrequest(r) {
    let answer = await r.subrequest('/upstream-item');
    greet(r, JSON.parse(answer.responseText));
}

function greet(r, item) {
    item.greeting = 'Hello ' + item.name;
    sendJson(r, item);
}

function sendJson(r, value) {
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify(value));
}

export default { plain, work, aggregateFetch, aggregateSubrequest };
