// What hooks and event handlers are made from.

/** What hooks and event handlers are made from. */
declare var TykJS: TykConstructors;

/** `TykJS`. */
interface TykConstructors {
  /** For hooks. */
  TykMiddleware: TykMiddlewareConstructors;
  /** For event handlers. */
  TykEventHandlers: TykEventHandlerConstructors;
}

/** `TykJS.TykMiddleware`. */
interface TykMiddlewareConstructors {
  /** What `NewMiddleware` builds on. */
  MiddlewareComponentMeta: new (configuration: any) => object;
  /** Makes a hook; its variable's name is what the definition says. */
  NewMiddleware: new (configuration: any) => TykMiddleware;
}

/** A hook. */
interface TykMiddleware {
  /** What the constructor was given. */
  configuration: any;
  /** Sets the function that `pre`, `auth_check`, `post_key_auth` and `post` call. */
  NewProcessRequest(callback: TykRequestHook): void;
  /** Sets the function that `response` calls. */
  NewProcessResponse(callback: TykResponseHook): void;
  /** What a request hook returns; `session` are metadata (`session.meta_data`). */
  ReturnData(request: TykHookRequest, session: any): TykRequestResult;
  /** What an `auth_check` hook returns; `session` is the caller's whole session. */
  ReturnAuthData(request: TykHookRequest, session: TykSession): TykAuthResult;
  /** What a response hook returns. */
  ReturnResponseData(response: TykHookResponse, session: any): TykResponseResult;
  /** The function itself. */
  ProcessRequest(request: TykHookRequest): any;
  /** The function itself. */
  ProcessResponse(response: TykHookResponse): any;
  /** Called by the gateway. */
  DoProcessRequest(request: TykHookRequest, session: TykSession, config: TykConfig): string | undefined;
  /** Called by the gateway. */
  DoProcessResponse(response: TykHookResponse, request: TykHookRequest, session: TykSession, config: TykConfig): string | undefined;
}

/** A request hook's function. `session` is `{}` without `require_session`, and at `pre` and `auth_check`. */
type TykRequestHook = (request: TykHookRequest, session: TykSession, config: TykConfig) => TykRequestResult | TykAuthResult;

/** A response hook's function. Metadata are not stored from here. */
type TykResponseHook = (response: TykHookResponse, request: TykHookRequest, session: TykSession, config: TykConfig) => TykResponseResult;

/** Made by `ReturnData`. */
interface TykRequestResult {
  Request: TykHookRequest;
  SessionMeta: any;
}

/** Made by `ReturnAuthData`. */
interface TykAuthResult {
  Request: TykHookRequest;
  Session: TykSession;
}

/** Made by `ReturnResponseData`. */
interface TykResponseResult {
  Response: TykHookResponse;
  SessionMeta: any;
}

/** `TykJS.TykEventHandlers`. */
interface TykEventHandlerConstructors {
  /** What `NewEventHandler` builds on. */
  EventHandlerComponentMeta: new () => object;
  /** Makes an event handler; its variable's name is what the definition says. */
  NewEventHandler: new (configuration?: any) => TykEventHandler;
}

/** An event handler. */
interface TykEventHandler {
  /** Sets the function. What it returns is not looked at. */
  NewHandler(callback: (event: TykEvent, context: TykConfig) => any): void;
  /** The function itself. */
  Handle(event: TykEvent): any;
  /** Called by the gateway. */
  DoProcessEvent(event: TykEvent, context: TykConfig): string;
}

/** What happened. */
interface TykEvent {
  /** Name of the event, such as `AuthFailure`. */
  Type: string;
  /** Facts; which there are depends on the event. */
  Meta: TykEventMeta;
  /** When, as Go prints times. */
  TimeStamp: string;
}

/** The facts of an event. */
interface TykEventMeta {
  /** What happened, for people. */
  Message: string;
  /** The request's head, and its body if a step had read it, in base64; empty for events of keys. */
  OriginatingRequest: string;
  /** The key; empty if the event is not about one. */
  Key: string;
  /** Path of the request, with the listen path. */
  Path?: string;
  /** Address of the client. */
  Origin?: string;
  /** Organisation of a key that was made, changed or deleted. */
  Org?: string;
  /** Why a version was refused. */
  Reason?: string;
}
