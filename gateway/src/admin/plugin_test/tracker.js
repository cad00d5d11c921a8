// Remembers which object the code of a test registers its handler with, whatever it calls it.
var __tested;
(function () {
  var prototype = TykJS.TykMiddleware.NewMiddleware.prototype;
  ['NewProcessRequest', 'NewProcessResponse'].forEach(function (name) {
    var register = prototype[name];
    prototype[name] = function (handler) {
      __tested = this;
      return register.call(this, handler);
    };
  });
})();
