'use strict';
// node fastify.js PORT: Fastify with its defaults.

const fastify = require('fastify')();
const { PLAIN_BODY, work } = require('./jobs.js');

fastify.get('/plain', (request, reply) => {
  reply.header('foo-header', 'bar').header('foo-header-2', 'baz').type('text/plain').send(PLAIN_BODY);
});

fastify.post('/work', (request, reply) => {
  reply.send(work(request.body));
});

fastify.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
