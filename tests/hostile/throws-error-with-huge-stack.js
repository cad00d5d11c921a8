function hostile(request, session, config) {
  var e = new Error('m'.repeat(1 << 22)); Object.defineProperty(e, 'stack', {value: '    at x (hostile.js:1:1)\n'.repeat(500000)}); e.name = {toString: function () { throw e; }}; throw e;
}
