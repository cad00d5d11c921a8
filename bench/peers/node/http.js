'use strict';
// node http.js PORT UPSTREAM_URL: Node's own `http`, no framework.

const http = require('node:http');
const { PLAIN_BODY, work, greet } = require('./jobs.js');

const [port, upstreamUrl] = process.argv.slice(2);
const { hostname, port: upstreamPort, pathname } = new URL(upstreamUrl);
const agent = new http.Agent({ keepAlive: true });
const upstream = { hostname, port: upstreamPort, path: pathname, agent };

const server = http.createServer((request, response) => {
  switch (request.url) {
    case '/plain': return plain(response);
    case '/work': return readText(request, (text) => sendJson(response, work(JSON.parse(text))));
    case '/aggregate': return aggregate(response);
    default: response.writeHead(404).end();
  }
});

function plain(response) {
  response.writeHead(200, {
    'Content-Type': 'text/plain',
    'Content-Length': PLAIN_BODY.length,
    'foo-header': 'bar',
    'foo-header-2': 'baz',
  });
  response.end(PLAIN_BODY);
}

function aggregate(response) {
  const call = http.request(upstream, (answer) => {
    readText(answer, (text) => sendJson(response, greet(JSON.parse(text))));
  });
  call.on('error', (error) => response.writeHead(502).end(error.message));
  call.end();
}

function readText(stream, done) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => done(Buffer.concat(chunks).toString()));
}

function sendJson(response, value) {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

server.listen(Number(port), '127.0.0.1');
