// The gateway's functions. Arguments are turned into strings, a missing one into "undefined", as in Tyk.

/** Writes one line with the API and the request's id to the log, at level info. */
declare function log(text: any): void;

/** Writes one line with the text alone to the log. */
declare function rawlog(text: any): void;

/** Base64 with padding of a text's UTF-8. */
declare function b64enc(text: any): string;

/** The text of base64, with padding or without; `undefined` for what is none. */
declare function b64dec(text: any): string | undefined;

/** Base64 without padding of a text's UTF-8. */
declare function rawb64enc(text: any): string;

/** The text of base64 without padding; `undefined` for what is none, or has padding. */
declare function rawb64dec(text: any): string | undefined;

/** The argument of `TykMakeHttpRequest`, before `JSON.stringify`. Names match without regard to case. */
interface TykHttpRequest {
  /** The method; `GET` when it is not there. */
  Method?: string;
  /** Scheme and host, `http` or `https`. */
  Domain: string;
  /** What is put after `Domain`: path and query. */
  Resource?: string;
  /** Headers; those of the connection (`Host`, `Content-Length` and so on) are left out. */
  Headers?: { [name: string]: string };
  /** The body. */
  Body?: string;
  /** Sent as a form when there is no body, without a content type. */
  FormData?: { [name: string]: string };
  /** The exact bytes of the body in base64, in place of `Body`. Addition. */
  BodyBase64?: string;
  /** Milliseconds for this call alone, within those of the script. Addition. */
  TimeoutMs?: number;
}

/** The answer of `TykMakeHttpRequest`, after `JSON.parse`. */
interface TykHttpResponse {
  /** Status. */
  Code: number;
  /** The body as text; what is not UTF-8 is replaced by U+FFFD. */
  Body: string;
  /** Headers. */
  Headers: TykValues;
  /** As `Code`. */
  code: number;
  /** As `Body`. */
  body: string;
  /** As `Headers`. */
  headers: TykValues;
  /** The exact bytes in base64, where they are not UTF-8. Addition. */
  BodyBase64?: string;
}

/** Makes an outbound call: JSON text of a {@link TykHttpRequest} in, of a {@link TykHttpResponse} out; `undefined` if there is no answer. */
declare function TykMakeHttpRequest(json: string): string | undefined;

/** The argument of `TykBatchRequest`, before `JSON.stringify`. Names match without regard to case. */
interface TykBatch {
  /** The calls. */
  requests: TykBatchUnit[];
  /** `true`: one after the other. */
  suppress_parallel_execution?: boolean;
}

/** One call of a batch. */
interface TykBatchUnit {
  /** The method; `GET` when it is not there. */
  method?: string;
  /** The whole URL, `http` or `https`. */
  relative_url: string;
  /** Headers. */
  headers?: { [name: string]: string };
  /** The body. */
  body?: string;
  /** The exact bytes of the body in base64, in place of `body`. Addition. */
  BodyBase64?: string;
  /** Milliseconds for this call alone. Addition. */
  TimeoutMs?: number;
}

/** One answer of `TykBatchRequest`, after `JSON.parse`. */
interface TykBatchAnswer {
  /** As in the call. */
  relative_url: string;
  /** Status; 0 if there was no answer. */
  code: number;
  /** Headers. */
  headers: TykValues;
  /** The body as text. */
  body: string;
  /** The exact bytes in base64, where they are not UTF-8. Addition. */
  BodyBase64?: string;
}

/** Makes several outbound calls: JSON text of a {@link TykBatch} in, of an array of {@link TykBatchAnswer} out, in the order of arrival. */
declare function TykBatchRequest(json: string): string | undefined;

/** The session of a key as JSON text, `{"status":"error","message":"Key not found"}` if there is none. Throws when the store fails. */
declare function TykGetKeyData(key: string, apiId: string): string;

/**
 * Writes the session of a key, which need not be there. `suppressReset` `"1"` leaves `last_updated` and `quota_renews` as they
 * are. What is not a session that may be written is left, and noted in the log. Throws when the store fails.
 */
declare function TykSetKeyData(key: string, json: string, suppressReset?: string | number): void;

/** The value that is stored under a name; `null` if there is none. Throws when the store fails. */
declare function TykStorageGet(name: string): string | null;

/** Stores a text for so many seconds; for ever without them, or with 0. Throws when the store fails. */
declare function TykStorageSet(name: string, value: string, seconds?: number): void;

/** Stores a text unless there is one, and says whether it did. Throws when the store fails. */
declare function TykStorageSetNX(name: string, value: string, seconds?: number): boolean;

/** Removes a value. Throws when the store fails. */
declare function TykStorageDel(name: string): void;

/** Seconds that a value is still kept for; -1 for ever, -2 if there is none. Throws when the store fails. */
declare function TykStorageTTL(name: string): number;

/** Adds 1 and gives the sum as text; one that begins now is kept for so many seconds. Throws when the store fails. */
declare function TykStorageIncr(name: string, seconds?: number): string;
