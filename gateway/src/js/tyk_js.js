// `TykJS`: the objects that middleware and event handler scripts build themselves from.
var TykJS = (function () {
  // As they were before any script ran.
  var stringify = JSON.stringify, define = Object.defineProperty, describe = Object.getOwnPropertyDescriptor;

  // Lets a script give a message other bytes by setting `BodyBase64`, which otherwise only shows them.
  function takeBytes(message) {
    var shown = describe(message, 'BodyBase64');
    if (!shown || !shown.get) return;
    shown.set = function (text) {
      define(this, 'BodyBase64', {value: text, enumerable: true, writable: true, configurable: true});
    };
    define(message, 'BodyBase64', shown);
  }

  // What the gateway gets. A body that is as it was stays behind: it need not be copied, and keeps its exact bytes.
  function handOver(result, name, body, convert) {
    var message = result[name], kept = message.Body === body;
    if (kept) message.Body = undefined;
    else if (convert && message.Body !== undefined) message.Body = String(message.Body);
    message.Headers = undefined;
    var handed = {SessionMeta: result.SessionMeta, Session: result.Session, AuthValue: result.AuthValue, BodyKept: kept};
    handed[name] = message;
    return stringify(handed);
  }

  function MiddlewareComponentMeta(configuration) { this.configuration = configuration; }
  MiddlewareComponentMeta.prototype = {
    constructor: MiddlewareComponentMeta,
    ProcessRequest: function (request) {
      log('Process Request Not Implemented');
      return request;
    },
    ProcessResponse: function (response) {
      log('Process Response Not Implemented');
      return response;
    },
    DoProcessRequest: function (request, session, config) {
      var body = request.Body;
      takeBytes(request);
      var result = this.ProcessRequest(request, session, config);
      if (!result) {
        log("Middleware didn't return request object!");
        return;
      }
      return handOver(result, 'Request', body, true);
    },
    DoProcessResponse: function (response, request, session, config) {
      var body = response.Body;
      takeBytes(response);
      var result = this.ProcessResponse(response, request, session, config);
      if (!result) {
        log("Middleware didn't return response object!");
        return;
      }
      return handOver(result, 'Response', body, false);
    }
  };

  function NewMiddleware(configuration) { MiddlewareComponentMeta.call(this, configuration); }
  NewMiddleware.prototype = Object.create(MiddlewareComponentMeta.prototype);
  NewMiddleware.prototype.constructor = NewMiddleware;
  NewMiddleware.prototype.NewProcessRequest = function (callback) { this.ProcessRequest = callback; };
  NewMiddleware.prototype.NewProcessResponse = function (callback) { this.ProcessResponse = callback; };
  NewMiddleware.prototype.ReturnData = function (request, session) { return {Request: request, SessionMeta: session}; };
  NewMiddleware.prototype.ReturnAuthData = function (request, session) { return {Request: request, Session: session}; };
  NewMiddleware.prototype.ReturnResponseData = function (response, session) {
    return {Response: response, SessionMeta: session};
  };

  function EventHandlerComponentMeta() {}
  EventHandlerComponentMeta.prototype = {
    constructor: EventHandlerComponentMeta,
    Handle: function (event) {
      log('Handler not implemented!');
      return event;
    },
    // The text says that it came to an end.
    DoProcessEvent: function (event, context) {
      // An addition, which must not show where a context is written out: Tyk's has two members.
      if (context && describe(context, 'config_data')) define(context, 'config_data', {enumerable: false});
      this.Handle(event, context);
      return '';
    }
  };

  function NewEventHandler() { EventHandlerComponentMeta.call(this); }
  NewEventHandler.prototype = Object.create(EventHandlerComponentMeta.prototype);
  NewEventHandler.prototype.constructor = NewEventHandler;
  NewEventHandler.prototype.NewHandler = function (callback) { this.Handle = callback; };

  return {
    TykMiddleware: {MiddlewareComponentMeta: MiddlewareComponentMeta, NewMiddleware: NewMiddleware},
    TykEventHandlers: {EventHandlerComponentMeta: EventHandlerComponentMeta, NewEventHandler: NewEventHandler}
  };
})();
