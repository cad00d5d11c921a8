// What scripts of Gatehouse find: the gateway's functions, the arguments of their own functions, and what these return.
// Printed by `gatehouse types`. A test compares it with what the engines really have, so that neither moves alone.
// "Addition" marks what Tyk does not have, "to read" what a script may change without effect.

/** Names of headers or parameters with all their values. Header names are in canonical form (`X-Test`). */
interface TykValues {
  [name: string]: string[];
}

/** Any JSON value. */
type TykJson = string | number | boolean | null | TykJson[] | { [name: string]: TykJson | undefined };

/** An object of any JSON values. */
interface TykJsonObject {
  [name: string]: any;
}

/** The API that the script belongs to. */
interface TykConfig {
  /** Id of the API. */
  readonly APIID: string;
  /** Id of its organisation. */
  readonly OrgID: string;
  /** `config_data` of the definition; `null` when it has none, not there when it switches it off. */
  readonly config_data: TykJsonObject;
}

/** A virtual endpoint: answers a request instead of the upstream. */
type TykVirtualEndpoint = (request: TykVirtualRequest, session: TykSession, config: TykConfig) => string;

/** The first argument of a virtual endpoint. */
interface TykVirtualRequest {
  /** Headers, without `Host`. */
  Headers: TykValues;
  /** The body as text; what is not UTF-8 is replaced by U+FFFD. */
  Body: string;
  /** Path and query as the client sent them, with the listen path. */
  URL: string;
  /** Form fields of the body (POST, PUT and PATCH with `application/x-www-form-urlencoded`), then the query's. */
  Params: TykValues;
  /** How the client called. */
  Scheme: "http" | "https";
  /** The method. Addition, not enumerable. */
  Method: string;
  /** The id of the request that the log has. Addition, not enumerable. */
  RequestID: string;
  /** The exact bytes of the body, in base64. Addition, not enumerable. */
  BodyBase64: string;
}

/** The first argument of request hooks (`pre`, `auth_check`, `post_key_auth`, `post`); what it changes is done to the request. */
interface TykHookRequest {
  /** Headers, with `Host`. To read: changes are not looked at. */
  Headers: TykValues;
  /** Headers to set; each replaces all the values there are. */
  SetHeaders: { [name: string]: string };
  /** Names of headers to take out, before others are set. */
  DeleteHeaders: string[];
  /** The body as text; another text replaces it. `null` for the request of a response hook. */
  Body: string | null;
  /** Path and query with the listen path; may be replaced, also by `tyk://API/path`. A host in it is not looked at. */
  URL: string;
  /** Query parameters. To read. */
  Params: TykValues;
  /** Query parameters to set; each replaces all the values there are. */
  AddParams: { [name: string]: string };
  /** Query parameters to add to what is there. */
  ExtendedParams: TykValues;
  /** Names of query parameters to take out, before others are set or added. */
  DeleteParams: string[];
  /** An answer, in place of going on. */
  ReturnOverrides: TykReturnOverrides;
  /** `true`: the body stays, whatever `Body` says. */
  IgnoreBody: boolean;
  /** The method. To read. */
  Method: string;
  /** Path and query as the client sent them, whatever became of them since. To read. */
  RequestURI: string;
  /** How the client called. To read. */
  Scheme: "http" | "https";
  /** The id of the request that the log has. To read. Addition, not enumerable. */
  RequestID: string;
  /** The exact bytes of the body, in base64; set it for a new body of any bytes. Addition, not enumerable. */
  BodyBase64: string;
}

/** An answer that a request hook gives. Optional names are other spellings of the first five. */
interface TykReturnOverrides {
  /** 0 goes on; from 400 on, without `OverrideError`, it is the gateway's JSON error; others from 200 to 999 are answers as given. */
  ResponseCode: number;
  /** The message of the error, or the body. */
  ResponseError: string;
  /** The body when there is no `ResponseError`. */
  ResponseBody: string;
  /** Headers; an array makes several fields (addition). */
  ResponseHeaders: { [name: string]: string | string[] } | null;
  /** `true`: an answer from 400 on goes out as given too. */
  OverrideError: boolean;
  /** As `ResponseCode`. */
  response_code?: number;
  /** As `ResponseError`. */
  response_error?: string;
  /** As `ResponseBody`. */
  response_body?: string;
  /** As `ResponseHeaders`. */
  response_headers?: { [name: string]: string | string[] };
  /** As `ResponseHeaders`. */
  headers?: { [name: string]: string | string[] };
  /** As `OverrideError`. */
  override_error?: boolean;
}

/** The first argument of response hooks; what it changes is done to the answer. */
interface TykHookResponse {
  /** Status; 200 to 999. */
  StatusCode: number;
  /** The body as text; another text replaces it. */
  Body: string;
  /** Headers. To read: changes are not looked at. */
  Headers: TykValues;
  /** Headers to set; each replaces all the values there are. */
  SetHeaders: { [name: string]: string };
  /** Names of headers to take out, before others are set. */
  DeleteHeaders: string[];
  /** The exact bytes of the body, in base64; set it for a new body of any bytes. Addition, not enumerable. */
  BodyBase64: string;
}

/** The answer of a virtual endpoint. Names match without regard to case. */
interface TykVirtualResponse {
  /** Status; a whole number from 200 to 999. */
  Code: number;
  /** The body. */
  Body?: string | null;
  /** Headers; an array makes several fields (addition). */
  Headers?: { [name: string]: string | string[] } | null;
  /** The exact bytes of the body in base64, in place of `Body`. Addition. */
  BodyBase64?: string;
}

/** Makes the text that a virtual endpoint returns. `session_meta` becomes the session's `meta_data`; without it they are emptied. */
declare function TykJsResponse(response: TykVirtualResponse, session_meta?: any): string;
