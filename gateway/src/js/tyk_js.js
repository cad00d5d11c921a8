// `TykJS`: the objects that middleware and event handler scripts build themselves from.
var TykJS = (function () {
  function Middleware(configuration) { this.configuration = configuration; }
  Middleware.prototype = {
    constructor: Middleware,
    // Until a script sets its own, a request or response passes through unchanged.
    ProcessRequest: function (request, session) { return this.ReturnData(request, session && session.meta_data); },
    ProcessResponse: function (response, request, session) {
      return this.ReturnResponseData(response, session && session.meta_data);
    },
    NewProcessRequest: function (callback) { this.ProcessRequest = callback; },
    NewProcessResponse: function (callback) { this.ProcessResponse = callback; },
    ReturnData: function (request, sessionMeta) { return {Request: request, SessionMeta: sessionMeta}; },
    ReturnAuthData: function (request, session) { return {Request: request, Session: session}; },
    ReturnResponseData: function (response, sessionMeta) { return {Response: response, SessionMeta: sessionMeta}; },
    DoProcessRequest: function (request, session, config) {
      return JSON.stringify(this.ProcessRequest(request, session, config));
    },
    DoProcessResponse: function (response, request, session, config) {
      return JSON.stringify(this.ProcessResponse(response, request, session, config));
    }
  };

  function EventHandler(configuration) { this.configuration = configuration; }
  EventHandler.prototype = {
    constructor: EventHandler,
    Handle: function () {},
    NewHandler: function (callback) { this.Handle = callback; },
    DoHandle: function (event, context) { this.Handle(event, context); },
    DoProcessEvent: function (event, context) { this.Handle(event, context); }
  };

  return {
    TykMiddleware: {NewMiddleware: Middleware},
    TykEventHandlers: {NewEventHandler: EventHandler}
  };
})();
